import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError, InputError } from '../../../lib/errors.ts';
import { lastLines, MissingProgramError, type ProgramRun, runProgram } from '../../../lib/ports/programs/index.ts';

const missing = { install: 'for example with the task HelmInstaller@1', input: 'helmPath' };

/** Runs a script on this Node. */
async function node(script: string, more: Partial<ProgramRun> = {}) {
  return await runProgram({
    program: process.execPath,
    args: ['-e', script],
    cwd: tmpdir(),
    environment: {},
    signal: new AbortController().signal,
    missing,
    ...more,
  });
}

describe('runProgram', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gitops-programs-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('returns the exit code and both outputs', async () => {
    const result = await node("console.log('out é'); console.error('err'); process.exitCode = 3");
    assert.deepEqual(result, { exitCode: 3, stdout: 'out é\n', stderr: 'err\n' });
  });

  it('sends standard input and closes it', async () => {
    const text = 'x'.repeat(300_000);
    const script = "let n = 0; process.stdin.on('data', (c) => { n += c.length; }).on('end', () => console.log(n))";
    assert.equal((await node(script, { stdin: text })).stdout, '300000\n');
    assert.equal((await node(script)).stdout, '0\n');
  });

  it('takes it that a program does not read its input', async () => {
    assert.equal((await node('process.exit(0)', { stdin: 'x'.repeat(5_000_000) })).exitCode, 0);
  });

  it('passes the environment that it is given, and nothing of its own', async () => {
    process.env['GITOPS_TEST_SECRET'] = 'leak';
    try {
      const { stdout } = await node('console.log(JSON.stringify(process.env))', {
        environment: { A: '1', B: undefined },
      });
      const { A, B, GITOPS_TEST_SECRET } = JSON.parse(stdout) as Record<string, string>;
      assert.deepEqual([A, B, GITOPS_TEST_SECRET], ['1', undefined, undefined]);
    } finally {
      delete process.env['GITOPS_TEST_SECRET'];
    }
  });

  it('gives arguments as they are: no shell reads them', async () => {
    const args = ['$(id)', '`id`', '; id', '"', "'", '*', '%PATH%', 'a b', ''];
    const { stdout } = await node('', {
      args: ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...args],
    });
    assert.deepEqual(JSON.parse(stdout), args);
  });

  it('says how to get a program that is missing, and which input takes its path', async () => {
    await assert.rejects(
      node('', { program: 'no-such-program-here' }),
      (error) =>
        error instanceof MissingProgramError &&
        error.problems[0]?.input === 'helmPath' &&
        /`no-such-program-here` was not found\. Install it, for example with the task HelmInstaller@1, or set the input `helmPath`/.test(
          error.message,
        ),
    );
  });

  it('does not call a program missing when the folder is', async () => {
    await assert.rejects(
      node('', { cwd: join(folder, 'nowhere') }),
      (error) =>
        error instanceof InputError &&
        !(error instanceof MissingProgramError) &&
        /could not be started in .*nowhere/.test(error.message),
    );
  });

  it('says that a file may not be executed', async () => {
    const file = join(folder, 'plain.txt');
    writeFileSync(file, 'x');
    chmodSync(file, 0o644);
    await assert.rejects(
      node('', { program: file }),
      (error) => error instanceof InputError && /may not be executed/.test(error.message),
    );
  });

  it('stops a program that writes without end', async () => {
    const script =
      "const c = 'x'.repeat(65536); function w() { while (process.stdout.write(c)); process.stdout.once('drain', w); } w();";
    await assert.rejects(
      node(script, { maxOutputBytes: 1024 * 1024 }),
      (error) => error instanceof InputError && /wrote more than 1 MiB and was stopped/.test(error.message),
    );
  });

  it('does not begin after a cancellation', async () => {
    const marker = join(folder, 'began');
    const signal = AbortSignal.abort();
    await assert.rejects(
      node(`require('fs').writeFileSync(${JSON.stringify(marker)}, '')`, { signal }),
      CancelledError,
    );
    assert.equal(existsSync(marker), false);
  });

  it('ends everything that the program started when it is cancelled', async () => {
    const pidFile = join(folder, 'grandchild.pid');
    const grandchild = 'setInterval(() => {}, 1000)';
    const script = `
      const { spawn } = require('child_process');
      const child = spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'inherit' });
      require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
      setInterval(() => {}, 1000);`;
    const cancel = new AbortController();
    const run = node(script, { signal: cancel.signal });
    const ended = assert.rejects(run, CancelledError);
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
    cancel.abort();
    await ended;
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await until(() => !isRunning(pid)).finally(() => isRunning(pid) && process.kill(pid, 'SIGKILL'));
  });

  it('kills a program that ignores the request to end', async () => {
    const ready = join(folder, 'ready');
    const cancel = new AbortController();
    const run = node(
      `process.on('SIGTERM', () => {}); require('fs').writeFileSync(${JSON.stringify(ready)}, ''); setInterval(() => {}, 1000);`,
      { signal: cancel.signal },
    );
    const ended = assert.rejects(run, CancelledError);
    await until(() => existsSync(ready));
    cancel.abort();
    await ended;
  });

  it('does not wait for what a program leaves running with its outputs open', async () => {
    const script = `
      const { spawn } = require('child_process');
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 8000)'], { stdio: 'inherit', detached: true });
      child.unref();
      console.log(child.pid);`;
    const started = performance.now();
    const { stdout, exitCode } = await node(script);
    assert.equal(exitCode, 0);
    assert.ok(performance.now() - started < 6000);
    process.kill(Number(stdout), 'SIGKILL');
  });
});

describe('lastLines', () => {
  it('keeps the last lines that say something, without what progress bars overwrote', () => {
    assert.equal(lastLines('one\n\ntwo\r\n10 %\r20 %\n\nthree\n', 3), '10 %\n20 %\nthree');
    assert.equal(lastLines('\n \n'), '');
  });
});

/** Waits until something is so, and fails when it does not become so. */
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    assert.ok(performance.now() < end, `not within 5 s: ${condition}`);
    await delay(10);
  }
}

/** A zombie that nobody waits for counts as ended. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

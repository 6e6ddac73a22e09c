import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type RunOptions, runTask } from './index.ts';
import { defaultTiming } from './process.ts';
import { useTempFolder } from './temp-folder.ts';

describe('The end of a task', () => {
  const temp = useTempFolder();

  function task(main: string): string {
    const folder = path.join(temp.folder, 'task');
    mkdirSync(folder, { recursive: true });
    const definition = {
      id: 'i',
      name: 'Sample',
      version: { Major: 1, Minor: 0, Patch: 0 },
      execution: { Node24: { target: 'main.mjs' } },
    };
    writeFileSync(path.join(folder, 'task.json'), JSON.stringify(definition));
    writeFileSync(path.join(folder, 'main.mjs'), main);
    return folder;
  }

  const run = (main: string, options: RunOptions = {}) =>
    runTask({ taskFolder: task(main), expectViolations: true, outputDirectory: temp.folder, ...options });

  /** One that has ended and that nobody waited for does not run. */
  function isRunning(pid: number): boolean {
    const file = `/proc/${pid}/stat`;
    assert.ok(pid > 1);
    return existsSync(file) && !/\) [ZX] /.test(readFileSync(file, 'utf8'));
  }

  const waits = "setInterval(() => undefined, 1000); console.log('ready');";
  const quick = { PROCESS_SIGINT_TIMEOUT: '150', PROCESS_SIGTERM_TIMEOUT: '150' };

  it('takes as long as an agent waits: 7.5 s for SIGINT, 2.5 s for SIGTERM, 5 s for output', () => {
    assert.deepEqual(defaultTiming, { sigint: 7500, sigterm: 2500, output: 5000 });
  });

  it('is its own on SIGINT: it may clean up, say more and end with 0; the step is cancelled whatever it said', async () => {
    const result = await run(
      `process.on('SIGINT', () => { console.log('stopped'); console.log('##vso[task.complete result=Succeeded]'); process.exit(0); });${waits}`,
      { cancelOn: 'ready' },
    );
    assert.deepEqual(result.signals, ['SIGINT']);
    assert.deepEqual(
      [result.agentResult, result.result, result.canceled, result.exitCode],
      ['Canceled', 'Failed', true, 0],
    );
    assert.match(result.log, /^stopped$/m);
    assert.deepEqual(result.violations, []);
  });

  it('comes by SIGINT alone when the task does not listen; that is a non-zero exit code', async () => {
    const result = await run(waits, { cancelOn: 'ready' });
    assert.deepEqual(result.signals, ['SIGINT']);
    assert.equal(result.exitCode, 130);
    assert.deepEqual(
      result.violations.map((violation) => violation.rule),
      ['exit-code'],
    );
  });

  it('comes by SIGTERM when SIGINT is ignored for as long as PROCESS_SIGINT_TIMEOUT', async () => {
    const started = performance.now();
    const result = await run(`process.on('SIGINT', () => undefined);${waits}`, { cancelOn: 'ready', variables: quick });
    assert.deepEqual(result.signals, ['SIGINT', 'SIGTERM']);
    assert.equal(result.exitCode, 143);
    assert.ok(performance.now() - started >= 150);
    assert.deepEqual(
      result.violations.map((violation) => violation.rule),
      ['ignored-cancellation'],
    );
  });

  it('comes by force, with all its children, when both signals are ignored', async () => {
    const result = await run(
      `import { spawn } from 'node:child_process';
       process.on('SIGINT', () => undefined);
       process.on('SIGTERM', () => undefined);
       const child = spawn('sleep', ['60'], { stdio: 'inherit' });
       setInterval(() => undefined, 1000);
       child.once('spawn', () => console.log('ready ' + child.pid));`,
      { cancelOn: 'ready', variables: quick },
    );
    assert.deepEqual(result.signals, ['SIGINT', 'SIGTERM', 'SIGKILL']);
    assert.equal(result.exitCode, 137);
    assert.deepEqual(
      result.violations.map((violation) => violation.rule),
      ['ignored-cancellation'],
    );
    const child = Number(/ready (\d+)/.exec(result.log)?.[1]);
    assert.equal(isRunning(child), false);
  });

  it('is waited for after SIGINT without end under USE_GRACEFUL_PROCESS_SHUTDOWN', async () => {
    const result = await run(`process.on('SIGINT', () => setTimeout(() => process.exit(0), 400));${waits}`, {
      cancelOn: 'ready',
      variables: { ...quick, USE_GRACEFUL_PROCESS_SHUTDOWN: 'true' },
    });
    assert.deepEqual(result.signals, ['SIGINT']);
    assert.deepEqual(result.violations, []);
  });

  it('may be asked for by a time, by a function of the log, or by a signal', async () => {
    const polite = `process.on('SIGINT', () => process.exit(0));${waits}`;
    const stop = new AbortController();
    for (const options of [
      { cancelAfter: 500 },
      { cancelWhen: (line: string) => line === 'ready' },
      { signal: stop.signal, onLog: (line: string) => (line === 'ready' ? stop.abort() : undefined) },
    ]) {
      const result = await run(polite, options);
      assert.deepEqual([result.canceled, result.exitCode], [true, 0]);
    }
  });

  it('is not held up by output that a child keeps open; that child is an orphan, and gone', async () => {
    const result = await run(
      `import { spawn } from 'node:child_process';
       const child = spawn('sleep', ['60'], { stdio: 'inherit' });
       child.once('spawn', () => { console.log(child.pid); process.exit(0); });`,
      { outputGraceMs: 200 },
    );
    assert.deepEqual(
      result.violations.map((violation) => violation.rule),
      ['orphan-process'],
    );
    assert.match(result.violations[0]?.message ?? '', /sleep 60/);
    assert.ok(result.durationMs < 5000);
    assert.equal(isRunning(Number(result.log)), false);
  });

  it('has no orphan in a child that ends with it', async () => {
    const result = await run(
      `import { spawn } from 'node:child_process';
       const child = spawn('sleep', ['60'], { stdio: 'ignore' });
       child.once('spawn', () => { child.kill(); process.exit(0); });`,
    );
    assert.deepEqual(result.violations, []);
  });

  it('finds a child that has an environment of its own', async () => {
    const result = await run(
      `import { spawn } from 'node:child_process';
       spawn('/bin/sleep', ['60'], { stdio: 'ignore', env: {} }).once('spawn', () => process.exit(0));`,
    );
    assert.deepEqual(
      result.violations.map((violation) => violation.rule),
      ['orphan-process'],
    );
  });

  it('is taken for granted a while after task.complete done=true; what is written then is dropped', async () => {
    const result = await run(
      `console.log('##vso[task.complete result=Succeeded;done=true]');
       setTimeout(() => console.log('late'), 50);
       setInterval(() => undefined, 1000);`,
      { outputGraceMs: 300 },
    );
    assert.deepEqual([result.result, result.exitCode], ['Succeeded', null]);
    assert.doesNotMatch(result.log, /late/);
    assert.deepEqual(
      result.violations.map((violation) => violation.rule),
      ['orphan-process'],
    );
  });

  it('with another exit code than 0 is a failure whatever the task said', async () => {
    const result = await run(`console.log('##vso[task.complete result=Succeeded]'); process.exitCode = 1;`);
    assert.deepEqual([result.result, result.exitCode], ['Failed', 1]);
    assert.match(result.log, /##\[error\]Exit code 1/);
  });

  it('without a word and with exit code 0 is a success', async () => {
    const result = await run('');
    assert.deepEqual(
      [result.result, result.agentResult, result.exitCode, result.canceled],
      ['Succeeded', 'Succeeded', 0, false],
    );
  });

  it('finds stdin closed', async () => {
    const result = await run(`process.stdin.on('end', () => console.log('no more')).resume();`);
    assert.equal(result.log, 'no more');
  });

  it('keeps the order of lines and reads stderr as it reads stdout', async () => {
    const result = await run(`console.error('##vso[task.setprogress value=5]on stderr'); console.error('text');`);
    assert.deepEqual(result.progress, [{ percent: 5, text: 'on stderr' }]);
    assert.equal(result.log, 'text');
    assert.equal(result.result, 'Succeeded');
  });

  it('shows a secret that was registered too late as a broken rule', async () => {
    const result = await run(
      `console.log('late-secret'); console.log('##vso[task.setsecret]late-secret'); console.log('late-secret');`,
    );
    assert.equal(result.log, 'late-secret\n***');
    assert.deepEqual(
      result.violations.map((violation) => [violation.rule, violation.message]),
      [['unmasked-secret', 'The value of a secret that the task registered can be read in line 1 of the log.']],
    );
  });
});

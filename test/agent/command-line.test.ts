import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCommandLine, UsageError } from './command-line.ts';
import type { TaskRun } from './index.ts';
import { useTempFolder } from './temp-folder.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

describe('The command line of the harness', () => {
  const temp = useTempFolder();

  function json(name: string, value: unknown): string {
    const file = path.join(temp.folder, name);
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  }

  it('gives a task its inputs; a single one wins over the file', async () => {
    const inputs = json('inputs.json', { syncSet: 'shop', wait: true, timeout: 5 });
    const { options } = await readCommandLine([
      'GitOpsSync',
      '--inputs',
      inputs,
      '--input',
      'syncSet=web',
      '--input',
      'overrides=a=b',
    ]);
    assert.equal(options.task, 'GitOpsSync');
    assert.deepEqual(options.inputs, { syncSet: 'web', wait: 'true', timeout: '5', overrides: 'a=b' });
  });

  it('gives connections as objects or as the path of a kubeconfig, relative to the file', async () => {
    const connection = { id: 'x', url: 'https://x', scheme: 'Token', parameters: { apiToken: 't' } };
    const connections = json('connections.json', { a: connection, b: 'admin.kubeconfig' });
    const { options } = await readCommandLine(['T', '--connections', connections, '--connection', 'c=/x/kubeconfig']);
    assert.deepEqual(options.connections, {
      a: connection,
      b: path.join(temp.folder, 'admin.kubeconfig'),
      c: '/x/kubeconfig',
    });
  });

  it('sets host, node, times, variables and rules', async () => {
    const { options, resultFile } = await readCommandLine([
      'T',
      '--host',
      'release',
      '--node',
      '24',
      '--cancel-after',
      '1500',
      '--timeout',
      '9000',
      '--workdir',
      '/w',
      '--variable',
      'a.b=c',
      '--secret-variable',
      'd=e',
      '--env',
      'KUBECONFIG=/k',
      '--without',
      'timed-out',
      '--debug',
      '--result',
      '/r/out.json',
      '--system-connection',
      json('system.json', { url: 'http://localhost:8080/org/', token: 't' }),
    ]);
    assert.deepEqual(
      [options.host, options.node, options.cancelAfter, options.timeoutMs, options.workdir, options.debug],
      ['release', '24', 1500, 9000, '/w', true],
    );
    assert.deepEqual(
      [options.variables, options.secretVariables, options.environment],
      [{ 'a.b': 'c' }, { d: 'e' }, { KUBECONFIG: '/k' }],
    );
    assert.deepEqual(
      [options.without, options.systemConnection],
      [['timed-out'], { url: 'http://localhost:8080/org/', token: 't' }],
    );
    assert.deepEqual([resultFile, options.outputDirectory], ['/r/out.json', '/r/out-files']);
  });

  for (const [args, message] of [
    [[], /Name the task/],
    [['A', 'B'], /One task at a time: "B"/],
    [['T', '--hots', 'build'], /Unknown option '--hots'/],
    [['T', '--host', 'server'], /--host takes build, release, deployment, not "server"/],
    [['T', '--node', '18'], /--node takes 20, 24, 20-oldest, not "18"/],
    [['T', '--cancel-after', 'soon'], /--cancel-after takes a number of milliseconds, not "soon"/],
    [['T', '--input', 'name'], /--input takes NAME=VALUE, not "name"/],
    [['T', '--input'], /argument missing/],
    [['T', '--without', 'everything'], /--without takes .*unmasked-secret.*, not "everything"/],
    [['T', '--inputs', '/none.json'], /--inputs \/none.json cannot be read/],
  ] as const) {
    it(`says what is wrong with: ${args.join(' ') || 'nothing'}`, async () => {
      await assert.rejects(
        readCommandLine(args),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  for (const [flag, value, message] of [
    ['--inputs', '{', /is no JSON/],
    ['--inputs', [], /is no JSON object/],
    ['--inputs', { a: {} }, /input "a" is no text/],
    ['--connections', { a: {} }, /"a" is neither a connection with a "url" nor the path/],
    ['--connections', { a: { url: 'x', token: 'y' } }, /"a" has "token"; a connection has id, type/],
    ['--connections', { a: { url: 'x', parameters: { n: 1 } } }, /"parameters" is no object whose values are text/],
    ['--connections', { a: { url: 'x', scheme: 1 } }, /"scheme" is no text/],
    ['--system-connection', { url: 'nowhere' }, /needs a "url" and a "token"/],
  ] as const) {
    it(`says what is wrong with ${flag} ${JSON.stringify(value)}`, async () => {
      const file = json('file.json', value);
      await assert.rejects(
        readCommandLine(['T', flag, file]),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, ['--import', 'tsx', path.join(here, 'cli.ts'), ...args], (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
      });
    });
  }

  it('runs a task, shows its log, writes the result, and keeps copies of what was uploaded', async () => {
    const result = path.join(temp.folder, 'out.json');
    const { code, stderr } = await cli(
      '--task-folder',
      path.join(here, 'samples/environment'),
      '--without',
      'secret-in-upload',
      '--result',
      result,
      '--workdir',
      temp.folder,
      '--input',
      'path=k8s',
    );
    assert.equal(code, 0, stderr);
    const run = JSON.parse(readFileSync(result, 'utf8')) as TaskRun;
    assert.deepEqual(
      [
        run.result,
        run.exitCode,
        run.issues,
        run.variables,
        run.outputVariables,
        run.summaries,
        run.testResults,
        run.log,
      ],
      ['Succeeded', 0, [], {}, {}, [], [], ''],
    );
    assert.equal(typeof run.durationMs, 'number');
    assert.deepEqual([run.attachments[0]?.type, run.attachments[0]?.name], ['sample', 'environment.json']);
    const seen = JSON.parse(readFileSync(run.attachments[0]?.path ?? '', 'utf8')) as { env: Record<string, string> };
    assert.equal(seen.env['INPUT_MANIFESTS'], path.join(temp.folder, 'k8s'));
    assert.match(stderr, /SampleEnvironment 2\.3\.4 on node20_1 \(build\): Succeeded/);
  });

  it('ends with 3 and names the rule when the run breaks one', async () => {
    const result = path.join(temp.folder, 'out.json');
    const { code, stderr, stdout } = await cli(
      '--task-folder',
      path.join(here, 'probes/unknown-command'),
      '--result',
      result,
    );
    assert.equal(code, 3);
    assert.match(stdout, /##\[error\]Unable to process command/);
    assert.match(stderr, /broken rule unknown-command: /);
    const { violations } = JSON.parse(readFileSync(result, 'utf8')) as TaskRun;
    assert.deepEqual(
      violations.map((violation) => violation.rule),
      ['unknown-command'],
    );
  });

  it('ends with 1 when the task fails and with 2 when it cannot be run', async () => {
    const failed = await cli('--task-folder', path.join(here, 'probes/exit-code'), '--without', 'exit-code');
    assert.equal(failed.code, 1, failed.stderr);
    const wrong = await cli('--task-folder', here);
    assert.deepEqual([wrong.code, /task\.json cannot be read/.test(wrong.stderr)], [2, true]);
    const usage = await cli('--wrong');
    assert.deepEqual([usage.code, /--help/.test(usage.stderr)], [2, true]);
  });
});

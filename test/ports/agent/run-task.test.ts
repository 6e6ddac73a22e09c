import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CancelledError, InputError, RefusedError } from '../../../lib/errors.ts';
import { decideEnding } from '../../../lib/ports/agent/run-task.ts';
import { type ReadCommand, readAsAgent } from './agent-reader.ts';
import { Probe, type ProbeRun, RUNTIMES } from './probe-process.ts';

const GUID = '5c0e4fd2-8f2b-4b52-8a55-53a3cbf8f9a1';

/** Commands in short, without the registration of secrets and task-lib's own debug lines at its import. */
function commandsOf(run: ProbeRun): string[] {
  return readAsAgent(run.stdout)
    .commands.filter(({ name }) => name !== 'task.setsecret' && name !== 'task.debug')
    .map(short);
}

function short({ name, properties, data }: ReadCommand): string {
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
  return [name, ...pairs, data].filter((part) => part !== '').join(' ');
}

describe('the entry of a task', function () {
  this.timeout(30_000);
  const probe = new Probe();
  before(() => probe.bundle());
  after(() => probe.remove());

  for (const [name, node] of RUNTIMES) {
    describe(`on ${name}`, () => {
      it('sends what the task says, in the words of the agent, and ends with exit code 0', async () => {
        const run = await probe.run(node, 'success');
        const report = join(probe.folder, 'report.xml');
        assert.deepEqual(commandsOf(run), [
          `task.logissue type=warning sourcepath=${join(probe.folder, 'apps/a.yaml')} linenumber=4 columnnumber=1 code=odd careful`,
          'task.setprogress value=50 half way',
          'task.setvariable variable=created 3',
          `task.addattachment type=gitops-digest name=sync-result ${report}`,
          `task.uploadsummary ${report}`,
          `task.logissue type=warning The file ${join(probe.folder, 'gone.md')} was to be uploaded and is gone.`,
          `results.publish type=JUnit resultfiles=${report} runtitle=Health; of ] shop testrunsystem=VSTSTask`,
          'task.complete result=SucceededWithIssues one warning',
          'task.complete result=SucceededWithIssues not better than before',
        ]);
        const { shown } = readAsAgent(run.stdout);
        assert.deepEqual(shown, ['##[section]Sync', 'two lines', 'of text', '']);
        assert.equal(run.stderr, '');
        assert.equal(run.exitCode, 0);
      });

      it('reports every wrong input at once and fails', async () => {
        const run = await probe.run(node, 'invalidInputs', { inputs: { action: 'sink' } });
        assert.deepEqual(commandsOf(run), [
          'task.setvariable variable=outcome invalidInput',
          'task.logissue type=error code=input-invalid Input `action` is `sink`; expected one of `sync`, `plan`. Did you mean `sync`?',
          'task.logissue type=error code=input-required Input `syncSet` is empty; expected a value.',
          'task.complete result=Failed Input `action` is `sink`; expected one of `sync`, `plan`. Did you mean `sync`? (and 1 more)',
        ]);
        assert.equal(run.exitCode, 0);
      });

      it('reports problems at their places', async () => {
        const run = await probe.run(node, 'problems');
        assert.deepEqual(commandsOf(run), [
          'task.setvariable variable=outcome invalidInput',
          `task.logissue type=error sourcepath=${join(probe.folder, 'apps/a.yaml')} linenumber=2 columnnumber=3 code=unknown-kind no such kind`,
          'task.logissue type=error evil # #vso[task.setvariable variable=stolen]x',
          'task.complete result=Failed no such kind (and 1 more)',
        ]);
      });

      it('tells an error that nobody expected by its message, and its stack in debug mode only', async () => {
        const run = await probe.run(node, 'unexpected');
        assert.deepEqual(commandsOf(run), [
          'task.setvariable variable=outcome internalError',
          'task.logissue type=error code=internal-error Unexpected error: x is not a function # #vso[task.setvariable variable=stolen]x',
          'task.complete result=Failed Unexpected error: x is not a function # #vso[task.setvariable variable=stolen]x',
        ]);
        const debug = await probe.run(node, 'unexpected', { env: { SYSTEM_DEBUG: 'true' } });
        assert.match(debug.stdout, /##vso\[task\.debug\]TypeError: x is not a function.*%0A +at /);
      });

      for (const [signal, time] of [
        ['SIGINT', 'with time to spare'],
        ['SIGTERM', 'without time to spare'],
      ] as const) {
        it(`lets a task come to a safe end at ${signal}, sends no result, and exits with 0`, async () => {
          let sent = false;
          const run = await probe.run(node, 'cancelled', {
            onOutput(text, child) {
              if (sent || !text.includes('ready')) return;
              sent = true;
              child.kill(signal);
            },
          });
          assert.match(run.stdout, new RegExp(`lock given back, ${time}`));
          assert.deepEqual(commandsOf(run), ['task.setvariable variable=outcome canceled']);
          assert.equal(run.exitCode, 0);
          assert.equal(run.stderr, '');
        });
      }

      it('is not killed by the second and third signal', async () => {
        const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGINT'];
        const run = await probe.run(node, 'cancelled', {
          onOutput(text, child) {
            const next = signals[0];
            if (next === undefined || !text.includes(signals.length === 3 ? 'ready' : 'safe end')) return;
            if (signals.length === 3) child.kill(signals.shift());
            else for (const signal of signals.splice(0)) child.kill(signal);
          },
        });
        assert.deepEqual(signals, []);
        assert.match(run.stdout, /lock given back/);
        assert.equal(run.exitCode, 0);
      });

      it('takes the abort of a request for the cancellation that it is', async () => {
        const run = await probe.run(node, 'cancelledInRequest', {
          onOutput: (text, child) => text.includes('ready') && child.kill('SIGINT'),
        });
        assert.deepEqual(commandsOf(run), ['task.setvariable variable=outcome canceled']);
        assert.ok(run.milliseconds < 5_000);
      });

      for (const [scenario, message] of [
        ['unhandledRejection', 'nobody awaited this'],
        ['uncaughtException', 'thrown in a timer'],
      ] as const) {
        it(`fails once, and asks the task to wind down, after an ${scenario}`, async () => {
          // A pipeline may have set this; Node's own default would make a rejection an exception.
          const run = await probe.run(node, scenario, { env: { NODE_OPTIONS: '--unhandled-rejections=warn' } });
          assert.deepEqual(commandsOf(run), [
            'task.setvariable variable=outcome internalError',
            `task.logissue type=error code=internal-error Unexpected error: ${message}`,
            `task.complete result=Failed Unexpected error: ${message}`,
          ]);
          assert.match(run.stdout, /The task stops because of the error above/);
          assert.equal(run.exitCode, 0);
          assert.equal(run.stderr, '');
        });
      }

      it('fails a task that waits for what can no longer happen', async () => {
        const run = await probe.run(node, 'silence');
        assert.equal(
          commandsOf(run).at(-1),
          'task.complete result=Failed Unexpected error: the task ended before its work was done.',
        );
        assert.equal(run.exitCode, 0);
      });

      it('ends although something was left open', async () => {
        const run = await probe.run(node, 'openHandle');
        assert.deepEqual(commandsOf(run), ['task.complete result=Succeeded done']);
        assert.equal(run.exitCode, 0);
        assert.ok(run.milliseconds < 8_000);
      });

      it('filters what is printed past the log, on both streams, also by Node itself', async () => {
        const run = await probe.run(node, 'foreign');
        for (const text of [run.stdout, run.stderr]) {
          const { commands, suspicious } = readAsAgent(text);
          assert.deepEqual(
            commands.map(({ name }) => name).filter((name) => name !== 'task.debug'),
            [],
          );
          assert.deepEqual([...suspicious], []);
        }
        const broken = '# #vso[task.setvariable variable=stolen]x';
        assert.deepEqual(readAsAgent(run.stdout).shown, [broken, '# #vso[task.complete result=Failed]', '']);
        assert.equal(run.stderr, `${broken}\n${broken} without an end\n`);
      });

      it('reads connections, hides their secrets, and leaves none in the environment of child processes', async () => {
        const run = await probe.run(node, 'secrets', {
          inputs: { cluster: GUID.toUpperCase() },
          env: {
            [`ENDPOINT_URL_${GUID}`]: 'https://cluster.test:6443/',
            [`ENDPOINT_AUTH_SCHEME_${GUID}`]: 'Token',
            [`ENDPOINT_AUTH_${GUID}`]: JSON.stringify({ scheme: 'Token', parameters: { apiToken: 'cluster-token' } }),
            [`ENDPOINT_AUTH_PARAMETER_${GUID}_APITOKEN`]: 'cluster-token',
            [`ENDPOINT_AUTH_PARAMETER_${GUID}_SOME_DOTTED_KEY`]: 'dotted-secret',
            [`ENDPOINT_DATA_${GUID}_DEFAULT_NAMESPACE`]: 'shop',
            BUILD_REASON: 'Manual',
          },
        });
        const { shown, commands } = readAsAgent(run.stdout);
        assert.deepEqual(
          shown.filter((line) => line !== ''),
          [
            'token ***, in base64 ***',
            'url https://cluster.test:6443/, namespace shop, Token',
            'dotted ***',
            'system https://dev.azure.com/contoso/ ***',
            'variable *** Manual',
            'derived: ***',
            'child sees nothing secret',
          ],
        );
        const registered = commands.filter(({ name }) => name === 'task.setsecret').map(({ data }) => data);
        for (const secret of ['cluster-token', btoa('cluster-token'), 'dotted-secret', 'line-one', 'line-two']) {
          assert.ok(registered.includes(secret), secret);
        }
        assert.ok(
          registered.every((secret) => !/[\r\n]/.test(secret)),
          'the agent masks line by line',
        );
      });

      it('prints nothing of its own reading in debug mode, where task-lib would show every value', async () => {
        const run = await probe.run(node, 'secrets', {
          inputs: { cluster: GUID },
          env: {
            SYSTEM_DEBUG: 'true',
            [`ENDPOINT_URL_${GUID}`]: 'https://cluster.test:6443/',
            [`ENDPOINT_AUTH_PARAMETER_${GUID}_APITOKEN`]: 'cluster-token',
          },
        });
        const { shown, commands } = readAsAgent(run.stdout);
        assert.ok(shown.includes('token ***, in base64 ***'));
        assert.ok(shown.every((line) => !/#vso|cluster-token/.test(line)));
        const debug = commands.filter(({ name }) => name === 'task.debug').map(({ data }) => data);
        assert.ok(debug.every((line) => !line.includes('cluster-token')));
      });

      it('says which connection the agent did not pass', async () => {
        const run = await probe.run(node, 'secrets', { inputs: { cluster: 'prod-cluster' } });
        assert.match(run.stdout, /code=connection-not-passed;\]The service connection `prod-cluster` was not passed/);
      });

      it('loses nothing of a long output', async () => {
        const run = await probe.run(node, 'flood');
        assert.equal(readAsAgent(run.stdout).shown.filter((line) => line.length === 999).length, 5_000);
        assert.deepEqual(commandsOf(run), ['task.complete result=Succeeded all of it']);
      });

      it('knows a classic release by its variables', async () => {
        const run = await probe.run(node, 'host', {
          env: { SYSTEM_HOSTTYPE: 'release', RELEASE_RELEASEID: '12', AGENT_PROXYURL: 'http://proxy:8080' },
        });
        const said = JSON.parse(readAsAgent(run.stdout).shown[0] ?? '') as object;
        assert.deepEqual(said, {
          type: 'release',
          runId: '12',
          sourceArtifacts: [],
          dir: probe.folder,
          proxy: 'http://proxy:8080',
        });
      });

      it('runs in a terminal too, with inputs as arguments and exit codes as shells expect', async () => {
        const success = await probe.run(node, '', { terminal: ['--input', 'scenario=success'] });
        assert.equal(success.exitCode, 0);
        assert.match(
          success.stdout,
          /^Sync\ntwo lines\nof text\noutput created = 3\nattachment gitops-digest\/sync\/result: \//,
        );
        assert.match(success.stdout, /SucceededWithIssues: one warning/);
        assert.match(success.stderr, /^apps\/a\.yaml:4: warning: careful \[odd\]\n$/);
        assert.ok(!`${success.stdout}${success.stderr}`.includes('##'));
        assert.ok(!`${success.stdout}${success.stderr}`.includes('\u001b'));

        const failure = await probe.run(node, '', {
          terminal: ['--input=scenario=problems'],
          env: { FORCE_COLOR: '1' },
        });
        assert.equal(failure.exitCode, 1);
        assert.ok(
          failure.stderr.startsWith('\u001b[31mapps/a.yaml:2:3: error: no such kind [unknown-kind]\u001b[0m\n'),
        );

        const cancelled = await probe.run(node, '', {
          terminal: ['--input', 'scenario=cancelled'],
          onOutput: (text, child) => text.endsWith('ready\n') && child.kill('SIGINT'),
        });
        assert.equal(cancelled.exitCode, 130);

        const mistaken = await probe.run(node, '', { terminal: ['--inptu', 'x=1'] });
        assert.equal(mistaken.exitCode, 1);
        assert.match(mistaken.stderr, /--inptu.*Usage: \[--input name=value/s);
      });

      it('shows its first line within about twice the start time of bare Node', async () => {
        const bare = await fastest(() => promisify(execFile)(node, ['-e', '0']));
        const task = await fastest(() => probe.run(node, 'host'));
        assert.ok(task < 2.5 * bare + 50, `${Math.round(task)} ms, ${Math.round(bare)} ms of bare Node`);
      });
    });
  }
});

async function fastest(run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round += 1) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

describe('the end of a run', () => {
  const never = new AbortController().signal;
  const aborted = AbortSignal.abort(new CancelledError());

  it('follows the kind of error', () => {
    assert.deepEqual(decideEnding(new RefusedError('no', 422), never), {
      result: 'Failed',
      outcome: 'applyFailed',
      problems: [{ message: 'no' }],
    });
    assert.equal(decideEnding(new CancelledError(), never).result, 'cancelled');
    assert.equal(decideEnding('a string', never).problems[0]?.message, 'Unexpected error: a string');
    const caused = new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    assert.equal(
      decideEnding(caused, never).problems[0]?.message,
      'Unexpected error: fetch failed (connect ECONNREFUSED)',
    );
  });

  it('is a cancellation when a library throws its own error for the abort, and only then', () => {
    const abort = new DOMException('This operation was aborted', 'AbortError');
    assert.equal(decideEnding(abort, aborted).result, 'cancelled');
    assert.equal(decideEnding(new Error('wrapped', { cause: aborted.reason }), aborted).result, 'cancelled');
    assert.equal(decideEnding(abort, never).result, 'Failed');
    assert.equal(decideEnding(new Error('a true fault while winding down'), aborted).result, 'Failed');
  });

  it('gathers the problems of several errors, failures before cancellations', () => {
    const several = new AggregateError([
      new CancelledError(),
      new InputError('one'),
      new InputError(['two', 'three'].map((message) => ({ message }))),
    ]);
    const ending = decideEnding(several, aborted);
    assert.equal(ending.result, 'Failed');
    assert.deepEqual(
      ending.problems.map(({ message }) => message),
      ['one', 'two', 'three'],
    );
    assert.equal(decideEnding(new AggregateError([new CancelledError()]), aborted).result, 'cancelled');
  });
});

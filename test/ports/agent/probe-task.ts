/**
 * A task for the tests of the entry: it does what the input `scenario` says. It is bundled and run as a process of its own, as a real
 * task is.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { InputError, RefusedError } from '../../../lib/errors.ts';
import type { Agent } from '../../../lib/ports/agent/agent.ts';
import { remainingTime } from '../../../lib/ports/agent/cancellation.ts';
import { pickList, requiredString } from '../../../lib/ports/agent/input-fields.ts';
import { readInputs } from '../../../lib/ports/agent/inputs.ts';
import { runTask } from '../../../lib/ports/agent/run-task.ts';

const MARKER = '##vso[task.setvariable variable=stolen]x';

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const alive = setInterval(() => undefined, 1_000);
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });

const scenarios: Record<string, (agent: Agent) => Promise<void> | void> = {
  success(agent) {
    const report = join(agent.tempDirectory, 'report.xml');
    writeFileSync(report, '<testsuites/>');
    agent.log.section('Sync');
    agent.log.info('two lines\nof text');
    agent.log.warning('careful', { file: 'apps/a.yaml', line: 4, code: 'odd' });
    agent.log.debug('only for the curious');
    agent.progress(49.6, 'half way');
    agent.setOutput('created', '3');
    agent.attach('gitops-digest', 'sync/result', report);
    agent.addSummary(report);
    agent.addSummary(join(agent.tempDirectory, 'gone.md'));
    agent.publishTestResults(report, 'Health; of ] shop');
    agent.complete('SucceededWithIssues', 'one warning');
    agent.complete('Succeeded', 'not better than before');
  },
  invalidInputs(agent) {
    readInputs(agent, { action: pickList(['sync', 'plan']), syncSet: requiredString() });
  },
  problems() {
    throw new InputError([
      { message: 'no such kind', at: { file: 'apps/a.yaml', line: 2, column: 3 }, code: 'unknown-kind' },
      { message: `evil ${MARKER}` },
    ]);
  },
  refused() {
    throw new RefusedError('The server refused.', 422);
  },
  unexpected() {
    throw new TypeError(`x is not a function ${MARKER}`);
  },
  async cancelled(agent) {
    agent.log.info('ready');
    await aborted(agent.cancelled);
    await delay(100);
    agent.log.info(`lock given back, ${remainingTime(agent.cancelled) > 8_000 ? 'with' : 'without'} time to spare`);
    throw agent.cancelled.reason;
  },
  async cancelledInRequest(agent) {
    agent.log.info('ready');
    const alive = setInterval(() => undefined, 1_000);
    try {
      await delay(60_000, undefined, { signal: agent.cancelled });
    } finally {
      clearInterval(alive);
    }
  },
  async unhandledRejection(agent) {
    void Promise.reject(new Error('nobody awaited this'));
    await aborted(agent.cancelled);
    agent.log.info('wound down');
  },
  async uncaughtException(agent) {
    setTimeout(() => {
      throw new Error('thrown in a timer');
    }, 1);
    await aborted(agent.cancelled);
    throw agent.cancelled.reason;
  },
  async silence() {
    await new Promise(() => undefined);
  },
  openHandle(agent) {
    setInterval(() => undefined, 1_000);
    agent.complete('Succeeded', 'done');
  },
  foreign() {
    console.log(MARKER);
    console.error(MARKER);
    process.stdout.write('##v');
    process.stdout.write('so[task.complete result=Failed]');
    process.emitWarning(MARKER);
    process.stderr.write(`${MARKER} without an end`);
  },
  async secrets(agent) {
    const connection = agent.connection(agent.input('cluster') ?? '');
    const token = connection.parameter('apiToken');
    agent.log.info(`token ${token}, in base64 ${btoa(token ?? '')}`);
    agent.log.info(`url ${connection.url}, namespace ${connection.data('default.namespace')}, ${connection.scheme}`);
    agent.log.info(`dotted ${connection.parameter('some.dotted key')}`);
    agent.log.info(`system ${agent.systemConnection()?.url} ${agent.systemConnection()?.accessToken}`);
    agent.log.info(`variable ${agent.variable('My.Secret')} ${agent.variable('Build.Reason')}`);
    agent.maskSecret('line-one\nline-two');
    console.log('derived: line-two');
    const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'Object.keys(process.env).join()']);
    agent.log.info(`child sees ${/INPUT_|SECRET_MY|ENDPOINT_AUTH/.exec(stdout)?.[0] ?? 'nothing secret'}`);
  },
  host(agent) {
    agent.log.info(JSON.stringify({ ...agent.host, dir: agent.workingDirectory, proxy: agent.network.proxyUrl }));
  },
  flood(agent) {
    const line = 'x'.repeat(999);
    for (let index = 0; index < 5_000; index += 1) agent.log.info(line);
    agent.complete('Succeeded', 'all of it');
  },
};

await runTask(async (agent) => {
  const name = agent.input('scenario') ?? '';
  await scenarios[name]?.(agent);
});

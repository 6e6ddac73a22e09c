import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { jsonReport } from '../../../lib/core/reporting/json.ts';
import { junitReport } from '../../../lib/core/reporting/junit.ts';
import { markdownSummary } from '../../../lib/core/reporting/markdown.ts';
import { publishReports } from '../../../lib/core/reporting/publish.ts';
import { skipBecause } from '../../../scripts/test/skip-because.ts';
import { fakeAgent } from './fake-agent.ts';
import { change, failedRun, runResult } from './samples.ts';

describe('Publishing a result', () => {
  let temp = '';
  beforeEach(() => {
    temp = mkdtempSync(join(tmpdir(), 'reporting-'));
  });
  afterEach(() => rmSync(temp, { recursive: true, force: true }));

  it('writes the files by their fixed names and hands each to whom it is for', async () => {
    const { agent, told } = fakeAgent(temp);
    const { resultFile } = await publishReports(agent, failedRun);
    assert.ok(resultFile);
    const folder = dirname(resultFile);
    assert.equal(dirname(folder), temp);
    assert.deepEqual(readdirSync(folder).sort(), ['gitops-junit.xml', 'gitops-result.json', 'gitops-summary.md']);
    assert.deepEqual(told.attachments, [{ type: 'gitops.result', name: 'gitops-result.json', file: resultFile }]);
    assert.deepEqual(told.summaries, [join(folder, 'gitops-summary.md')]);
    assert.deepEqual(told.testResults, [
      { file: join(folder, 'gitops-junit.xml'), title: 'GitOps sync shop (production)' },
    ]);
    assert.equal(readFileSync(resultFile, 'utf8'), jsonReport(failedRun));
    assert.equal(readFileSync(join(folder, 'gitops-summary.md'), 'utf8'), markdownSummary(failedRun));
    assert.equal(readFileSync(join(folder, 'gitops-junit.xml'), 'utf8'), junitReport(failedRun));
  });

  it('lets nobody else on the machine read the files', async function () {
    if (process.platform === 'win32') skipBecause(this, 'Windows has no such file modes');
    const { agent } = fakeAgent(temp);
    const { resultFile } = await publishReports(agent, failedRun);
    assert.ok(resultFile);
    assert.equal(statSync(dirname(resultFile)).mode & 0o777, 0o700);
    for (const name of readdirSync(dirname(resultFile))) {
      assert.equal(statSync(join(dirname(resultFile), name)).mode & 0o777, 0o600, name);
    }
  });

  it('gives two steps of a job a folder each', async () => {
    const first = await publishReports(fakeAgent(temp).agent, failedRun);
    const second = await publishReports(fakeAgent(temp).agent, failedRun);
    assert.notEqual(first.resultFile, second.resultFile);
    assert.ok(first.resultFile !== undefined && existsSync(first.resultFile));
  });

  it('writes into a folder that is asked for', async () => {
    const folder = join(temp, 'a', 'b');
    const { resultFile } = await publishReports(fakeAgent(temp).agent, failedRun, { folder });
    assert.equal(resultFile, join(folder, 'gitops-result.json'));
  });

  it('sets the output variables that task.json declares', async () => {
    const { agent, told } = fakeAgent(temp);
    const { resultFile } = await publishReports(agent, failedRun);
    assert.deepEqual(told.outputs, {
      outcome: 'healthFailed',
      created: '1',
      configured: '3',
      unchanged: '1',
      pruned: '0',
      failed: '1',
      planDigest: '',
      resultFile,
    });
    const task = JSON.parse(readFileSync(new URL('../../../tasks/GitOpsSync/task.json', import.meta.url), 'utf8')) as {
      outputVariables: { name: string }[];
    };
    assert.deepEqual(Object.keys(told.outputs).sort(), task.outputVariables.map((variable) => variable.name).sort());
  });

  it('completes once, with the result of the outcome and the sentence that says what to do', async () => {
    const { agent, told } = fakeAgent(temp);
    await publishReports(agent, failedRun);
    assert.deepEqual(told.completed, [{ result: 'Failed', message: failedRun.summary }]);
    const drift = fakeAgent(temp);
    await publishReports(drift.agent, runResult({ outcome: 'driftDetected', summary: 'Drift.' }));
    await publishReports(drift.agent, runResult({ outcome: 'driftDetected', summary: 'Drift.' }), {
      taskResult: 'Failed',
    });
    assert.deepEqual(
      drift.told.completed.map(({ result }) => result),
      ['SucceededWithIssues', 'Failed'],
    );
  });

  it('prints headings as sections of the log and everything else as plain lines', async () => {
    const { agent, told } = fakeAgent(temp);
    await publishReports(agent, failedRun);
    assert.deepEqual(
      told.log.filter((line) => line.startsWith('##')),
      ['## What changed', '## Objects', '## Failed: 1 object', '## Result'],
    );
    assert.ok(told.log.every((line) => !line.includes('\n')));
  });

  it('raises warnings, errors and failed objects as issues at their places', async () => {
    const { agent, told } = fakeAgent(temp);
    await publishReports(agent, {
      ...failedRun,
      errors: [{ message: 'no permission', at: { file: 'a.yaml', line: 2 }, code: 'forbidden' }],
    });
    assert.deepEqual(told.issues, [
      {
        type: 'warning',
        text: 'policy/v1beta1 PodDisruptionBudget is deprecated',
        at: { file: 'apps/pdb.yaml', line: 1, code: 'deprecated-api' },
      },
      { type: 'error', text: 'no permission', at: { file: 'a.yaml', line: 2, code: 'forbidden' } },
      {
        type: 'error',
        text: 'Deployment.apps shop/api: container api: ImagePullBackOff: Back-off pulling image "registry.example.com/shop/api:9.9.9"',
        at: { file: 'apps/api.yaml', line: 1 },
      },
    ]);
  });

  it('does not raise a failed object twice when an error tells of it already', async () => {
    const { agent, told } = fakeAgent(temp);
    const failed = change('Service', 'shop/a', { state: 'failed', message: 'refused' });
    await publishReports(
      agent,
      runResult({ outcome: 'applyFailed', changes: [failed], errors: [{ message: 'Service shop/a: refused' }] }),
    );
    assert.deepEqual(
      told.issues.map((issue) => issue.text),
      ['Service shop/a: refused'],
    );
  });

  it('raises no more issues than the agent keeps, and prints the rest', async () => {
    const { agent, told } = fakeAgent(temp);
    const problems = (word: string) =>
      Array.from({ length: 15 }, (_, index) => ({
        message: `${word} ${index + 1}`,
        at: { file: 'a.yaml', line: index + 1 },
      }));
    await publishReports(
      agent,
      runResult({ outcome: 'invalidInput', errors: problems('error'), warnings: problems('warning') }),
    );
    const count = (type: string) => told.issues.filter((issue) => issue.type === type).length;
    // Completing as failed adds the tenth error.
    assert.deepEqual([count('warning'), count('error')], [10, 9]);
    assert.ok(told.log.includes('And 5 more warnings:'));
    assert.ok(told.log.includes('And 6 more errors:'));
    assert.ok(told.log.includes('  a.yaml:15: error 15'));
  });

  it('publishes no test results where there are none', async () => {
    const { agent, told } = fakeAgent(temp);
    const { resultFile } = await publishReports(agent, runResult());
    assert.deepEqual(told.testResults, []);
    assert.deepEqual(
      readdirSync(dirname(resultFile ?? ''))
        .map((name) => basename(name))
        .sort(),
      ['gitops-result.json', 'gitops-summary.md'],
    );
  });

  it('keeps the outcome when the reports cannot be written', async () => {
    const { agent, told } = fakeAgent(temp);
    const file = join(temp, 'a file');
    writeFileSync(file, '');
    const { resultFile } = await publishReports(agent, runResult({ summary: 'All well.' }), {
      folder: join(file, 'x'),
    });
    assert.equal(resultFile, undefined);
    assert.match(told.issues[0]?.text ?? '', /^The reports could not be written: /);
    assert.deepEqual(told.completed, [{ result: 'Succeeded', message: 'All well.' }]);
    assert.equal(told.outputs['outcome'], 'applied');
  });
});

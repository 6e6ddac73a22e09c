import assert from 'node:assert/strict';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { NodeVersion } from '../agent/index.ts';
import { hasCondition } from '../cluster/index.ts';
import { configMap, deploymentManifest, useRig } from './rig.ts';

describe('GitOpsSync, action sync', function () {
  this.timeout(60_000);
  const rig = useRig();

  for (const node of ['20-oldest', '20', '24'] as const satisfies NodeVersion[]) {
    it(`makes the cluster equal to Git, and changes nothing the second time, on Node ${node}`, async () => {
      const shop = await rig.deployment({
        'deploy/config.yaml': configMap('config'),
        'deploy/web.yaml': deploymentManifest('web'),
      });
      const first = await shop.run({ node });
      assert.equal(first.result, 'Succeeded');
      assert.equal(first.outputVariables['outcome'], 'applied');
      assert.deepEqual((await shop.find('configmaps/config'))?.['data'], { color: 'blue' });
      assert.ok(hasCondition(await shop.find('deployments/web', 'apps/v1'), 'Available'), 'it waited for health');

      const before = await shop.find('configmaps/config');
      const second = await shop.run({ node });
      assert.equal(second.result, 'Succeeded');
      assert.equal(second.outputVariables['outcome'], 'noChanges');
      assert.equal(second.outputVariables['unchanged'], '2');
      assert.deepEqual(await shop.find('configmaps/config'), before);
    });
  }

  it('follows Git: what a merge adds, changes and removes', async () => {
    const shop = await rig.deployment({
      'deploy/a.yaml': configMap('a'),
      'deploy/b.yaml': configMap('b'),
      'deploy/c.yaml': configMap('c'),
    });
    await shop.run();
    const kept = await shop.find('configmaps/b');
    const commit = await shop.merge({
      'deploy/a.yaml': configMap('a', { color: 'green' }),
      'deploy/c.yaml': null,
      'deploy/d.yaml': configMap('d'),
    });
    const run = await shop.run();
    assert.equal(run.result, 'Succeeded');
    const { created, configured, unchanged, pruned, failed } = run.outputVariables;
    assert.deepEqual([created, configured, unchanged, pruned, failed], ['1', '1', '1', '1', '0']);
    assert.deepEqual((await shop.find('configmaps/a'))?.['data'], { color: 'green' });
    assert.deepEqual(await shop.find('configmaps/b'), kept);
    assert.equal(await shop.find('configmaps/c'), undefined);
    assert.notEqual(await shop.find('configmaps/d'), undefined);
    assert.equal(run.report.source?.commit, commit);
  });

  it('leaves outputs, a report, a summary, test results and progress behind', async () => {
    const shop = await rig.deployment({
      'deploy/config.yaml': configMap('config'),
      'deploy/web.yaml': deploymentManifest('web'),
    });
    const run = await shop.run({ inputs: { environment: 'production' } });
    assert.equal(run.exitCode, 0);
    assert.deepEqual(run.issues, []);
    const { resultFile, ...counts } = run.outputVariables;
    assert.deepEqual(counts, {
      outcome: 'applied',
      created: '2',
      configured: '0',
      unchanged: '0',
      planDigest: '',
      pruned: '0',
      failed: '0',
    });
    assert.match(resultFile ?? '', /gitops-result\.json$/);

    assert.deepEqual(
      run.attachments.map(({ type, name }) => [type, name]),
      [['gitops.result', 'gitops-result.json']],
    );
    const { report } = run;
    assert.equal(report.outcome, 'applied');
    assert.deepEqual(report.set, { name: shop.set, namespace: shop.namespace, environment: 'production' });
    assert.equal(report.cluster.server, rig.cluster.server);
    assert.equal(report.source?.subject, 'Change the configuration');
    assert.equal(report.source?.author, 'Ada Lovelace');
    assert.deepEqual(
      report.changes.map(({ target, action, state, origin }) => [target.kind, target.name, action, state, origin]),
      [
        ['ConfigMap', 'config', 'create', 'done', { file: 'deploy/config.yaml', line: 1 }],
        ['Deployment.apps', 'web', 'create', 'done', { file: 'deploy/web.yaml', line: 1 }],
      ],
    );
    assert.match(run.summary, new RegExp(`^## .*${shop.set}`));

    assert.equal(XMLValidator.validate(run.tests), true);
    const { testsuites } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(run.tests) as {
      testsuites: { testsuite: { tests: string; failures: string; testcase: { classname: string; name: string }[] } };
    };
    assert.equal(testsuites.testsuite.tests, '2');
    assert.equal(testsuites.testsuite.failures, '0');
    assert.deepEqual(
      testsuites.testsuite.testcase.map(({ classname, name }) => [classname, name]),
      [
        ['ConfigMap', `${shop.namespace}/config`],
        ['Deployment.apps', `${shop.namespace}/web`],
      ],
    );

    const percents = run.progress.map(({ percent }) => percent);
    assert.deepEqual(
      percents,
      [...percents].sort((a, b) => a - b),
      'progress only grows',
    );
    assert.equal(percents.at(-1), 100);
    assert.match(run.log.split('\n')[0] ?? '', new RegExp(`^GitOpsSync \\d+\\.\\d+\\.\\d+: sync of set ${shop.set}$`));
    assert.match(run.log, /Deployment\.apps +\S+\/web +created +Healthy/);
  });

  it('fails with the reason when a container cannot start, and keeps what it would have pruned', async () => {
    const shop = await rig.deployment({
      'deploy/config.yaml': configMap('config'),
      'deploy/old.yaml': configMap('old'),
      'deploy/web.yaml': deploymentManifest('web'),
    });
    await shop.run();
    await shop.merge({ 'deploy/old.yaml': null, 'deploy/web.yaml': deploymentManifest('web', { pod: 'crash-loop' }) });
    const run = await shop.run({ inputs: { timeout: '20s' } });
    assert.equal(run.result, 'Failed');
    assert.equal(run.exitCode, 0);
    assert.equal(run.outputVariables['outcome'], 'healthFailed');
    assert.equal(run.outputVariables['failed'], '1');
    const [issue] = run.issues;
    assert.equal(issue?.type, 'error');
    assert.match(issue?.message ?? '', /Deployment\.apps \S+\/web will not become healthy.*CrashLoopBackOff/);
    assert.equal(issue?.sourcePath, 'deploy/web.yaml');
    assert.match(run.summary, /CrashLoopBackOff/);
    assert.match(run.tests, /<failure message="[^"]*CrashLoopBackOff/);
    assert.match(run.log, /Nothing was pruned/);
    assert.notEqual(await shop.find('configmaps/old'), undefined);
  });

  it('names file and line of an object that the server does not take', async () => {
    const shop = await rig.deployment({
      'deploy/all.yaml': `${configMap('config')}---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports:\n    - port: 99999\n`,
    });
    const line = configMap('config').split('\n').length + 1;
    const run = await shop.run();
    assert.equal(run.result, 'Failed');
    assert.equal(run.outputVariables['outcome'], 'invalidInput');
    const issue = run.issues.find(({ type }) => type === 'error');
    assert.match(issue?.message ?? '', /Service \S+\/web.*spec\.ports\[0\]\.port.*65535/s);
    assert.deepEqual([issue?.sourcePath, issue?.line], ['deploy/all.yaml', line]);
    assert.equal(await shop.find('configmaps/config'), undefined, 'the dry run found it before the first write');
  });
});

import assert from 'node:assert/strict';
import type { Failure } from '../azure-devops/server.ts';
import { type Deployment, useRig } from './rig.ts';

describe('The commit status of GitOpsSync', function () {
  this.timeout(60_000);
  const rig = useRig();
  const statusesOf = (shop: Deployment) =>
    rig.azureDevOps.statuses.filter(({ repository }) => repository === shop.repository.name);

  afterEach(() => {
    rig.azureDevOps.forgetFailures();
    rig.azureDevOps.assertValid();
  });

  it('tells on the commit how its deployment went', async () => {
    const shop = await rig.deployment();
    const commit = await shop.git('rev-parse', 'HEAD');
    await shop.run({ inputs: { environment: 'production' } });
    const broken = await shop.merge({
      'deploy/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: 1}\n',
    });
    const failed = await shop.run({ inputs: { environment: 'production' } });
    assert.equal(failed.result, 'Failed');
    const statuses = statusesOf(shop);
    assert.deepEqual(
      statuses.map((one) => [one.commit, one.status['state'], one.status['context']]),
      [
        [commit, 'succeeded', { genre: 'gitops', name: `sync/production/${shop.set}` }],
        [broken, 'failed', { genre: 'gitops', name: `sync/production/${shop.set}` }],
      ],
    );
    assert.match(String(statuses[0]?.status['targetUrl']), /_build\/results\?buildId=1234/);
    assert.match(String(statuses[0]?.status['description']), /is as Git declares/);
  });

  it('is not posted by a plan, nor when commitStatus is off', async () => {
    const shop = await rig.deployment();
    await shop.run({ action: 'plan' });
    await shop.run({ inputs: { commitStatus: 'false' } });
    assert.deepEqual(statusesOf(shop), []);
  });

  for (const kind of [403, 500, 'cut'] as const satisfies Failure['kind'][]) {
    it(`costs a warning and not the deployment when it cannot be posted (${kind})`, async () => {
      const shop = await rig.deployment();
      rig.azureDevOps.fail({ path: /\/statuses$/, kind, times: 20 });
      const run = await shop.run();
      assert.notEqual(run.result, 'Failed');
      assert.equal(run.outputVariables['outcome'], 'applied');
      const warning = run.issues.find(({ type }) => type === 'warning');
      assert.match(
        warning?.message ?? '',
        /The commit status could not be posted: .*The deployment itself is not affected/s,
      );
      if (kind === 403) assert.match(warning?.message ?? '', /Contribute|permission/i);
      assert.deepEqual(run.issueCounts, { error: 0, warning: 1 });
    });
  }
});

import assert from 'node:assert/strict';
import { configMap, useRig } from './rig.ts';

const namespace = '/api/v1/namespaces/gitops-guardrails';

describe('GitOpsSync under rules that the author of a repository cannot change', function () {
  this.timeout(90_000);
  const rig = useRig();

  /** The cluster's own rules, for the time of the test: they hold for every set. */
  async function withRules(rules: string, test: () => Promise<void>): Promise<void> {
    const client = rig.cluster.client();
    if ((await client.find(namespace)) === undefined) {
      await client.create('/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'gitops-guardrails' },
      });
    }
    await client.create(`${namespace}/configmaps`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'gitops-guardrails', namespace: 'gitops-guardrails' },
      data: { 'rules.yaml': rules },
    });
    try {
      await test();
    } finally {
      await client.delete(`${namespace}/configmaps/gitops-guardrails`);
    }
  }

  it('deploys what a rule allows and refuses what none does, before anything is rendered or written', async () => {
    const shop = await rig.deployment();
    const other = await rig.deployment();
    const rules = `
apiVersion: gitops.pipelines/v1
kind: SyncGuardrails
rules:
  - name: shop
    repositories: ["**"]
    sets: [${shop.set}]
    namespaces: [${shop.namespace}]
    kinds: { deny: [core/Secret] }
`;
    await withRules(rules, async () => {
      const allowed = await shop.run();
      assert.equal(allowed.outputVariables['outcome'], 'applied', allowed.log);

      const foreign = await other.run();
      assert.equal(foreign.outputVariables['outcome'], 'forbidden');
      assert.match(foreign.log, /No rule lets the repository .* sync the set/);
      assert.equal(await other.find(`configmaps/gitops-sync-${other.set}`), undefined);

      await shop.merge({
        'deploy/secret.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { a: aHVudGVyMjI= }\n',
      });
      const denied = await shop.run();
      assert.equal(denied.outputVariables['outcome'], 'forbidden');
      assert.match(denied.log, /is of a kind that rule 'shop'/);
      assert.equal(await shop.find('secrets/s'), undefined);

      const plan = await shop.run({ action: 'plan' });
      assert.equal(plan.result, 'Succeeded');
      assert.match(plan.log, /A sync would be refused: Secret/);

      const force = await shop.run({ inputs: { conflicts: 'force' } });
      assert.match(force.log, /does not allow `conflicts: force`/);
    });
  });

  it('deploys nothing in a freeze window, unless the glass is broken', async () => {
    const shop = await rig.deployment({ 'deploy/a.yaml': configMap('a') });
    const rules = `
apiVersion: gitops.pipelines/v1
kind: FreezeWindows
windows:
  - name: always
    cron: "0 0 * * *"
    duration: 24h
    timeZone: UTC
    reason: The books are closed.
    breakGlass: true
`;
    await withRules(rules, async () => {
      const frozen = await shop.run();
      assert.equal(frozen.outputVariables['outcome'], 'frozen', frozen.log);
      assert.equal(frozen.result, 'Failed');
      assert.match(frozen.log, /The books are closed/);
      assert.equal((await shop.run({ action: 'plan' })).result, 'Succeeded');

      const broken = await shop.run({ inputs: { breakGlass: 'Payments are down, incident 4711' } });
      assert.equal(broken.outputVariables['outcome'], 'applied', broken.log);
      assert.match(broken.log, /incident 4711/);
    });
  });

  it('does nothing where guardrails are required and none can be read', async () => {
    const shop = await rig.deployment();
    const run = await shop.run({ inputs: { requireGuardrails: 'true' } });
    assert.equal(run.result, 'Failed');
    assert.match(run.log, /Guardrails are required, and there are none/);
  });
});

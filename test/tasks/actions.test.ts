import assert from 'node:assert/strict';
import { configMap, deploymentManifest, useRig, yaml } from './rig.ts';

describe('GitOpsSync, the actions that write nothing', function () {
  this.timeout(60_000);
  const rig = useRig();

  it('plan shows field by field what sync would do, and does not do it', async () => {
    const shop = await rig.deployment({ 'deploy/a.yaml': configMap('a'), 'deploy/b.yaml': configMap('b') });
    await shop.run();
    const before = await shop.find('configmaps');
    await shop.merge({
      'deploy/a.yaml': configMap('a', { color: 'green' }),
      'deploy/b.yaml': null,
      'deploy/c.yaml': configMap('c'),
    });
    const run = await shop.run({ action: 'plan' });
    assert.equal(run.result, 'Succeeded');
    const { outcome, created, configured, pruned } = run.outputVariables;
    assert.deepEqual([outcome, created, configured, pruned], ['planHasChanges', '1', '1', '1']);
    assert.match(run.log, /data\.color: blue -> green/);
    assert.match(run.log, /- prune +ConfigMap \S+\/b/);
    assert.match(run.log, /\+ create +ConfigMap \S+\/c/);
    assert.match(run.summary, /data\.color: blue -> green/);
    const after = await shop.find('configmaps');
    assert.deepEqual(after?.['items'], before?.['items'], 'nothing was written, the inventory included');
  });

  it('plan of a set that is as Git declares says so', async () => {
    const shop = await rig.deployment();
    await shop.run();
    const run = await shop.run({ action: 'plan' });
    assert.equal(run.outputVariables['outcome'], 'noChanges');
    assert.match(run.log, /sync would change nothing/);
  });

  it('drift tells what was changed by hand from what Git changed since', async () => {
    const shop = await rig.deployment({
      'deploy/a.yaml': configMap('a'),
      'deploy/b.yaml': configMap('b'),
      'deploy/c.yaml': configMap('c'),
    });
    await shop.run();
    await shop.merge({ 'deploy/c.yaml': configMap('c', { color: 'green' }) });
    assert.equal(
      (await shop.run({ action: 'drift' })).outputVariables['outcome'],
      'noDrift',
      'Git changed, nobody else',
    );

    await shop.client.patch(`${shop.path('configmaps/a')}?fieldManager=kubectl-edit`, {
      data: { color: 'red', extra: 'by hand' },
    });
    await shop.client.delete(shop.path('configmaps/b'));
    const run = await shop.run({ action: 'drift' });
    assert.equal(run.result, 'SucceededWithIssues');
    assert.equal(run.outputVariables['outcome'], 'driftDetected');
    assert.match(run.log, /2 objects of the set differ from what was deployed/);
    assert.match(run.log, /data\.color: red -> blue/);
    assert.match(run.log, /data\.extra: by hand/);
    assert.match(run.log, /ConfigMap \S+\/b.*was deleted in the cluster/);
    assert.deepEqual((await shop.find('configmaps/a'))?.['data'], { color: 'red', extra: 'by hand' });

    const failing = await shop.run({ action: 'drift', inputs: { failOnDrift: 'true' } });
    assert.equal(failing.result, 'Failed');
    assert.equal(failing.exitCode, 0);
    assert.equal(failing.outputVariables['outcome'], 'driftDetected');

    const sync = await shop.run();
    assert.equal(sync.result, 'Succeeded');
    assert.deepEqual((await shop.find('configmaps/a'))?.['data'], { color: 'blue' });
  });

  it('status tells what is deployed and how it is, without a checkout', async () => {
    const shop = await rig.deployment({
      'deploy/config.yaml': configMap('config'),
      'deploy/web.yaml': deploymentManifest('web'),
    });
    const nothing = await shop.run({ action: 'status', workdir: rig.folder });
    assert.equal(nothing.result, 'Failed');
    assert.match(
      nothing.issues[0]?.message ?? '',
      /There is no set '\S+' with an inventory in namespace \S+.*inventoryNamespace/,
    );

    await shop.run();
    const well = await shop.run({ action: 'status', workdir: rig.folder });
    assert.equal(well.result, 'Succeeded');
    assert.equal(well.outputVariables['outcome'], 'status');
    assert.match(well.log, /2 objects, commit [0-9a-f]{10} since .*; all are healthy/);

    await shop.client.delete(shop.path('configmaps/config'));
    const ill = await shop.run({ action: 'status', workdir: rig.folder });
    assert.equal(ill.result, 'Succeeded');
    assert.match(ill.log, /1 is not healthy/);
    assert.match(ill.log, /ConfigMap +\S+\/config +\S+ +Missing/);
  });
});

describe('GitOpsSync, action destroy', function () {
  this.timeout(60_000);
  const rig = useRig();

  it('deletes nothing unless confirmDestroy is the name of the set', async () => {
    const shop = await rig.deployment();
    await shop.run();
    const destroy = async (confirmDestroy: string) => {
      const run = await shop.run({ action: 'destroy', workdir: rig.folder, inputs: { confirmDestroy } });
      assert.equal(run.result, 'Failed');
      assert.equal(run.outputVariables['outcome'], 'invalidInput');
      const says = new RegExp(`\`confirmDestroy\` is '${confirmDestroy}'.*must be '${shop.set}'`);
      assert.match(run.issues[0]?.message ?? '', says);
    };
    await Promise.all(['', 'another-set'].map(destroy));
    assert.notEqual(await shop.find('configmaps/config'), undefined);
  });

  it('deletes what the set made and nothing else, and keeps protected kinds unless they are named', async () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'none', resources: { requests: { storage: '1Gi' } } },
    };
    const shop = await rig.deployment({ 'deploy/config.yaml': configMap('config'), 'deploy/data.yaml': yaml(claim) });
    await shop.run({ inputs: { wait: 'none' } });
    await shop.client.create(shop.path('configmaps'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'of-somebody-else' },
    });
    const destroy = (inputs: Record<string, string> = {}) =>
      shop.run({ action: 'destroy', workdir: rig.folder, inputs: { confirmDestroy: shop.set, ...inputs } });

    const first = await destroy();
    assert.equal(first.result, 'Succeeded');
    assert.equal(first.outputVariables['outcome'], 'destroyed');
    assert.equal(first.outputVariables['pruned'], '1');
    assert.equal(await shop.find('configmaps/config'), undefined);
    assert.notEqual(await shop.find('persistentvolumeclaims/data'), undefined);
    assert.match(first.log, /PersistentVolumeClaim +\S+\/data +kept .*deleteProtectedKinds/s);

    const second = await destroy({ deleteProtectedKinds: 'PersistentVolumeClaim' });
    assert.equal(second.outputVariables['pruned'], '1');
    assert.match(second.log, /nothing of it is left/);
    assert.notEqual(await shop.find('configmaps/of-somebody-else'), undefined);

    const third = await destroy();
    assert.equal(third.result, 'Failed');
    assert.match(third.issues[0]?.message ?? '', /There is no set/);
  });
});

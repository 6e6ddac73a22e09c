import assert from 'node:assert/strict';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { partOfLabel, syncSet } from '../../lib/sync/sync-set.ts';
import { intercept } from './intercept.ts';
import { summarize } from './rig.ts';
import { configMap, type Scene, scenes, told, yaml } from './scene.ts';

describe('prune', function () {
  this.timeout(60_000);
  const scene = scenes();
  const maps = (count: number) => Array.from({ length: count }, (_, index) => configMap(`m${index}`));
  const names = async ({ client, path }: Scene) =>
    (await client.list(path('v1', 'configmaps')))
      .map((item) => item.metadata?.name ?? '')
      .filter((name) => /^m\d/.test(name))
      .sort();

  it(
    'is held above 20 % of the set, with nothing changed at all, until maxPrune allows it',
    scene(async (s) => {
      const { r, get } = s;
      await r.sync(yaml(...maps(10)));
      const git = yaml(configMap('m0', { changed: 'yes' }), configMap('new'), ...maps(7).slice(1));
      const held = await r.sync(git);
      assert.equal(held.outcome, 'pruneHeld', told(held));
      assert.match(held.summary, /would delete 3 of the 10 objects of the set, and the limit is 2: .*m7.*maxPrune: 3/);
      assert.equal((await names(s)).length, 10);
      assert.deepEqual((await get('v1', 'configmaps', 'm0'))['data'], { key: 'value' });
      assert.equal((await r.sync(git, { maxPrune: 2 })).outcome, 'pruneHeld');
      assert.equal((await r.sync(git, { maxPrune: 3 })).outcome, 'applied');
      assert.deepEqual(await names(s), ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6']);
    }),
  );

  it(
    'of everything needs allowEmpty and maxPrune, and with prune: false only reports',
    scene(async (s) => {
      const { r } = s;
      await r.sync(yaml(...maps(3)));
      await assert.rejects(r.sync('', { maxPrune: 10 }), /Git declares no object at all/);
      assert.equal((await r.sync('', { allowEmpty: true })).outcome, 'pruneHeld');
      const off = await r.sync('', { allowEmpty: true, prune: false });
      assert.deepEqual([off.outcome, off.changes.map((c) => c.reason)], ['noChanges', Array(3).fill('prune is off')]);
      assert.equal((await names(s)).length, 3);
      assert.equal((await r.sync('', { allowEmpty: true, maxPrune: 3 })).outcome, 'applied');
      assert.deepEqual(await names(s), []);
    }),
  );

  it(
    'leaves what says so by an annotation, protected kinds, and what was made anew, each with the reason',
    scene(async (s) => {
      const { r, kubectl, find, path, client, namespace } = s;
      const claim: Json = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      };
      const kept = (name: string, annotation: string, value: string) =>
        configMap(name, {}, { annotations: { [annotation]: value } });
      await r.sync(
        yaml(
          kept('argo', 'argocd.argoproj.io/sync-options', 'Prune=false'),
          kept('helm', 'helm.sh/resource-policy', 'keep'),
          kept('own', 'gitops.pipelines/prune', 'disabled'),
          configMap('anew'),
          configMap('labelled'),
          configMap('goes'),
          configMap('rest'),
          claim,
        ),
        { wait: 'none' },
      );
      await kubectl(['delete', 'configmap', 'anew']);
      const labels = { [partOfLabel]: syncSet(namespace, namespace, 'test').applySetId };
      await client.create(path('v1', 'configmaps'), configMap('anew', { of: 'somebody else' }, { labels }));
      await kubectl(['label', 'configmap', 'labelled', `${partOfLabel}-`]);
      const git = yaml(configMap('rest'));
      const plan = await r.plan(git, { maxPrune: 1 });
      const result = await r.sync(git, { maxPrune: 1, wait: 'none' });
      assert.deepEqual(summarize(result), summarize(plan));
      assert.deepEqual(
        summarize(result),
        [
          'keep ConfigMap argo',
          'keep ConfigMap helm',
          'keep ConfigMap labelled',
          'keep ConfigMap own',
          'keep PersistentVolumeClaim data',
          'prune ConfigMap goes',
        ],
        told(result),
      );
      for (const name of ['argo', 'helm', 'own', 'anew', 'labelled'])
        assert.ok(await find('v1', 'configmaps', name), name);
      assert.equal(await find('v1', 'configmaps', 'goes'), undefined);
      const again = await r.sync(git);
      assert.equal(again.changes.filter((c) => c.action === 'keep').length, 5, 'what is kept stays recorded');
      const claims = await r.sync(git, { maxPrune: 1, deleteProtectedKinds: ['PersistentVolumeClaim'] });
      assert.ok(summarize(claims).includes('prune PersistentVolumeClaim data'), told(claims));
      assert.equal(await find('v1', 'persistentvolumeclaims', 'data'), undefined);
    }),
  );

  it(
    'does not delete an object that was made anew between the look and the deletion',
    scene(async (s) => {
      const { r, client, path, find } = s;
      await r.sync(yaml(configMap('goes'), configMap('rest')));
      const racing = s.rigWith({
        wrap: intercept({
          before: async ({ verb, name }) => {
            if (verb !== 'delete' || name !== 'goes') return;
            const { metadata } = await s.get('v1', 'configmaps', 'goes');
            await client.delete(path('v1', 'configmaps', 'goes'));
            await client.create(path('v1', 'configmaps'), configMap('goes', {}, { labels: metadata.labels }));
          },
        }),
      });
      const result = await racing.sync(yaml(configMap('rest')));
      assert.deepEqual(summarize(result), ['keep ConfigMap goes'], told(result));
      assert.ok(await find('v1', 'configmaps', 'goes'));
    }),
  );

  it(
    'keeps the record of what a finalizer holds, names it, and the next run finishes',
    scene(async (s) => {
      const { r, find, client, path } = s;
      await r.sync(yaml(configMap('held', {}, { finalizers: ['example.com/hold'] }), configMap('rest')));
      const git = yaml(configMap('rest'));
      const result = await r.sync(git, { timeout: 1000 });
      assert.notEqual(result.outcome, 'applied', told(result));
      assert.match(
        result.errors[0]?.message ?? '',
        /ConfigMap .*held was deleted but is still there: .*example\.com\/hold/,
      );
      assert.match(result.summary, /held/);
      assert.equal((await r.status()).changes.length, 2);
      await assert.rejects(r.sync(yaml(configMap('held'), configMap('rest'))), /held is being deleted in the cluster/);
      await client.patch(path('v1', 'configmaps', 'held'), { metadata: { finalizers: null } });
      assert.equal(await find('v1', 'configmaps', 'held'), undefined);
      assert.equal((await r.sync(git)).outcome, 'noChanges');
      assert.equal((await r.status()).changes.length, 1);
    }),
  );

  it(
    'does not delete an object that Git declares under another group',
    scene(async ({ r, namespace, find }) => {
      const regarding = { kind: 'ConfigMap', namespace, name: 'rest', apiVersion: 'v1' };
      const core: Json = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e' },
        involvedObject: regarding,
        reason: 'Deployed',
        message: 'x',
        type: 'Normal',
        action: 'Deploy',
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingComponent: 'example.com/gitops',
        reportingInstance: 'i',
      };
      const moved: Json = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'e' },
        regarding,
        reason: 'Deployed',
        note: 'x',
        type: 'Normal',
        action: 'Deploy',
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'example.com/gitops',
        reportingInstance: 'i',
      };
      const first = await r.sync(yaml(core, configMap('rest')), { wait: 'none' });
      assert.equal(first.outcome, 'applied', told(first));
      const uid = (await find('v1', 'events', 'e'))?.['metadata'].uid;
      const git = yaml(moved, configMap('rest'));
      const second = await r.sync(git, { wait: 'none' });
      assert.deepEqual(summarize(second), [], told(second));
      assert.equal((await find('v1', 'events', 'e'))?.['metadata'].uid, uid);
      assert.equal((await r.sync(git)).outcome, 'noChanges');
      const kinds = (await r.status()).changes.map((c) => c.target.kind).sort();
      assert.deepEqual(kinds, ['ConfigMap', 'Event.events.k8s.io']);
    }),
  );

  it(
    'destroys in reverse order only what is recorded, and keeps protected kinds and their record',
    scene(async (s) => {
      const { r, client, path, find } = s;
      const claim: Json = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      };
      await r.sync(yaml(...maps(3), claim), { wait: 'none' });
      await client.create(path('v1', 'configmaps'), configMap('foreign'));
      const result = await r.destroy();
      assert.equal(result.outcome, 'destroyed', told(result));
      assert.deepEqual(await names(s), []);
      assert.ok(await find('v1', 'configmaps', 'foreign'));
      assert.ok(await find('v1', 'persistentvolumeclaims', 'data'));
      assert.deepEqual(
        (await r.status()).changes.map((c) => c.target.name),
        ['data'],
      );
      await r.destroy({ deleteProtectedKinds: ['PersistentVolumeClaim'] });
      await assert.rejects(r.status(), /There is no set/);
    }),
  );
});

import assert from 'node:assert/strict';
import { ConflictError, InputError } from '../../lib/errors.ts';
import { intercept, type Write } from './intercept.ts';
import { summarize } from './rig.ts';
import { configMap, type Scene, scenes, told, yaml } from './scene.ts';

describe('the inventory in the cluster', function () {
  this.timeout(60_000);
  const scene = scenes();
  const isParent = (write: Write, { namespace }: Scene) => write.name === `gitops-sync-${namespace}`;
  const recorded = async ({ r }: Scene) => (await r.status()).changes.map((c) => c.target.name).sort();

  it(
    'stops the second of two runs at once before its first write',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('a')));
      const slow = s.rigWith({
        wrap: intercept({
          before: async (write) => {
            // The other run begins and ends between this one's reading and its first write.
            if (write.number === 1) await s.r.sync(yaml(configMap('a'), configMap('fast')));
          },
        }),
      });
      await assert.rejects(slow.sync(yaml(configMap('a', { key: 'slow' }), configMap('slow'))), (error: unknown) => {
        assert.ok(error instanceof ConflictError && error.outcome === 'lockTimeout', String(error));
        assert.match(error.message, /Another run changed the inventory .*lockBehavior: sequential/);
        return true;
      });
      assert.equal(await s.find('v1', 'configmaps', 'slow'), undefined);
      assert.equal((await s.get('v1', 'configmaps', 'a'))['data'].key, 'value');
      assert.deepEqual(await recorded(s), ['a', 'fast']);
    }),
  );

  it(
    'loses nothing when another run writes between the first and the last write of this one',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('a')));
      let between = 0;
      const slow = s.rigWith({
        wrap: intercept({
          before: async (write) => {
            if (write.verb !== 'apply' || write.name !== 'slow' || between++ > 0) return;
            // It sees the intent for `slow`, finds no such object, and so forgets it.
            await s.r.sync(yaml(configMap('a'), configMap('fast')));
          },
        }),
      });
      const result = await slow.sync(yaml(configMap('a'), configMap('slow')));
      assert.equal(result.outcome, 'lockTimeout', told(result));
      assert.deepEqual(await recorded(s), ['a', 'fast', 'slow']);
      const last = await s.r.sync(yaml(configMap('a')), { maxPrune: 2 });
      assert.deepEqual(summarize(last), ['prune ConfigMap fast', 'prune ConfigMap slow']);
    }),
  );

  it(
    'of a large set lies in shards, which two runs at once do not mix and a dead one does not spoil',
    scene(async (s) => {
      const sharded = { shardSize: 300 };
      const maps = Array.from({ length: 12 }, (_, index) => configMap(`m${index}`));
      const shards = async () =>
        (await s.client.list(`${s.path('v1', 'configmaps')}?labelSelector=gitops.pipelines/inventory-shard`)).map(
          (item) => item.metadata?.name ?? '',
        );
      const r = s.rigWith(sharded);
      await r.sync(yaml(...maps));
      assert.ok((await shards()).length >= 3, String(await shards()));
      assert.equal((await r.sync(yaml(...maps))).outcome, 'noChanges');
      const begun = s.rigWith({
        ...sharded,
        wrap: intercept({
          before: (write) => {
            if (write.verb === 'apply') throw new Error('killed');
          },
          after: (write) => {
            if (isParent(write, s)) throw new Error('killed');
          },
        }),
      });
      const slow = s.rigWith({
        ...sharded,
        wrap: intercept({
          before: async (write) => {
            // The other run has just written its intents when this one writes the first of its shards.
            if (write.number === 1) await begun.sync(yaml(...maps, configMap('fast'))).catch(() => undefined);
          },
        }),
      });
      await assert.rejects(slow.sync(yaml(...maps, configMap('slow'))), /Another run changed the inventory/);
      const all = [...maps.map((map) => map['metadata'].name), 'fast'].sort();
      assert.deepEqual(await recorded(s), all);
      const dying = s.rigWith({
        ...sharded,
        wrap: intercept({
          before: (write) => {
            if (isParent(write, s)) throw new Error('killed');
          },
        }),
      });
      await assert.rejects(dying.sync(yaml(...maps, configMap('dying'))), /killed/);
      assert.deepEqual(await recorded(s), all);
      await r.sync(yaml(...maps.slice(0, 11)), { maxPrune: 3 });
      assert.deepEqual(
        await recorded(s),
        maps
          .slice(0, 11)
          .map((map) => map['metadata'].name)
          .sort(),
      );
      const left = await shards();
      const epochs = new Set(left.map((name) => name.replace(/-\d+$/, '')));
      assert.equal(epochs.size, 1, `only the shards that count are left: ${left}`);
      await r.destroy();
      assert.deepEqual(await shards(), []);
    }),
  );

  it(
    'of a set name exists once in a cluster, and stays where it is',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('a')));
      const elsewhere = s.rigWith({ inventoryNamespace: 'default' });
      await assert.rejects(elsewhere.sync(yaml(configMap('b'))), (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(
          error.message,
          new RegExp(`has its inventory in namespace ${s.namespace} already, not in default`),
        );
        return true;
      });
      await assert.rejects(elsewhere.status(), /There is no set .* in namespace default/);
    }),
  );

  it(
    'that somebody broke deletes nothing, and once deleted is built anew from the objects',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('a'), configMap('b')));
      const parent = s.path('v1', 'configmaps', `gitops-sync-${s.namespace}`);
      await s.client.patch(parent, { data: { 'inventory.v1': 'broken' } });
      const git = yaml(configMap('a'));
      await assert.rejects(s.r.sync(git), /cannot be read: somebody changed it\. Nothing is deleted on its word/);
      assert.ok(await s.find('v1', 'configmaps', 'b'));
      await s.client.delete(parent);
      const rebuilt = await s.r.sync(git);
      assert.equal(rebuilt.errors.length, 0, told(rebuilt));
      assert.deepEqual(await recorded(s), ['a', 'b'], 'b is a stray: it carries the label, and is told of');
      assert.ok(await s.find('v1', 'configmaps', 'b'));
      assert.equal((await s.r.sync(git)).outcome, 'noChanges');
      await s.client.patch(parent, { metadata: { annotations: { 'applyset.kubernetes.io/tooling': 'other/v1' } } });
      await assert.rejects(s.r.sync(git), /is not an inventory of this task \(its tooling is 'other\/v1'\)/);
    }),
  );
});

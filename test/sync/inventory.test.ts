import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { InputError } from '../../lib/errors.ts';
import {
  decodeParent,
  decodeShard,
  encodeInventory,
  entriesByKey,
  groupKindsOf,
  type InventoryEntry,
} from '../../lib/sync/inventory.ts';
import { syncSet } from '../../lib/sync/sync-set.ts';

const set = syncSet('shop', 'gitops', 'test');
const entry = (name: string, more: Partial<InventoryEntry> = {}): InventoryEntry => ({
  group: 'apps',
  kind: 'Deployment',
  namespace: 'shop',
  name,
  version: 'v1',
  uid: randomBytes(16).toString('hex'),
  ...more,
});
const inventoryOf = (entries: InventoryEntry[]) => ({ epoch: 3, entries: entriesByKey(entries) });

describe('inventory', () => {
  it('is a parent that conforms to ApplySet v1', () => {
    const entries = [
      entry('web'),
      entry('x', { group: '', kind: 'ConfigMap', namespace: 'gitops' }),
      entry('r', { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', namespace: '' }),
      entry('a', { namespace: 'another' }),
    ];
    const { parent } = encodeInventory(set, inventoryOf(entries), { toolVersion: '1.2.3', writer: 'a' });
    assert.deepEqual(parent.metadata.annotations, {
      'applyset.kubernetes.io/tooling': 'azdo-gitops/1.2.3',
      'applyset.kubernetes.io/contains-group-kinds': 'ClusterRole.rbac.authorization.k8s.io,ConfigMap,Deployment.apps',
      // Without the parent's own namespace and without the empty one of cluster-wide kinds.
      'applyset.kubernetes.io/additional-namespaces': 'another,shop',
    });
    assert.equal(parent.metadata.labels['applyset.kubernetes.io/id'], set.applySetId);
    assert.deepEqual(groupKindsOf(parent), [
      { kind: 'ClusterRole', group: 'rbac.authorization.k8s.io' },
      { kind: 'ConfigMap', group: '' },
      { kind: 'Deployment', group: 'apps' },
    ]);
  });

  it('reads back what was written, whatever the names are', () => {
    const arbitrary = fc.array(
      fc.record({
        group: fc.constantFrom('', 'apps', 'example.com'),
        kind: fc.string({ minLength: 1 }),
        namespace: fc.string(),
        name: fc.string({ minLength: 1 }),
        version: fc.constant('v1'),
        uid: fc.uuid(),
      }),
    );
    fc.assert(
      fc.property(arbitrary, (entries) => {
        const inventory = inventoryOf(entries.map((one) => ({ ...one })));
        const { parent, shards } = encodeInventory(set, inventory, { toolVersion: '1.0.0', writer: 'a' });
        const read = decodeParent(set, parent);
        const all = [...read.inventory.entries.values(), ...shards.flatMap((shard) => decodeShard('a shard', shard))];
        assert.deepEqual(entriesByKey(all), new Map([...inventory.entries].sort(([a], [b]) => (a < b ? -1 : 1))));
      }),
    );
  });

  it('is cut into shards that each fit into a ConfigMap, with epoch and writer in their names', () => {
    const entries = Array.from({ length: 30_000 }, (_, index) => entry(`web-${index}`));
    const { parent, shards } = encodeInventory(set, inventoryOf(entries), { toolVersion: '1.0.0', writer: 'a' });
    assert.ok(shards.length > 0);
    for (const object of [parent, ...shards]) assert.ok(JSON.stringify(object).length < 1024 * 1024);
    const { shardNames } = decodeParent(set, parent);
    assert.deepEqual(
      shardNames,
      shards.map((shard) => shard.metadata.name),
    );
    assert.match(shardNames[0] ?? '', /-shard-3-a-1$/);
  });

  const written = () => encodeInventory(set, inventoryOf([entry('web')]), { toolVersion: '1.0.0', writer: 'a' }).parent;

  it('refuses the parent of another tool and names a way out', () => {
    const foreign = {
      ...written(),
      metadata: { ...written().metadata, annotations: { 'applyset.kubernetes.io/tooling': 'kubectl/v1.36.3' } },
    };
    assert.throws(
      () => decodeParent(set, foreign),
      (error: Error) =>
        error instanceof InputError &&
        /kubectl\/v1\.36\.3/.test(error.message) &&
        /another syncSet/.test(error.message),
    );
  });

  it('refuses a parent that was copied from another name', () => {
    const other = encodeInventory(syncSet('other', 'gitops', 'test'), inventoryOf([]), {
      toolVersion: '1.0.0',
      writer: 'a',
    }).parent;
    assert.throws(() => decodeParent(set, other), /ApplySet id/);
  });

  it('refuses data that it did not write, without deleting anything on its word', () => {
    for (const data of [
      {},
      { 'inventory.v1': 'not base64 gzip' },
      { 'inventory.v1': Buffer.from('{}').toString('base64') },
    ]) {
      assert.throws(() => decodeParent(set, { ...written(), data }), /Nothing is deleted on its word/);
    }
  });
});

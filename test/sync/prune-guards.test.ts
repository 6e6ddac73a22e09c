import assert from 'node:assert/strict';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { entriesByKey, type InventoryEntry } from '../../lib/sync/inventory.ts';
import type { LiveState } from '../../lib/sync/live-state.ts';
import { pruneCap, pruneDecisions } from '../../lib/sync/prune-guards.ts';
import { partOfLabel, syncSet } from '../../lib/sync/sync-set.ts';

const set = syncSet('shop', 'gitops', 'test');
const resource = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true, verbs: [] };
const ours = {
  manager: set.fieldManager,
  operation: 'Apply' as const,
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:data': {} },
};

const recorded = (more: Partial<InventoryEntry> = {}): InventoryEntry => ({
  group: '',
  kind: 'ConfigMap',
  namespace: 'shop',
  name: 'old',
  version: 'v1',
  uid: 'uid-1',
  ...more,
});
const live = (metadata: Record<string, unknown> = {}, kind = 'ConfigMap'): KubernetesObject => ({
  apiVersion: 'v1',
  kind,
  metadata: {
    name: 'old',
    namespace: 'shop',
    uid: 'uid-1',
    labels: { [partOfLabel]: set.applySetId },
    managedFields: [ours],
    creationTimestamp: '2026-01-01T00:00:10Z',
    ...metadata,
  },
});

function decideOne(
  entry: InventoryEntry,
  object: KubernetesObject | undefined,
  prune = true,
  deletable: string[] = [],
) {
  const entries = entriesByKey([entry]);
  const key = [...entries.keys()][0] as string;
  const state: LiveState = {
    objects: new Map(object === undefined ? [] : [[key, object]]),
    strays: [],
    unserved: new Map(),
    denied: new Map(),
    resources: new Map([[`${entry.group}/${entry.kind}`, resource]]),
    notes: [],
  };
  const options = { fieldManager: set.fieldManager, prune, deletableKinds: new Set(deletable) };
  const [decision] = pruneDecisions(set, [], { epoch: 1, entries }, state, options);
  return decision;
}

describe('prune', () => {
  it('deletes what is recorded with this uid and carries the label of the set', () => {
    assert.equal(decideOne(recorded(), live())?.decision, 'prune');
  });

  it('keeps everything when it is off', () => {
    assert.deepEqual(decideOne(recorded(), live(), false)?.decision, 'keep');
  });

  it('never deletes an object of another uid', () => {
    assert.equal(decideOne(recorded(), live({ uid: 'uid-2' }))?.decision, 'forget');
  });

  it('keeps the record of an object whose label was removed by hand', () => {
    assert.equal(decideOne(recorded(), live({ labels: {} }))?.decision, 'keep');
  });

  const optOuts: Record<string, string> = {
    'gitops.pipelines/prune': 'disabled',
    'argocd.argoproj.io/sync-options': 'Replace=true,Prune=false',
    'kustomize.toolkit.fluxcd.io/prune': 'disabled',
    'helm.sh/resource-policy': 'keep',
    'client.lifecycle.config.k8s.io/deletion': 'detach',
    'cli-utils.sigs.k8s.io/on-remove': 'keep',
  };
  for (const [name, value] of Object.entries(optOuts)) {
    it(`honours ${name}: ${value}`, () => {
      const decision = decideOne(recorded(), live({ annotations: { [name]: value } }));
      assert.equal(decision?.decision, 'keep');
      assert.match(decision?.reason ?? '', new RegExp(name.replace(/[.]/g, '\\.')));
    });
  }

  for (const kind of [
    'Namespace',
    'CustomResourceDefinition',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'StorageClass',
  ]) {
    it(`protects a ${kind} until its kind is named`, () => {
      assert.equal(decideOne(recorded({ kind }), live({}, kind))?.decision, 'keep');
      assert.equal(decideOne(recorded({ kind }), live({}, kind), true, [kind])?.decision, 'prune');
    });
  }

  it('keeps what a controller has taken over', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'x', controller: true };
    assert.equal(decideOne(recorded(), live({ ownerReferences: [owner] }))?.decision, 'keep');
  });

  describe('after a run that died before the answer came', () => {
    const { uid: _, ...withoutUid } = recorded();
    const pending = (intent: 'create' | 'adopt'): InventoryEntry => ({
      ...withoutUid,
      pending: { intent, since: '2026-01-01T00:00:05Z' },
    });

    it('deletes what that run made: our apply, our label, and not older than the intent', () => {
      assert.equal(decideOne(pending('create'), live())?.decision, 'prune');
    });
    it('leaves what somebody else made meanwhile', () => {
      assert.equal(
        decideOne(pending('create'), live({ managedFields: [{ ...ours, manager: 'kubectl' }] }))?.decision,
        'forget',
      );
    });
    it('leaves what is older than the intent', () => {
      assert.equal(
        decideOne(pending('create'), live({ creationTimestamp: '2025-12-31T23:59:00Z' }))?.decision,
        'forget',
      );
    });
    it('leaves what it had only meant to adopt, and keeps the record of what it had begun to adopt', () => {
      assert.equal(decideOne(pending('adopt'), live({ managedFields: [] }))?.decision, 'forget');
      assert.equal(decideOne(pending('adopt'), live())?.decision, 'keep');
    });
  });

  it('allows the smaller of 10 and 20 % of what is recorded, rounded down, and at least 1', () => {
    assert.deepEqual(
      [0, 1, 4, 5, 9, 10, 49, 50, 1000].map((count) => pruneCap(count, undefined)),
      [1, 1, 1, 1, 1, 2, 9, 10, 10],
    );
    assert.equal(pruneCap(1000, 500), 500);
    assert.equal(pruneCap(1000, 0), 0);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { type DecideOptions, decide } from '../../lib/sync/decide.ts';
import { fingerprint } from '../../lib/sync/fingerprint.ts';
import type { InventoryEntry } from '../../lib/sync/inventory.ts';
import type { LiveState } from '../../lib/sync/live-state.ts';
import { partOfLabel, syncSet } from '../../lib/sync/sync-set.ts';
import { applied, configMap, entry, set, target } from './sample.ts';

const options: DecideOptions = {
  fieldManager: set.fieldManager,
  digestKey: randomBytes(32),
  adopt: 'ifUnowned',
  foreignFields: 'correct',
  deletableKinds: new Set(),
  prune: true,
};
const git = target(configMap('a'));
const live = applied(configMap('a'));

function recorded(object: KubernetesObject, more: Partial<InventoryEntry> = {}): InventoryEntry {
  const print = fingerprint(git.payload, object, options);
  return {
    ...git.id,
    version: 'v1',
    ...(object.metadata.uid !== undefined && { uid: object.metadata.uid }),
    ...(print && { fingerprint: print }),
    ...more,
  };
}

function decideOne(object: KubernetesObject | undefined, record?: InventoryEntry, more: Partial<DecideOptions> = {}) {
  const state: LiveState = {
    objects: new Map(object === undefined ? [] : [[git.key, object]]),
    strays: [],
    unserved: new Map(),
    denied: new Map(),
    resources: new Map(),
    notes: [],
  };
  const entries = new Map(record === undefined ? [] : [[git.key, record]]);
  const { apply, problems } = decide(set, [git], { epoch: 1, entries }, state, { ...options, ...more });
  return apply[0] ?? problems[0]?.code;
}
const kindOf = (...args: Parameters<typeof decideOne>) => {
  const decision = decideOne(...args);
  return typeof decision === 'object' ? decision.kind : decision;
};

describe('what to do about an object of Git', () => {
  it('is to create what is not there, recorded or not', () => {
    assert.equal(kindOf(undefined), 'create');
    assert.equal(kindOf(undefined, recorded(live)), 'create');
  });

  it('is nothing while Git, our entry and our values are as recorded', () => {
    assert.equal(kindOf(live, recorded(live)), 'unchanged');
    const busy = { ...live, metadata: { ...live.metadata, resourceVersion: '99' }, status: { x: 1 } };
    assert.equal(kindOf(busy, recorded(live)), 'unchanged');
  });

  it('is to configure what differs: the value, the owner, the label, or the record', () => {
    assert.equal(kindOf({ ...live, data: { key: 'by hand' } }, recorded(live)), 'configure');
    const taken = applied(configMap('a'), { managedFields: [entry('helm', ['key'])] });
    assert.equal(kindOf(taken, recorded(live)), 'configure');
    const unlabelled = applied(configMap('a'), { labels: {} });
    const decision = decideOne(unlabelled, recorded(live));
    assert.ok(typeof decision === 'object');
    assert.deepEqual([decision.kind, decision.note], ['configure', 'its label was removed by hand']);
    assert.equal(
      kindOf(live, { ...recorded(live), fingerprint: { manifest: 'x', entry: 'x', owned: 'x' } }),
      'configure',
    );
    assert.equal(kindOf(live), 'configure', 'our label, and the inventory was lost');
  });

  it('is to adopt what nobody owns, when that is allowed', () => {
    const theirs = applied(configMap('a'), { labels: {}, managedFields: [entry('kubectl-create', ['key'])] });
    assert.equal(kindOf(theirs), 'adopt');
    assert.equal(kindOf(theirs, undefined, { adopt: 'never' }), 'owned-by-other');
    const helms = { ...theirs, metadata: { ...theirs.metadata, annotations: { 'meta.helm.sh/release-name': 'x' } } };
    assert.equal(kindOf(helms), 'owned-by-other');
    assert.equal(kindOf(helms, undefined, { adopt: 'always' }), 'adopt');
  });

  it('is to adopt again what was made anew under the name of a recorded object', () => {
    const anew = applied(configMap('a'), {
      uid: 'other',
      labels: {},
      managedFields: [entry('kubectl-create', ['key'])],
    });
    assert.equal(kindOf(anew, recorded(live)), 'adopt');
  });

  it('needs our own apply on the object where the record is only an intent', () => {
    const { uid: _uid, fingerprint: _print, ...rest } = recorded(live);
    const intent = { ...rest, pending: { intent: 'create' as const, since: '2026-01-01T00:00:00Z' } };
    const helms = { 'meta.helm.sh/release-name': 'x' };
    assert.equal(kindOf(applied(configMap('a'), { labels: {}, annotations: helms }), intent), 'configure');
    const foreign = { labels: {}, annotations: helms, managedFields: [entry('helm', ['key'])] };
    assert.equal(kindOf(applied(configMap('a'), foreign), intent), 'owned-by-other');
  });

  it('is a conflict where another set took the object over', () => {
    const labels = { [partOfLabel]: syncSet('other', 'gitops', 'test').applySetId };
    const moved = applied(configMap('a'), { labels, managedFields: [entry('azdo-gitops:other', ['key'])] });
    assert.equal(kindOf(moved, recorded(live)), 'owned-by-other');
    assert.equal(kindOf(moved, recorded(live), { adopt: 'always' }), 'adopt');
  });

  it('is to look at what people added, unless that is ignored', () => {
    const edited = applied(configMap('a'), {
      managedFields: [entry(set.fieldManager, ['key']), entry('kubectl-edit', ['added'])],
    });
    assert.equal(kindOf(edited, recorded(live)), 'configure');
    assert.equal(kindOf(edited, recorded(live), { foreignFields: 'report' }), 'unchanged');
    assert.equal(kindOf(edited, recorded(live), { foreignFields: 'ignore' }), 'unchanged');
    const controllers = applied(configMap('a'), {
      managedFields: [entry(set.fieldManager, ['key']), entry('kube-controller-manager', ['added'])],
    });
    assert.equal(kindOf(controllers, recorded(live)), 'unchanged');
  });

  it('waits for what is being deleted', () => {
    assert.equal(
      kindOf(applied(configMap('a'), { deletionTimestamp: '2026-01-01T00:01:00Z' }), recorded(live)),
      'terminating',
    );
  });
});

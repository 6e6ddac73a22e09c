import { type KubernetesObject, keyOf, type ObjectId, objectId } from '../core/objects/kubernetes-object.ts';
import { applyEntryOf } from '../core/objects/managed-fields.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import type { Inventory, InventoryEntry } from './inventory.ts';
import { kindKey, type LiveState } from './live-state.ts';
import { isTakenByAnotherSet } from './ownership.ts';
import { partOfLabel, type SyncSet } from './sync-set.ts';
import type { Target } from './targets.ts';

/** What becomes of an object that the set made or recorded and that Git does not declare. */
export interface PruneDecision {
  readonly id: ObjectId;
  readonly key: string;
  /**
   * `prune`: delete it. `keep`: it stays, and stays recorded. `forget`: it is gone or not ours any more, and its record goes.
   * `stray`: it carries our label but nothing records it, so it is only reported.
   */
  readonly decision: 'prune' | 'keep' | 'forget' | 'stray';
  readonly reason: string;
  readonly resource?: ApiResource;
  readonly live?: KubernetesObject;
  readonly entry?: InventoryEntry;
}

export interface PruneOptions {
  readonly fieldManager: string;
  readonly prune: boolean;
  readonly deletableKinds: ReadonlySet<string>;
}

/** Kinds whose deletion takes other things with it: data, or all objects of a namespace or a kind. */
export const protectedKinds: ReadonlySet<string> = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'StorageClass',
]);

/** Deletes only what is recorded with its uid and still carries our label, and what no guard protects. */
export function pruneDecisions(
  set: SyncSet,
  targets: readonly Target[],
  inventory: Inventory,
  live: LiveState,
  options: PruneOptions,
): PruneDecision[] {
  const declared = new Set(targets.map((target) => target.key));
  const declaredUids = new Set<string>();
  for (const key of declared) {
    const uid = live.objects.get(key)?.metadata.uid;
    if (uid !== undefined) declaredUids.add(uid);
  }
  const decisions: PruneDecision[] = [];
  for (const [key, entry] of inventory.entries) {
    if (declared.has(key)) continue;
    const resource = live.resources.get(kindKey(entry));
    const object = live.objects.get(key);
    const verdict = live.denied.has(key)
      ? { decision: 'keep' as const, reason: 'the identity of the connection may not read it' }
      : (unservedVerdict(entry, live.unserved.get(key)) ?? decidePrune(set, entry, object, declaredUids, options));
    decisions.push({
      id: entry,
      key,
      entry,
      ...verdict,
      ...(resource && { resource }),
      ...(object && { live: object }),
    });
  }
  for (const object of live.strays) {
    const id = objectId(object);
    if (object.metadata.uid !== undefined && declaredUids.has(object.metadata.uid)) continue;
    decisions.push({
      id,
      key: keyOf(id),
      decision: 'stray',
      reason: 'carries the label of this set, but the set did not record making it; it is left alone',
      live: object,
    });
  }
  return decisions;
}

type Verdict = Pick<PruneDecision, 'decision' | 'reason'>;

/** A definition that was removed took its objects along; an API whose server is down still has them. */
function unservedVerdict(entry: InventoryEntry, unserved: 'removed' | 'down' | undefined): Verdict | undefined {
  if (unserved === undefined) return undefined;
  return unserved === 'removed'
    ? { decision: 'forget', reason: `the cluster does not serve ${entry.kind} any more` }
    : { decision: 'keep', reason: `the server of ${entry.group} does not answer at the moment` };
}

function decidePrune(
  set: SyncSet,
  entry: InventoryEntry,
  live: KubernetesObject | undefined,
  declaredUids: ReadonlySet<string>,
  options: PruneOptions,
): Verdict {
  if (live === undefined) return { decision: 'forget', reason: 'is gone already' };
  if (isTakenByAnotherSet(live, set)) return { decision: 'forget', reason: 'was taken over by another set' };
  if (entry.uid === undefined && entry.pending?.intent === 'adopt' && applyEntryOf(live, options.fieldManager)) {
    const reason =
      'a run that was taking it over did not end, so it is not known to be ours: declare it in Git for one run, or delete it by hand';
    return { decision: 'keep', reason };
  }
  const notOurs = whyNotOurs(entry, live, options.fieldManager);
  if (notOurs !== undefined) return { decision: 'forget', reason: notOurs };
  if (live.metadata.uid !== undefined && declaredUids.has(live.metadata.uid)) {
    return { decision: 'forget', reason: 'is the same object as one that Git declares under another group' };
  }
  if (live.metadata.labels?.[partOfLabel] !== set.applySetId) {
    return { decision: 'keep', reason: 'its label was removed by hand: somebody detached it from the set' };
  }
  const optOut = optedOut(live);
  if (optOut !== undefined) return { decision: 'keep', reason: optOut };
  if (protectedKinds.has(entry.kind) && !options.deletableKinds.has(entry.kind)) {
    return {
      decision: 'keep',
      reason: `${entry.kind} is a protected kind; list it in deleteProtectedKinds to delete it`,
    };
  }
  const owner = live.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (owner !== undefined) return { decision: 'keep', reason: `it belongs to ${owner.kind} ${owner.name} now` };
  if (!options.prune) return { decision: 'keep', reason: 'prune is off' };
  return { decision: 'prune', reason: entry.adopted ? 'not in Git any more (it was adopted)' : 'not in Git any more' };
}

/** A record from before the answer came proves only what the object itself confirms. */
function whyNotOurs(entry: InventoryEntry, live: KubernetesObject, fieldManager: string): string | undefined {
  if (entry.uid !== undefined) {
    return entry.uid === live.metadata.uid ? undefined : 'was deleted and made anew by somebody else';
  }
  const pending = entry.pending;
  if (pending === undefined || pending.intent !== 'create') return 'was never taken over';
  if (applyEntryOf(live, fieldManager) === undefined) return 'was made by somebody else';
  const created = Date.parse(live.metadata.creationTimestamp ?? '');
  // Server times are whole seconds, rounded down, and clocks differ a little.
  if (!(created >= Date.parse(pending.since) - 5000)) return 'is older than our attempt to make it';
  return undefined;
}

/** Marks by which an owner asks any tool not to delete an object. */
function optedOut(live: KubernetesObject): string | undefined {
  const annotations = live.metadata.annotations ?? {};
  const has = (name: string, pattern: RegExp) => pattern.test(annotations[name] ?? '');
  const marks: readonly [string, RegExp][] = [
    ['gitops.pipelines/prune', /^(disabled|false|keep)$/i],
    ['argocd.argoproj.io/sync-options', /(^|,)\s*(Prune=false|Delete=false|Prune=confirm|Delete=confirm)\s*(,|$)/i],
    ['kustomize.toolkit.fluxcd.io/prune', /^disabled$/i],
    ['helm.sh/resource-policy', /(^|,)\s*keep\s*(,|$)/i],
    ['client.lifecycle.config.k8s.io/deletion', /^detach$/i],
    ['cli-utils.sigs.k8s.io/on-remove', /^keep$/i],
  ];
  const found = marks.find(([name, pattern]) => has(name, pattern));
  return found === undefined ? undefined : `its annotation ${found[0]}: ${annotations[found[0]]} says to keep it`;
}

/**
 * The most deletions of one run: the smaller of 10 and 20 % of what was recorded before, rounded down, at least 1; or what the
 * author of the pipeline allows.
 */
export function pruneCap(recorded: number, allowed: number | undefined): number {
  return allowed ?? Math.max(1, Math.min(10, Math.floor(recorded * 0.2)));
}

import { describeId, type KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { applyEntryOf } from '../core/objects/managed-fields.ts';
import type { Problem } from '../errors.ts';
import { type FingerprintOptions, isUnchanged } from './fingerprint.ts';
import { type ForeignFields, foreignFields } from './foreign-fields.ts';
import type { Inventory, InventoryEntry } from './inventory.ts';
import type { LiveState } from './live-state.ts';
import { type AdoptPolicy, isTakenByAnotherSet, refusalToAdopt } from './ownership.ts';
import { type PruneDecision, pruneDecisions } from './prune-guards.ts';
import { partOfLabel, type SyncSet } from './sync-set.ts';
import type { Target } from './targets.ts';

/** What is to be done about one object of Git, before the server was asked. */
export interface Decision {
  readonly target: Target;
  readonly kind: 'create' | 'adopt' | 'configure' | 'unchanged';
  /** Absent when the object does not exist. */
  readonly live?: KubernetesObject;
  readonly entry?: InventoryEntry;
  /** Fields that people added, when they are to be looked at. */
  readonly foreign?: ForeignFields;
  /** People's entries have nothing but the server's defaults: no difference, but taken over too, or each run would look at them again. */
  readonly foreignDefaults?: boolean;
  /** Why a member is looked at though Git did not change, e.g. `label removed by hand`. */
  readonly note?: string;
  /** Git stops naming replicas, which an autoscaler sets from now on: see hand-over.ts. */
  readonly handsOverReplicas?: boolean;
}

export interface Decisions {
  readonly apply: readonly Decision[];
  readonly prune: readonly PruneDecision[];
  readonly problems: readonly Problem[];
}

export interface DecideOptions extends FingerprintOptions {
  readonly adopt: AdoptPolicy;
  readonly foreignFields: 'correct' | 'report' | 'ignore';
  /** Kinds that are kept unless they are listed here, by kind, e.g. `Namespace`. */
  readonly deletableKinds: ReadonlySet<string>;
  readonly prune: boolean;
}

/** Compares what Git declares, what the inventory records and what is in the cluster. Nothing is asked, nothing is written. */
export function decide(
  set: SyncSet,
  targets: readonly Target[],
  inventory: Inventory,
  live: LiveState,
  options: DecideOptions,
): Decisions {
  const problems: Problem[] = [];
  const apply: Decision[] = [];
  for (const target of targets) {
    const decided = decideTarget(set, target, inventory.entries.get(target.key), live.objects.get(target.key), options);
    if ('problem' in decided) problems.push(decided.problem);
    else apply.push(decided);
  }
  return { apply, problems, prune: pruneDecisions(set, targets, inventory, live, options) };
}

function decideTarget(
  set: SyncSet,
  target: Target,
  entry: InventoryEntry | undefined,
  live: KubernetesObject | undefined,
  options: DecideOptions,
): Decision | { problem: Problem } {
  const recorded = entry === undefined ? {} : { entry };
  if (live === undefined) return { target, kind: 'create', ...recorded };
  if (live.metadata.deletionTimestamp !== undefined) {
    return { problem: { at: target.manifest.origin, code: 'terminating', message: terminating(target, live) } };
  }
  const isOurs = isRecorded(entry, live, set, options.fieldManager);
  if (!isOurs) {
    const refusal = refusalToAdopt(live, set, options.adopt);
    if (refusal !== undefined) {
      return {
        problem: { at: target.manifest.origin, code: 'owned-by-other', message: `${describeId(target.id)} ${refusal}` },
      };
    }
  }
  const adopts = !isOurs && live.metadata.labels?.[partOfLabel] !== set.applySetId;
  const looks = adopts || options.foreignFields !== 'ignore';
  const foreign = looks ? foreignFields(live, options.fieldManager, { andTools: adopts }) : undefined;
  const shown = foreign === undefined ? {} : { foreign };
  if (adopts) return { target, kind: 'adopt', live, ...recorded, ...shown };
  const correct = foreign !== undefined && options.foreignFields === 'correct';
  if (isOurs && !correct && isUnchanged(entry?.fingerprint, target.payload, live, options)) {
    return { target, kind: 'unchanged', live, ...recorded, ...shown };
  }
  const note = live.metadata.labels?.[partOfLabel] === set.applySetId ? {} : { note: 'its label was removed by hand' };
  return { target, kind: 'configure', live, ...recorded, ...shown, ...note };
}

/**
 * A recorded uid proves it; a record from before the answer came needs our own Apply entry on the object. What another set took
 * over meanwhile is that set's.
 */
function isRecorded(
  entry: InventoryEntry | undefined,
  live: KubernetesObject,
  set: SyncSet,
  fieldManager: string,
): boolean {
  if (entry === undefined || isTakenByAnotherSet(live, set)) return false;
  if (entry.uid !== undefined) return entry.uid === live.metadata.uid;
  return applyEntryOf(live, fieldManager) !== undefined;
}

function terminating(target: Target, live: KubernetesObject): string {
  const finalizers = live.metadata.finalizers ?? [];
  const held = finalizers.length > 0 ? ` It is held by the finalizers ${finalizers.join(', ')}.` : '';
  return `${describeId(target.id)} is being deleted in the cluster, so it cannot be applied.${held} Wait until it is gone, or find out why its finalizers do not finish, and run again.`;
}

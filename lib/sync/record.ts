import { objectId } from '../core/objects/kubernetes-object.ts';
import type { Applied } from './apply-stages.ts';
import type { Decision } from './decide.ts';
import { type FingerprintOptions, fingerprint } from './fingerprint.ts';
import type { Deployment, Held, Inventory, InventoryEntry, PendingIntent } from './inventory.ts';
import type { PruneDecision } from './prune-guards.ts';
import type { Pruned } from './prune-objects.ts';

/**
 * The inventory before the first write: all that is recorded, and all that this run may make or take over. A run that dies at any
 * moment leaves at least a record of what it may have touched.
 */
export function superset(inventory: Inventory, decisions: readonly Decision[], attempt: Deployment): Inventory {
  const entries = new Map(inventory.entries);
  for (const decision of decisions) {
    const intent = intentOf(decision);
    if (intent === undefined) continue;
    const { target, live, entry } = decision;
    // An earlier run with the same intent may have made it just before it died.
    const since = entry?.pending?.intent === intent ? entry.pending.since : attempt.at;
    entries.set(target.key, {
      ...idOf(decision),
      pending: { intent, since, ...(live?.metadata.uid !== undefined && { seenUid: live.metadata.uid }) },
    });
  }
  return { ...inventory, entries, attempt };
}

/** What has to be recorded beforehand; undefined for what is recorded with its uid already. */
function intentOf({ kind, live, entry }: Decision): PendingIntent['intent'] | undefined {
  if (kind === 'create') return 'create';
  if (kind === 'adopt') return 'adopt';
  if (kind === 'unchanged' || entry?.pending !== undefined) return undefined;
  // It carries our label, but the record of it was lost, or is of an object that was deleted meanwhile.
  return entry?.uid !== undefined && entry.uid === live?.metadata.uid ? undefined : 'adopt';
}

export interface RunRecord {
  readonly applied: readonly Applied[];
  readonly prunes: readonly PruneDecision[];
  readonly pruned: readonly Pruned[];
  readonly deployment: Deployment;
  /** Every object of Git was applied. */
  readonly isApplied: boolean;
  /** And everything that was waited for became healthy. */
  readonly isHealthy: boolean;
  /** A rollback holds the commit that it goes back from; any other run that succeeds ends the hold. */
  readonly held?: Held;
}

/** The inventory after a run: what was answered loses its intent, what is gone loses its record. */
export function recordRun(inventory: Inventory, run: RunRecord, options: FingerprintOptions): Inventory {
  const entries = new Map(inventory.entries);
  for (const result of run.applied) {
    if (result.state === 'done') entries.set(result.decision.target.key, entryOf(result, run.deployment, options));
  }
  const { attempt: _attempt, held: _held, deployed, ...rest } = recordPrunes({ ...inventory, entries }, run);
  const isOver = run.isApplied && run.isHealthy;
  const held = isOver ? run.held : inventory.held;
  const now = run.isApplied ? run.deployment : deployed;
  return {
    ...rest,
    ...(now && { deployed: now }),
    ...(!isOver && { attempt: inventory.attempt ?? run.deployment }),
    ...(held && { held }),
  };
}

/** Without the records of what is gone. */
export function recordPrunes(inventory: Inventory, run: Pick<RunRecord, 'prunes' | 'pruned'>): Inventory {
  const entries = new Map(inventory.entries);
  for (const prune of run.prunes) if (prune.decision === 'forget') entries.delete(prune.key);
  for (const result of run.pruned) if (result.state === 'done') entries.delete(result.prune.key);
  return { ...inventory, entries };
}

/** Another run's inventory with what this run made and that one does not know, or knows only as an intent. */
export function addMade(theirs: Inventory, ours: Inventory, applied: readonly Applied[]): Inventory {
  const entries = new Map(theirs.entries);
  for (const { state, decision } of applied) {
    const { key } = decision.target;
    const made = ours.entries.get(key);
    if (state === 'done' && made !== undefined && entries.get(key)?.uid === undefined) entries.set(key, made);
  }
  return { ...theirs, entries };
}

/** Whether a write would change anything that matters: the time of an otherwise equal deployment does not. */
export function isSameInventory(a: Inventory, b: Inventory): boolean {
  const commits = ({ deployed, attempt, held }: Inventory) =>
    JSON.stringify([deployed?.commit, deployed?.ref, deployed?.repository, attempt?.commit, held]);
  if (commits(a) !== commits(b) || a.entries.size !== b.entries.size) return false;
  return [...a.entries].every(([key, entry]) => JSON.stringify(entry) === JSON.stringify(b.entries.get(key)));
}

function entryOf(
  { decision, answer, created }: Extract<Applied, { state: 'done' }>,
  deployment: Deployment,
  options: FingerprintOptions,
): InventoryEntry {
  const uid = answer.metadata.uid;
  const print = fingerprint(decision.target.payload, answer, options);
  const adopted = decision.kind === 'adopt' || decision.entry?.adopted === true;
  const madeBy = created ? deployment.commit : decision.entry?.madeBy;
  const isChanged = created || answer.metadata.resourceVersion !== decision.live?.metadata.resourceVersion;
  const changedBy = isChanged
    ? { commit: deployment.commit, ...(deployment.run !== undefined && { run: deployment.run }) }
    : decision.entry?.changedBy;
  return {
    ...idOf(decision),
    version: decision.target.resource.version,
    ...(uid !== undefined && { uid }),
    ...(adopted && { adopted: true as const }),
    ...(madeBy !== undefined && { madeBy }),
    ...(changedBy && { changedBy }),
    ...(print && { fingerprint: print }),
  };
}

function idOf(decision: Decision): Pick<InventoryEntry, 'group' | 'kind' | 'namespace' | 'name' | 'version'> {
  return { ...objectId(decision.target.payload), version: decision.target.resource.version };
}

import type { Manifest } from '../core/manifests/manifest.ts';
import { describeTarget } from '../core/plan/change.ts';
import { InputError, NotPermittedError, type Problem } from '../errors.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { targetName } from './changes.ts';
import { type DecideOptions, type Decisions, decide } from './decide.ts';
import { digestKey } from './digest-key.ts';
import { findHandOvers } from './hand-over.ts';
import type { InventoryStore, LoadedInventory } from './inventory-store.ts';
import { type LiveState, readLiveState } from './live-state.ts';
import type { SyncOptions } from './options.ts';
import { type PreflightResult, preflight } from './preflight.ts';
import { pruneCap } from './prune-guards.ts';
import { problemOf } from './server-apply.ts';
import type { SyncSet } from './sync-set.ts';
import { resolveTargets, type Target } from './targets.ts';

/** What sync, plan and drift know before anything is written. */
export interface Assessment {
  readonly loaded: LoadedInventory;
  readonly live: LiveState;
  readonly decisions: Decisions;
  readonly preflight: PreflightResult;
  readonly decideOptions: DecideOptions;
  readonly hasSecrets: boolean;
  readonly warnings: readonly Problem[];
  /** More deletions than one run may do. */
  readonly overCap: Problem | undefined;
}

export interface AssessContext {
  readonly client: KubernetesClient;
  readonly set: SyncSet;
  readonly store: InventoryStore;
  readonly options: SyncOptions;
  readonly namespace: string;
  readonly manifests: readonly Manifest[];
  readonly loaded: LoadedInventory;
  readonly maskSecret: (value: string) => void;
  /** How many deletions do not count for the limit. */
  readonly exemptFromCap?: number;
  readonly judgeObjects?: (targets: readonly Target[], deletions: number) => readonly Problem[];
}

/** Compares Git, inventory and cluster, and asks the server about every change. Writes nothing. */
export async function assess(context: AssessContext): Promise<Assessment> {
  const { client, set, options, manifests, loaded } = context;
  if (manifests.length === 0 && !options.allowEmpty) {
    throw new InputError({
      input: 'manifests',
      code: 'empty-render',
      message: `Git declares no object at all (${options.manifests.join(', ')}). If everything of the set '${set.name}' is to be deleted, use action destroy, or set allowEmpty: true; otherwise look at the path and at conditions in the templates.`,
    });
  }
  const catalog = await client.catalog();
  const targets = resolveTargets(manifests, catalog, set, context.namespace);
  const hasSecrets = targets.some(isSecret);
  const [live, key, namesakes] = await Promise.all([
    readLiveState(client, catalog, set, targets, loaded),
    hasSecrets ? digestKey(client, set, { create: false, maskSecret: context.maskSecret }) : undefined,
    loaded.exists ? [] : context.store.namesakes(),
  ]);
  refuseNamesakes(set, namesakes);
  refuseUnreadable(targets, live);
  const decideOptions: DecideOptions = {
    fieldManager: set.fieldManager,
    digestKey: key,
    adopt: options.adopt,
    foreignFields: options.foreignFields,
    prune: options.prune,
    deletableKinds: new Set(options.deleteProtectedKinds),
  };
  const decided = decide(set, targets, loaded.inventory, live, decideOptions);
  const decisions = {
    ...decided,
    apply: await findHandOvers(client, catalog, decided.apply, set.fieldManager),
  };
  const deletions = decisions.prune.filter((prune) => prune.decision === 'prune').length;
  const guarded = context.judgeObjects?.(targets, deletions) ?? [];
  const asked = await preflight(client, decisions.apply, decisions.prune, {
    mode: options.action === 'sync' ? options.preflight : 'server',
    fieldManager: set.fieldManager,
    conflicts: options.conflicts,
    lookAtForeignFields: options.foreignFields !== 'ignore',
    overrule: options.action === 'drift',
  });
  return {
    loaded,
    live,
    decisions,
    preflight: asked,
    decideOptions,
    hasSecrets,
    overCap: deletionsOverCap(decisions, loaded, options, context.exemptFromCap ?? 0),
    warnings: [...guarded, ...live.notes.map((message) => ({ message, code: 'not-permitted' })), ...asked.warnings],
  };
}

export function isSecret(target: Target): boolean {
  return target.id.kind === 'Secret' && target.id.group === '';
}

/** What may not even be read may not be applied either. One problem a kind and namespace, at its first object. */
function refuseUnreadable(targets: readonly Target[], live: LiveState): void {
  const problems = new Map<string, Problem>();
  for (const target of targets) {
    const error = live.denied.get(target.key);
    const place = `${target.resource.group}/${target.resource.plural}/${target.id.namespace}`;
    if (error !== undefined && !problems.has(place)) problems.set(place, problemOf(target, error));
  }
  if (problems.size > 0) throw new NotPermittedError([...problems.values()]);
}

/** Two inventories of one name would prune each other's objects; the inventory's namespace must stay the same. */
function refuseNamesakes(set: SyncSet, namesakes: readonly string[] | undefined): void {
  if (namesakes === undefined || namesakes.length === 0) return;
  throw new InputError({
    input: 'inventoryNamespace',
    code: 'second-inventory',
    message: `The set '${set.name}' has its inventory in namespace ${namesakes.join(', ')} already, not in ${set.namespace}. Set inventoryNamespace: ${namesakes[0]}, or choose another name for a set of its own.`,
  });
}

function deletionsOverCap(
  decisions: Decisions,
  loaded: LoadedInventory,
  options: SyncOptions,
  exempt: number,
): Problem | undefined {
  const deletions = decisions.prune.filter((prune) => prune.decision === 'prune');
  const recorded = loaded.inventory.entries.size;
  const cap = pruneCap(recorded, options.maxPrune) + exempt;
  if (deletions.length <= cap) return undefined;
  const named = deletions.slice(0, 5).map((prune) => describeTarget(targetName(prune.id)));
  const more = deletions.length > named.length ? ` and ${deletions.length - named.length} more` : '';
  return {
    input: 'maxPrune',
    code: 'prune-cap',
    message: `This run would delete ${deletions.length} of the ${recorded} objects of the set, and the limit is ${cap}: ${named.join(', ')}${more}. Nothing was changed. If that is what you want, set maxPrune: ${deletions.length} for this run; otherwise look for a folder or a condition that went missing.`,
  };
}

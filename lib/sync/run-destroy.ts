import { describeTarget } from '../core/plan/change.ts';
import type { ChangeResult, Outcome } from '../core/plan/result.ts';
import { type GitOpsError, NotPermittedError, type Problem } from '../errors.ts';
import { type ActionContext, type ActionResult, counted } from './action-result.ts';
import { pruneChange, targetName } from './changes.ts';
import { deleteDigestKey } from './digest-key.ts';
import type { Inventory } from './inventory.ts';
import { readLiveState } from './live-state.ts';
import { preflight } from './preflight.ts';
import { type PruneDecision, pruneDecisions } from './prune-guards.ts';
import { type Pruned, type PruneObjectsOptions, pruneObjects } from './prune-objects.ts';
import { recordPrunes } from './record.ts';
import { RevisionStore } from './revisions/revision-store.ts';
import { noInventory } from './run-status.ts';

/** Deletes everything that the set made, in the reverse order of applying. Protected kinds stay unless they are named. */
export async function runDestroy(context: ActionContext): Promise<ActionResult> {
  const { client, set, loaded, options } = context;
  if (!loaded.exists) throw noInventory(context);
  const live = await readLiveState(client, await client.catalog(), set, [], loaded);
  const decisions = pruneDecisions(set, [], loaded.inventory, live, {
    fieldManager: set.fieldManager,
    prune: true,
    deletableKinds: new Set(options.deleteProtectedKinds),
  });
  const doomed = decisions.filter((decision) => decision.decision === 'prune');
  context.judgeObjects?.(doomed, doomed.length);
  const asked = await preflight(client, [], doomed, {
    mode: 'client',
    fieldManager: set.fieldManager,
    conflicts: options.conflicts,
    lookAtForeignFields: false,
  });
  if (asked.problems.length > 0) throw new NotPermittedError(asked.problems);
  context.progress(20, `Deleting ${counted(doomed.length, 'object')}`);
  const pruned = await deleteAll(context, decisions, doomed);
  const next = recordPrunes(loaded.inventory, { prunes: decisions, pruned });
  await saveOrRemove(context, next);

  const states = new Map(pruned.map((result) => [result.prune.key, result]));
  const changes = decisions.flatMap((decision): ChangeResult[] => {
    const change = pruneChange(decision);
    if (change === undefined) return [];
    const result = states.get(decision.key);
    if (result === undefined) return [{ ...change, state: 'done' }];
    if (result.state === 'kept') return [{ ...change, action: 'keep', reason: result.reason, state: 'done' }];
    return [{ ...change, state: result.state, ...(result.state === 'failed' && { message: result.problem.message }) }];
  });
  const failures = pruned.flatMap((result) => (result.state === 'failed' ? [result.problem] : []));
  const isCutShort = pruned.some((result) => result.state === 'notReached');
  const lost = isCutShort ? context.mustStop?.() : undefined;
  const errors = [...failures, ...(lost?.problems ?? [])];
  const outcome = outcomeOf(context, failures, lost);
  const left = next.entries.size;
  return {
    outcome,
    changes,
    errors,
    warnings: live.notes.map((message) => ({ message, code: 'not-permitted' })),
    summary: `${counted(pruned.filter((result) => result.state === 'done').length, 'object')} of '${set.name}' deleted${
      left === 0
        ? '; nothing of it is left.'
        : `; ${left} ${left === 1 ? 'is' : 'are'} left and stay${left === 1 ? 's' : ''} recorded: see the reasons in the table.`
    }`,
  };
}

function outcomeOf(context: ActionContext, failures: readonly Problem[], lost: GitOpsError | undefined): Outcome {
  if (failures.length > 0) return 'partiallyApplied';
  if (lost !== undefined) return lost.outcome as Outcome;
  return context.signal.aborted ? 'canceled' : 'destroyed';
}

/** The namespace of the inventory goes last, and only when nothing else is left that needs the record. */
async function deleteAll(
  context: ActionContext,
  decisions: readonly PruneDecision[],
  doomed: readonly PruneDecision[],
): Promise<Pruned[]> {
  const { set } = context;
  const options: PruneObjectsOptions = {
    signal: context.signal,
    ...(context.mustStop && { mustStop: context.mustStop }),
    timeoutMs: context.options.timeout,
    ending: set,
    onPruned: (result) => logDeleted(context, result),
  };
  const home = doomed.filter(({ id }) => id.kind === 'Namespace' && id.group === '' && id.name === set.namespace);
  const others = doomed.filter((decision) => !home.includes(decision));
  const pruned = await pruneObjects(context.client, others, options);
  const isAllGone =
    pruned.every((result) => result.state === 'done') && decisions.every(({ decision }) => decision !== 'keep');
  if (isAllGone) return [...pruned, ...(await pruneObjects(context.client, home, options))];
  const reason = 'it holds the inventory, which what is left still needs';
  return [...pruned, ...home.map((prune): Pruned => ({ prune, state: 'kept', reason }))];
}

function logDeleted(context: ActionContext, result: Pruned): void {
  const name = describeTarget(targetName(result.prune.id));
  const said = { done: 'deleted', kept: 'kept', failed: 'could not be deleted', notReached: 'not begun' };
  context.log.info(`  ${result.state === 'done' ? '-' : '='} ${name} ${said[result.state]}`);
}

async function saveOrRemove(context: ActionContext, next: Inventory): Promise<void> {
  if (next.entries.size > 0) {
    const { deployed: _deployed, attempt: _attempt, held: _held, ...rest } = next;
    await context.store.save(rest);
    return;
  }
  await context.store.remove();
  await new RevisionStore(context.client, context.set).removeAll();
  await deleteDigestKey(context.client, context.set);
}

import { describeTarget, pendingActions } from '../core/plan/change.ts';
import { type ActionResult, counted, type RenderedContext } from './action-result.ts';
import { type Applied, applyStages } from './apply-stages.ts';
import { type Assessment, isSecret } from './assess.ts';
import { changeOf, targetName } from './changes.ts';
import type { Decision } from './decide.ts';
import { digestKey } from './digest-key.ts';
import { explainFailures, waitFor } from './health-report.ts';
import type { Held, Inventory } from './inventory.ts';
import { recordIntent, saveRecord } from './keep-record.ts';
import { type Pruned, pruneObjects } from './prune-objects.ts';
import { isSameInventory, recordRun } from './record.ts';
import { changesOf, conclude } from './sync-result.ts';

/** A run from the first write to the last. */
export interface Execution {
  readonly result: ActionResult;
  /** Everything that was declared was applied, and what was waited for is healthy. */
  readonly succeeded: boolean;
  /** The inventory as it is recorded now. */
  readonly inventory: Inventory;
}

/**
 * Does what an assessment found: record what may be made, apply, wait for health, prune, record what was done. From here on everything
 * that happens is in the result; only what stands against the very first write is thrown. `held`: the commit that a rollback goes back
 * from.
 */
export async function execute(context: RenderedContext, assessment: Assessment, held?: Held): Promise<Execution> {
  const started = new Date();
  const todo = decisionsToApply(assessment, context);
  const before = await recordIntent(context, assessment, todo);

  context.progress(20, `Applying ${counted(todo.length, 'object')}`);
  const applied = await applyStages(context.client, context.steady, todo, {
    fieldManager: context.set.fieldManager,
    conflicts: context.options.conflicts,
    foreignFields: context.options.foreignFields,
    signal: context.signal,
    ...(context.mustStop && { mustStop: context.mustStop }),
    onApplied: (result) => logApplied(context, result),
  });
  const isApplied = applied.every((result) => result.state === 'done');
  const health = isApplied ? await waitFor(context, assessment, applied) : undefined;
  const isHealthy = isApplied && (health === undefined || health.outcome === 'healthy') && !context.signal.aborted;
  const pruned = isHealthy ? await prune(context, assessment) : [];
  const isCutShort = [...applied, ...pruned].some((result) => result.state === 'notReached');
  const lost = isCutShort ? context.mustStop?.() : undefined;

  const record = {
    applied,
    prunes: isApplied ? assessment.decisions.prune : [],
    pruned,
    deployment: context.deployment,
    isApplied,
    isHealthy,
    ...(held && { held }),
  };
  const options = await fingerprintOptions(context, assessment);
  const next = recordRun(before, record, options);
  const isWritten = before !== assessment.loaded.inventory || !isSameInventory(before, next);
  const unrecorded = (isWritten ? await saveRecord(context, next, applied) : undefined) ?? lost;
  const details =
    health === undefined || isHealthy ? new Map<string, string[]>() : await explainFailures(context, health, started);
  const changes = changesOf(context, assessment, applied, pruned, health, details);
  const result = conclude(context, assessment, changes, applied, pruned, health, unrecorded);
  return { result, succeeded: isHealthy && unrecorded === undefined, inventory: next };
}

/** Everything that is not known to be as Git declares. After a dry run this leaves out what the server would not change. */
function decisionsToApply(assessment: Assessment, context: RenderedContext): Decision[] {
  const options = {
    fieldManager: context.set.fieldManager,
    displayKey: context.displayKey,
    foreignFields: context.options.foreignFields,
  };
  return assessment.preflight.prepared
    .filter((prepared) => {
      const { decision } = prepared;
      if (decision.kind === 'unchanged') return false;
      if (pendingActions.has(changeOf(prepared, options).action)) return true;
      return canBeRenewed(decision, assessment);
    })
    .map((prepared) => prepared.decision);
}

/**
 * The server would change nothing, but the record does not fit what is there, so that the next run would have to ask again: one apply
 * renews it. Not of a Secret whose digest there is no key for: of that nothing could be recorded.
 */
function canBeRenewed({ entry, live, target }: Decision, assessment: Assessment): boolean {
  const isComplete = entry?.uid !== undefined && entry.uid === live?.metadata.uid && entry.pending === undefined;
  const hasKey = assessment.decideOptions.digestKey !== undefined;
  return !(isComplete && entry.fingerprint === undefined && isSecret(target) && !hasKey);
}

async function prune(context: RenderedContext, assessment: Assessment): Promise<Pruned[]> {
  const doomed = assessment.decisions.prune.filter((decision) => decision.decision === 'prune');
  if (doomed.length === 0) return [];
  context.progress(90, `Pruning ${counted(doomed.length, 'object')}`);
  return pruneObjects(context.client, doomed, {
    signal: context.signal,
    ...(context.mustStop && { mustStop: context.mustStop }),
    timeoutMs: context.options.timeout,
    onPruned: (result) => logPruned(context, result),
  });
}

async function fingerprintOptions(context: RenderedContext, assessment: Assessment) {
  const { fieldManager, digestKey: known } = assessment.decideOptions;
  const needsKey = assessment.hasSecrets && known === undefined;
  const key = needsKey
    ? await digestKey(context.client, context.set, { create: true, maskSecret: context.maskSecret }).catch(
        () => undefined,
      )
    : known;
  return { fieldManager, digestKey: key };
}

function logApplied(context: RenderedContext, result: Applied): void {
  const name = describeTarget(targetName(result.decision.target.id));
  const before = result.decision.live?.metadata.resourceVersion;
  // An apply that only renewed the record changed nothing.
  if (result.state === 'done' && result.answer.metadata.resourceVersion === before) return;
  if (result.state === 'done')
    context.log.info(`  ${result.created ? '+' : '~'} ${name} ${result.created ? 'created' : 'configured'}`);
  else if (result.state === 'failed') context.log.info(`  x ${name} failed: ${result.problem.message}`);
}

function logPruned(context: RenderedContext, result: Pruned): void {
  const name = describeTarget(targetName(result.prune.id));
  if (result.state === 'done') context.log.info(`  - ${name} pruned`);
  else if (result.state === 'kept') context.log.info(`  = ${name} kept: ${result.reason}`);
  else if (result.state === 'failed') context.log.info(`  x ${name} could not be pruned: ${result.problem.message}`);
}

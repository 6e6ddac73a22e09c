import { isHealthyOnceApplied } from '../core/objects/health.ts';
import { describeTarget, pendingActions } from '../core/plan/change.ts';
import { type ChangeResult, type Outcome, outcomes } from '../core/plan/result.ts';
import { ConflictError, type GitOpsError, NotPermittedError, type Problem, UnreachableError } from '../errors.ts';
import { type ActionResult, counted, type RenderedContext } from './action-result.ts';
import type { Applied } from './apply-stages.ts';
import type { Assessment } from './assess.ts';
import { changeOf, pruneChange } from './changes.ts';
import { foreignWarnings, isDrift } from './drift.ts';
import type { HealthReport } from './health-report.ts';
import type { Pruned } from './prune-objects.ts';

export function changesOf(
  context: RenderedContext,
  assessment: Assessment,
  applied: readonly Applied[],
  pruned: readonly Pruned[],
  health: HealthReport | undefined,
  details: ReadonlyMap<string, string[]>,
): ChangeResult[] {
  const options = {
    fieldManager: context.set.fieldManager,
    displayKey: context.displayKey,
    foreignFields: context.options.foreignFields,
  };
  const results = new Map(applied.map((result) => [result.decision.target.key, result]));
  const changes = assessment.preflight.prepared.map((prepared): ChangeResult => {
    const { key } = prepared.decision.target;
    const result = results.get(key);
    const done = result?.state === 'done' ? { after: result.answer, isDone: true } : {};
    const change = changeOf({ ...prepared, ...done }, options);
    const state = result === undefined ? 'done' : result.state;
    // Of a ConfigMap and the like there is nothing to tell but that it exists.
    const seen = isHealthyOnceApplied(prepared.decision.target.id) ? undefined : health?.objects.get(key);
    const lines = details.get(key);
    return {
      ...change,
      state: seen !== undefined && seen.outcome !== 'healthy' ? 'failed' : state,
      ...(result?.state === 'failed' && { message: result.problem.message }),
      ...(seen && { health: seen.health.status, message: seen.health.message, durationMs: seen.ms }),
      ...(lines && { details: lines }),
    };
  });
  const outcomes = new Map(pruned.map((result) => [result.prune.key, result]));
  for (const decision of assessment.decisions.prune) {
    const change = pruneChange(decision);
    if (change === undefined) continue;
    const result = outcomes.get(decision.key);
    if (decision.decision !== 'prune') changes.push({ ...change, state: 'done' });
    else if (result === undefined || result.state === 'notReached') changes.push({ ...change, state: 'notReached' });
    else if (result.state === 'kept') changes.push({ ...change, action: 'keep', reason: result.reason, state: 'done' });
    else
      changes.push({
        ...change,
        state: result.state,
        ...(result.state === 'failed' && { message: result.problem.message }),
      });
  }
  return changes;
}

export function conclude(
  context: RenderedContext,
  assessment: Assessment,
  changes: readonly ChangeResult[],
  applied: readonly Applied[],
  pruned: readonly Pruned[],
  health: HealthReport | undefined,
  unrecorded: GitOpsError | undefined,
): ActionResult {
  const failures = [...applied, ...pruned].flatMap((result) => (result.state === 'failed' ? [result] : []));
  const errors: Problem[] = [
    ...failures.map((failure) => failure.problem),
    ...(health?.problems ?? []),
    ...(unrecorded?.problems ?? []),
  ];
  const warnings = [
    ...assessment.warnings,
    ...foreignWarnings(assessment, context),
    ...(health?.notes ?? []).map((message) => ({ message, code: 'health' })),
  ];
  const done = outcomeOf(
    context,
    assessment,
    changes,
    applied,
    failures.map((failure) => failure.error),
    health,
  );
  if (unrecorded === undefined || failures.length > 0) {
    return { outcome: done, summary: summaryOf(context, done, changes, health), changes, warnings, errors };
  }
  const outcome = unrecorded.outcome in outcomes ? (unrecorded.outcome as Outcome) : 'applyFailed';
  return { outcome, summary: unrecorded.message, changes, warnings, errors };
}

function outcomeOf(
  context: RenderedContext,
  assessment: Assessment,
  changes: readonly ChangeResult[],
  applied: readonly Applied[],
  errors: readonly unknown[],
  health: HealthReport | undefined,
): Outcome {
  if (errors.length > 0) {
    if (applied.some((result) => result.state === 'done')) return 'partiallyApplied';
    if (changes.some((change) => change.action === 'prune' && change.state === 'done')) return 'partiallyApplied';
    if (errors.every((error) => error instanceof NotPermittedError)) return 'forbidden';
    if (errors.every((error) => error instanceof ConflictError)) return 'conflict';
    if (errors.every((error) => error instanceof UnreachableError)) return 'connectionLost';
    return 'applyFailed';
  }
  if (context.signal.aborted || applied.some((result) => result.state === 'notReached')) return 'canceled';
  if (health !== undefined && health.outcome !== 'healthy') return health.outcome;
  const changed = changes.filter((change) => pendingActions.has(change.action));
  if (changed.length === 0) return 'noChanges';
  const isCorrection = changed.every((change) => change.action !== 'prune') && isOnlyDrift(assessment, context);
  return isCorrection ? 'driftCorrected' : 'applied';
}

/** Nothing new came from Git: all that was changed put something back. */
function isOnlyDrift(assessment: Assessment, context: RenderedContext): boolean {
  const options = {
    fieldManager: context.set.fieldManager,
    displayKey: context.displayKey,
    foreignFields: context.options.foreignFields,
  };
  return assessment.preflight.prepared
    .filter((prepared) => pendingActions.has(changeOf(prepared, options).action))
    .every((prepared) => isDrift(prepared, assessment));
}

function summaryOf(
  context: RenderedContext,
  outcome: Outcome,
  changes: readonly ChangeResult[],
  health: HealthReport | undefined,
): string {
  const { name } = context.set;
  const where = `'${name}'`;
  const done = changes.filter((change) => pendingActions.has(change.action) && change.state === 'done');
  const failed = changes.filter((change) => change.state === 'failed');
  const first = failed[0];
  const culprit = first === undefined ? '' : `${describeTarget(first.target)}: ${first.message ?? 'failed'}`;
  if (failed.length > 0 && failed.every((change) => change.action === 'prune')) {
    return `Everything that Git declares in ${where} was applied, but ${counted(failed.length, 'object')} that Git does not declare any more could not be deleted. ${culprit}`;
  }
  switch (outcome) {
    case 'noChanges':
      return `${where} is as Git declares; nothing had to be changed.`;
    case 'applied':
    case 'driftCorrected': {
      const verb = outcome === 'applied' ? 'changed' : 'put back to what Git declares';
      const healthy = health === undefined ? '' : ' and everything that was waited for is healthy';
      return `${where} is as Git declares: ${counted(done.length, 'object')} ${verb}${healthy}.`;
    }
    case 'healthFailed':
      return `${where} was applied, but ${counted(failed.length, 'object')} will not become healthy. ${culprit} Nothing was pruned.`;
    case 'healthTimeout':
      return `${where} was applied, but ${counted(failed.length, 'object')} did not become healthy in time. ${culprit} Nothing was pruned. If it only takes longer, raise timeout.`;
    case 'connectionLost':
      return `The connection to ${context.client.server} was lost; what became of ${where} is not known. Run again: what was begun is recorded and continued.`;
    case 'canceled':
      return `The run was cancelled. ${counted(done.length, 'object')} of ${where} had been changed; the rest was not begun. Run again to finish.`;
    case 'partiallyApplied':
      return `${counted(done.length, 'object')} of ${where} changed, ${failed.length} failed. ${culprit} Later stages were not begun and nothing was pruned; put it right and run again.`;
    default:
      return `${where} was not applied. ${culprit}`;
  }
}

/** A commit that was rolled back is left alone until another one comes or it is released. Undefined for any other. */
export function heldResult(context: RenderedContext): ActionResult | undefined {
  const { held } = context.loaded.inventory;
  if (held === undefined || held.commit !== context.deployment.commit || context.options.release) return undefined;
  const message = `Commit ${held.commit.slice(0, 10)} is held since ${held.at}: ${held.reason} Merge a commit that puts it right, or set release: true to deploy this one after all.`;
  return { outcome: 'held', summary: message, changes: [], warnings: [{ message, code: 'held' }], errors: [] };
}

export function pruneHeld(assessment: Assessment, context: RenderedContext): ActionResult {
  const problem = assessment.overCap as Problem;
  const options = {
    fieldManager: context.set.fieldManager,
    displayKey: context.displayKey,
    foreignFields: context.options.foreignFields,
  };
  const changes = [
    ...assessment.preflight.prepared.map((prepared) => changeOf(prepared, options)),
    ...assessment.decisions.prune.map(pruneChange).filter((change) => change !== undefined),
  ];
  return {
    outcome: 'pruneHeld',
    summary: problem.message,
    changes: changes.map((change) => ({ ...change, state: pendingActions.has(change.action) ? 'notReached' : 'done' })),
    warnings: assessment.warnings,
    errors: [problem],
  };
}

import { isHealthyOnceApplied } from '../core/objects/health.ts';
import { describeTarget, pendingActions } from '../core/plan/change.ts';
import { type ChangeResult, type Outcome, outcomes } from '../core/plan/result.ts';
import {
  CancelledError,
  ConflictError,
  GitOpsError,
  InputError,
  NotPermittedError,
  type Problem,
  UnreachableError,
} from '../errors.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import { type ActionResult, counted, type RenderedContext } from './action-result.ts';
import { type Applied, applyStages } from './apply-stages.ts';
import { type Assessment, assess } from './assess.ts';
import { changeOf, pruneChange, targetName } from './changes.ts';
import type { Decision } from './decide.ts';
import { digestKey } from './digest-key.ts';
import { explainFailures, type HealthReport, waitFor } from './health-report.ts';
import type { Inventory } from './inventory.ts';
import { type Pruned, pruneObjects } from './prune-objects.ts';
import { addMade, isSameInventory, recordRun, superset } from './record.ts';
import { refuse } from './refuse.ts';
import { foreignWarnings, isDrift } from './run-plan.ts';

const namespaces: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  verbs: [],
};

/**
 * Makes the cluster equal to Git: assess, record what may be made, apply, wait for health, prune, record what was done. Throws while
 * nothing has been written; from the first write on, everything that happens is in the result.
 */
export async function runSync(context: RenderedContext): Promise<ActionResult> {
  const started = new Date();
  const assessment = await assess(context);
  refuse(assessment);
  if (assessment.overCap !== undefined) return pruneHeld(assessment, context);
  const todo = decisionsToApply(assessment, context);
  const inventory = await recordIntent(context, assessment, todo);

  context.progress(20, `Applying ${counted(todo.length, 'object')}`);
  const applied = await applyStages(context.client, todo, {
    fieldManager: context.set.fieldManager,
    conflicts: context.options.conflicts,
    foreignFields: context.options.foreignFields,
    signal: context.signal,
    onApplied: (result) => logApplied(context, result),
  });
  const isApplied = applied.every((result) => result.state === 'done');
  const health = isApplied ? await waitFor(context, assessment, applied) : undefined;
  const isHealthy = isApplied && (health === undefined || health.outcome === 'healthy') && !context.signal.aborted;
  const pruned = isHealthy ? await prune(context, assessment) : [];

  const record = {
    applied,
    prunes: isApplied ? assessment.decisions.prune : [],
    pruned,
    deployed: isApplied ? context.deployment : undefined,
  };
  const options = await fingerprintOptions(context, assessment);
  const next = recordRun(inventory, record, options);
  const unrecorded =
    isSameInventory(assessment.loaded.inventory, next) && inventory === assessment.loaded.inventory
      ? undefined
      : await saveRecord(context, next, applied);
  const details =
    health === undefined || isHealthy ? new Map<string, string[]>() : await explainFailures(context, health, started);
  const changes = changesOf(context, assessment, applied, pruned, health, details);
  return conclude(context, assessment, changes, applied, pruned, health, unrecorded);
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
      // Applied though the server would change nothing, when that brings the record up to date.
      return (
        pendingActions.has(changeOf(prepared, options).action) ||
        decision.entry?.fingerprint === undefined ||
        isStale(decision)
      );
    })
    .map((prepared) => prepared.decision);
}

/** The record does not fit what is there, so the next run would have to ask again: one apply renews it. */
function isStale(decision: Decision): boolean {
  return decision.entry?.uid !== undefined && decision.entry.uid === decision.live?.metadata.uid;
}

/**
 * Writes what this run may make before it makes it; where it makes nothing new, the write still tells whether another run is at work.
 * The namespace of the inventory itself may have to come first.
 */
async function recordIntent(
  context: RenderedContext,
  assessment: Assessment,
  todo: readonly Decision[],
): Promise<Inventory> {
  const { set, store } = context;
  const { inventory } = assessment.loaded;
  const prunes = assessment.decisions.prune.some((prune) => prune.decision === 'prune');
  if (todo.length === 0 && !prunes) return inventory;
  if (!assessment.loaded.exists) await ensureNamespace(context, todo);
  return store.save(superset(inventory, todo, new Date())).catch((error: unknown) => {
    if (!(error instanceof NotPermittedError)) throw error;
    throw new NotPermittedError(
      `The inventory of '${set.name}' cannot be written: ${error.message} Give the identity of the connection the verbs get, list, create, update and delete on configmaps in namespace ${set.namespace}. Nothing was changed.`,
      { cause: error },
    );
  });
}

/**
 * Writes what was done. When another run has written meanwhile, what this one made is added to the record of that, so that nothing is
 * lost. Returns what the user must know: the run has ended, but not as it should.
 */
async function saveRecord(
  context: RenderedContext,
  next: Inventory,
  applied: readonly Applied[],
): Promise<GitOpsError | undefined> {
  const { store } = context;
  let problem: GitOpsError | undefined;
  let wanted = next;
  for (let attempt = 0; attempt < 4; attempt += 1) {
    try {
      await store.save(wanted);
      return problem;
    } catch (error) {
      if (!(error instanceof GitOpsError)) throw error;
      problem = error;
      if (!(error instanceof ConflictError)) return problem;
      const theirs = await store.load();
      wanted = addMade(theirs.inventory, next, applied);
      if (wanted === theirs.inventory) return problem;
    }
  }
  return problem;
}

async function ensureNamespace(context: RenderedContext, todo: readonly Decision[]): Promise<void> {
  const { client, set } = context;
  const exists = await client.get(namespaces, '', set.namespace).catch((error: unknown) => {
    if (error instanceof NotPermittedError) return {};
    throw error;
  });
  if (exists !== undefined) return;
  const declared = todo.find(({ target }) => target.id.kind === 'Namespace' && target.id.name === set.namespace);
  if (declared === undefined) {
    throw new InputError({
      input: 'inventoryNamespace',
      code: 'missing-namespace',
      message: `Namespace ${set.namespace} does not exist, and the inventory of '${set.name}' is to be kept there. Declare it in Git, create it, or set inventoryNamespace to one that exists. Nothing was changed.`,
    });
  }
  // Its record comes a moment later; until then the set's label on it tells the next run that it is ours.
  await client.apply(namespaces, '', set.namespace, declared.target.payload, {
    fieldManager: set.fieldManager,
    force: false,
  });
}

async function prune(context: RenderedContext, assessment: Assessment): Promise<Pruned[]> {
  const doomed = assessment.decisions.prune.filter((decision) => decision.decision === 'prune');
  if (doomed.length === 0) return [];
  context.progress(90, `Pruning ${counted(doomed.length, 'object')}`);
  return pruneObjects(context.client, doomed, {
    signal: context.signal,
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

function changesOf(
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
    // What could not be asked before is known now.
    const after = prepared.after ?? (result?.state === 'done' ? result.answer : undefined);
    const change = changeOf({ ...prepared, ...(after && { after }) }, options);
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

function conclude(
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

function pruneHeld(assessment: Assessment, context: RenderedContext): ActionResult {
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

/** For a wait that was cut off by a cancellation. */
export function isCancelled(error: unknown): boolean {
  return error instanceof CancelledError;
}

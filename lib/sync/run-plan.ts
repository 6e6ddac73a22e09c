import { randomBytes } from 'node:crypto';
import { describeTarget, pendingActions } from '../core/plan/change.ts';
import type { ChangeResult, PlanReference } from '../core/plan/result.ts';
import type { Problem } from '../errors.ts';
import { type ActionResult, counted, type RenderedContext } from './action-result.ts';
import { type Assessment, assess } from './assess.ts';
import { changeOf, pruneChange } from './changes.ts';
import { foreignWarnings, isDrift } from './drift.ts';
import type { Prepared } from './preflight.ts';
import { refuse } from './refuse.ts';
import { contentOf } from './revisions/keep-revision.ts';
import { digestPlan } from './revisions/plan-digest.ts';
import { storePlan } from './revisions/store-plan.ts';
import { heldResult } from './sync-result.ts';

/** What sync would do. Nothing is written but the plan itself, which an approved run applies. */
export async function runPlan(context: RenderedContext): Promise<ActionResult> {
  const assessment = await assess(context);
  refuse(assessment);
  const changes = plannedChanges(assessment, context);
  const pending = changes.filter((change) => pendingActions.has(change.action));
  const warnings = [...assessment.warnings, ...foreignWarnings(assessment, context)];
  const stored = pending.length === 0 ? undefined : await keepPlan(context, assessment);
  if (stored?.warning !== undefined) warnings.push(stored.warning);
  return {
    ...(stored?.plan && { plan: stored.plan }),
    outcome: pending.length === 0 ? 'noChanges' : 'planHasChanges',
    summary:
      pending.length === 0
        ? `The cluster is as Git declares; sync would change nothing.`
        : `Sync would ${tellPlan(changes)}.`,
    changes,
    warnings: assessment.overCap === undefined ? warnings : [...warnings, assessment.overCap],
    errors: [],
  };
}

/** A plan of a commit that was not merged is for reading only. */
async function keepPlan(
  context: RenderedContext,
  assessment: Assessment,
): Promise<{ plan?: PlanReference; warning?: Problem } | undefined> {
  if (context.options.planStore === 'none') return undefined;
  if (!context.merged) {
    context.log.info('The plan is not stored for approval: the protected branch does not contain the commit.');
    return undefined;
  }
  const content = await contentOf(context);
  const plan = digestPlan(context.set, assessment, content, randomBytes(32));
  const { summary, refused } = await storePlan(context, { ...content, plan });
  if (summary !== undefined) {
    context.log.info(`Stored for approval as revision ${summary.number}: planDigest ${plan.digest}`);
    return { plan: { digest: plan.digest, revision: summary.number } };
  }
  return {
    warning: {
      code: 'plan-not-stored',
      message: `The plan cannot be stored for approval: ${refused} Give the identity of the connection the verbs get, list, create, patch and delete on secrets in namespace ${context.set.namespace}, or set planStore: none for plans that are only read.`,
    },
  };
}

/** What differs from what was deployed because somebody changed the cluster. What Git changed since is told apart. */
export async function runDrift(context: RenderedContext): Promise<ActionResult> {
  const held = heldResult(context);
  if (held !== undefined) return held;
  const assessment = await assess(context);
  refuse(assessment);
  const options = { ...context, fieldManager: context.set.fieldManager, foreignFields: 'correct' as const };
  const drifted: ChangeResult[] = [];
  const others: ChangeResult[] = [];
  for (const prepared of assessment.preflight.prepared) {
    const change: ChangeResult = { ...changeOf(prepared, options), state: 'planned' };
    if (!pendingActions.has(change.action)) others.push(change);
    else if (isDrift(prepared, assessment)) drifted.push(withCause(change, prepared));
    else others.push({ ...change, action: 'skip', reason: 'changed in Git and not deployed yet: no drift' });
  }
  for (const prune of assessment.decisions.prune) {
    const change = pruneChange(prune);
    if (change === undefined) continue;
    others.push({
      ...change,
      state: 'planned',
      ...(prune.decision === 'prune' && {
        action: 'keep' as const,
        reason: 'removed from Git and not pruned yet: no drift',
      }),
    });
  }
  const found = drifted.length > 0;
  return {
    outcome: found ? 'driftDetected' : 'noDrift',
    summary: found
      ? `${counted(drifted.length, 'object')} of the set ${drifted.length === 1 ? 'differs' : 'differ'} from what was deployed: ${nameSome(drifted)}. Run action sync to put ${drifted.length === 1 ? 'it' : 'them'} back, or change Git.`
      : 'Nothing was changed by hand: the cluster is as it was deployed.',
    changes: [...drifted, ...others],
    warnings: assessment.warnings,
    errors: [],
  };
}

/** All changes of an assessment, as planned. */
export function plannedChanges(assessment: Assessment, context: RenderedContext): ChangeResult[] {
  const options = {
    fieldManager: context.set.fieldManager,
    displayKey: context.displayKey,
    foreignFields: context.options.foreignFields,
  };
  const applied = assessment.preflight.prepared.map((prepared) => changeOf(prepared, options));
  const pruned = assessment.decisions.prune.map(pruneChange).filter((change) => change !== undefined);
  return [...applied, ...pruned].map((change) => ({ ...change, state: 'planned' }));
}

function withCause(change: ChangeResult, prepared: Prepared): ChangeResult {
  if (prepared.decision.kind === 'create') return { ...change, reason: 'was deleted in the cluster' };
  if (change.action === 'adopt') return { ...change, reason: 'was deleted and made anew by somebody else' };
  return change;
}

function tellPlan(changes: readonly ChangeResult[]): string {
  const words: string[] = [];
  for (const action of ['create', 'configure', 'adopt', 'prune'] as const) {
    const count = changes.filter((change) => change.action === action).length;
    if (count > 0) words.push(`${action} ${counted(count, 'object')}`);
  }
  return words.join(', ').replace(/, ([^,]*)$/, ' and $1');
}

function nameSome(changes: readonly ChangeResult[]): string {
  const names = changes.slice(0, 3).map((change) => describeTarget(change.target));
  return changes.length > 3 ? `${names.join(', ')} and ${changes.length - 3} more` : names.join(', ');
}

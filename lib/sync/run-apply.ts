import { ConflictError, InputError } from '../errors.ts';
import type { ActionContext, ActionResult } from './action-result.ts';
import { assess } from './assess.ts';
import { execute } from './execute.ts';
import { refuse } from './refuse.ts';
import { clusterUid } from './revisions/keep-revision.ts';
import { staleReasons } from './revisions/plan-digest.ts';
import type { StoredPlan } from './revisions/revision.ts';
import { revisionContext, revisionSource } from './revisions/revision-context.ts';
import { RevisionStore, type RevisionSummary } from './revisions/revision-store.ts';

/**
 * Applies exactly what was approved. The plan comes from the cluster; nothing is rendered. It is refused when it would do anything else
 * than what its digest stands for.
 */
export async function runApply(context: ActionContext): Promise<ActionResult> {
  const store = new RevisionStore(context.client, context.set);
  const all = await store.list();
  const summary = findPlan(context, all);
  const revision = await store.read(summary);
  const { plan } = revision.content;
  if (plan === undefined || plan.digest !== summary.digest) {
    throw new InputError({
      input: 'planDigest',
      code: 'no-such-plan',
      message: `Revision ${summary.number} holds no plan with the digest ${summary.digest}: somebody changed it. Make a new plan.`,
    });
  }
  if (!revision.content.merged && !context.options.allowUnmerged) {
    throw new InputError({
      input: 'planDigest',
      code: 'unmerged',
      message: `The plan ${short(plan)} was made for commit ${summary.commit.slice(0, 10)}, which the protected branch did not contain then. Merge it and make a new plan.`,
    });
  }
  const rendered = await revisionContext(context, revision);
  const assessment = await assess(rendered);
  const reasons = staleReasons(
    context.set,
    assessment,
    { ...revision.content, plan },
    await clusterUid(context.client),
  );
  const reference = { digest: plan.digest, revision: summary.number };
  if (reasons.length > 0) return { ...stale(plan, reasons), plan: reference, source: revisionSource(revision) };
  refuse(assessment);
  const { result, succeeded } = await execute(rendered, assessment);
  if (succeeded) {
    for (const other of all) if (other.state === 'applied') await store.mark(other, 'superseded');
    await store.mark(summary, 'applied');
    await store.prune();
  }
  return { ...result, plan: reference, source: revisionSource(revision) };
}

function findPlan(context: ActionContext, all: readonly RevisionSummary[]): RevisionSummary {
  const wanted = context.options.planDigest ?? '';
  const found = all.filter((summary) => summary.digest?.startsWith(wanted));
  const [first] = found;
  if (first === undefined || found.length > 1) {
    const plans = all.flatMap((summary) =>
      summary.state === 'planned' && summary.digest ? [summary.digest.slice(0, 12)] : [],
    );
    throw new InputError({
      input: 'planDigest',
      code: 'no-such-plan',
      message: `There is ${first === undefined ? 'no' : 'more than one'} plan of '${context.set.name}' with the digest ${wanted} on ${context.client.server}; there are ${plans.join(', ') || 'none'}. The newest five are kept. Make a new plan and have it approved.`,
    });
  }
  if (first.state !== 'planned') {
    throw new ConflictError({
      input: 'planDigest',
      code: 'plan-applied',
      message: `The plan ${wanted.slice(0, 12)} was applied already (revision ${first.number}). Make a new plan; to go back to this state use action rollback with revision: ${first.number}.`,
    });
  }
  return first;
}

function stale(plan: StoredPlan, reasons: readonly string[]): ActionResult {
  const shown = reasons.slice(0, 10);
  const more = reasons.length > shown.length ? ` and ${reasons.length - shown.length} more` : '';
  const message = `The plan ${short(plan)} is stale, nothing was changed: ${shown.join('; ')}${more}. Make a new plan and have it approved.`;
  return {
    outcome: 'planStale',
    summary: message,
    changes: [],
    warnings: [],
    errors: [{ message, code: 'plan-stale' }],
  };
}

function short(plan: StoredPlan): string {
  return plan.digest.slice(0, 12);
}

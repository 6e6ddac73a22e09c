import { pendingActions } from '../core/plan/change.ts';
import type { Outcome } from '../core/plan/result.ts';
import { InputError } from '../errors.ts';
import { type ActionContext, type ActionResult, counted } from './action-result.ts';
import { assess } from './assess.ts';
import { execute } from './execute.ts';
import type { Deployment, Held } from './inventory.ts';
import { refuse } from './refuse.ts';
import { clusterUid } from './revisions/keep-revision.ts';
import { revisionContext, revisionSource } from './revisions/revision-context.ts';
import { RevisionStore, type RevisionSummary } from './revisions/revision-store.ts';

/** Goes back to an earlier revision from the cluster itself: no checkout, no renderer and no key is needed. */
export async function runRollback(context: ActionContext): Promise<ActionResult> {
  const { attempt, deployed } = context.loaded.inventory;
  const from = attempt ?? deployed;
  const who = context.requester === undefined ? '' : ` by ${context.requester}`;
  return goBack(context, from, `it was rolled back${who}.`);
}

/** After a failed run: goes back to what was healthy before. The run stays failed. */
export async function rollBack(context: ActionContext, failure: ActionResult): Promise<ActionResult> {
  const { attempt, deployed } = context.loaded.inventory;
  const from = attempt ?? deployed;
  const before = failure.summary;
  try {
    context.log.section('Rolling back');
    const result = await goBack(context, from, `it failed (${failure.outcome}) and was rolled back.`);
    return {
      ...result,
      taskResult: 'Failed',
      summary: `${before} ${result.summary}`,
      changes: [...failure.changes.filter((change) => change.state === 'failed'), ...result.changes],
      warnings: [...failure.warnings, ...result.warnings],
      errors: [...failure.errors, ...result.errors],
    };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // There is nothing to go back to, e.g. after the very first deployment.
    return { ...failure, warnings: [...failure.warnings, ...error.problems] };
  }
}

async function goBack(context: ActionContext, from: Deployment | undefined, reason: string): Promise<ActionResult> {
  const store = new RevisionStore(context.client, context.set);
  const all = await store.list();
  const summary = chooseRevision(context, all, from);
  const revision = await store.read(summary);
  if (revision.content.clusterUid !== (await clusterUid(context.client))) {
    throw new InputError({
      code: 'other-cluster',
      message: `Revision ${summary.number} of '${context.set.name}' was made on another cluster; it was copied here. Choose another revision.`,
    });
  }
  const rendered = await revisionContext(context, revision);
  // What the failed run made goes, however much it is; the limit is for what was there before.
  const made = [...context.loaded.inventory.entries.values()].filter(
    (entry) => from !== undefined && entry.madeBy === from.commit,
  );
  const limit = rendered.options.maxPrune;
  const limited = {
    ...rendered,
    exemptFromCap: made.length,
    options: { ...rendered.options, allowEmpty: true, ...(limit !== undefined && { maxPrune: limit }) },
  };
  const assessment = await assess(limited);
  refuse(assessment);
  if (assessment.overCap !== undefined) throw new InputError(assessment.overCap);
  const isSame = from === undefined || from.commit === summary.commit;
  const held: Held | undefined = isSame ? undefined : { ...from, at: new Date().toISOString(), reason };
  const { result, succeeded } = await execute(limited, assessment, held);
  if (succeeded) {
    for (const other of all)
      if (other.state === 'applied' && other.number !== summary.number) await store.mark(other, 'superseded');
    await store.mark(summary, 'applied');
  }
  const done = result.changes.filter((change) => pendingActions.has(change.action) && change.state === 'done');
  const outcome: Outcome = succeeded ? 'rolledBack' : result.outcome === 'canceled' ? 'canceled' : 'rollbackFailed';
  const hold =
    held === undefined
      ? ''
      : ` Commit ${held.commit.slice(0, 10)} is held until another one is merged, or release is set. Revert it in Git: git revert ${held.commit.slice(0, 10)}.`;
  return {
    ...result,
    outcome,
    source: revisionSource(revision),
    summary: succeeded
      ? `'${context.set.name}' went back to revision ${summary.number} (commit ${summary.commit.slice(0, 10)}): ${counted(done.length, 'object')} changed.${hold}`
      : `The rollback to revision ${summary.number} (commit ${summary.commit.slice(0, 10)}) did not succeed. ${result.summary}`,
  };
}

/** The revision that was asked for; by default the newest that was healthy and is not what is there now. */
function chooseRevision(
  context: ActionContext,
  all: readonly RevisionSummary[],
  from: Deployment | undefined,
): RevisionSummary {
  const ran = all.filter((summary) => summary.state !== 'planned');
  const wanted = context.options.revision ?? 'previous';
  const found =
    wanted === 'previous'
      ? ran.find((summary) => summary.commit !== from?.commit)
      : ran.find((summary) => summary.number === Number(wanted));
  if (found !== undefined) return found;
  const known = ran.map((summary) => `${summary.number} (commit ${summary.commit.slice(0, 10)})`).join(', ');
  throw new InputError({
    input: 'revision',
    code: 'no-such-revision',
    message:
      wanted === 'previous'
        ? `There is no earlier revision of '${context.set.name}' to go back to${known === '' ? '' : `; kept are ${known}`}.`
        : `There is no revision ${wanted} of '${context.set.name}'; kept are ${known || 'none'}. Plans are not among them: use action apply for those.`,
  });
}

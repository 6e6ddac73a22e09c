import pLimit from 'p-limit';
import { orderStages } from '../core/objects/kind-order.ts';
import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { CancelledError, type GitOpsError, type Problem } from '../errors.ts';
import type { JsonPatchOperation, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import type { ConflictPolicy } from './conflicts.ts';
import type { Decision } from './decide.ts';
import { waitForDefinitions } from './definitions.ts';
import { foldPatch } from './foreign-fields.ts';
import { handOverPatch } from './hand-over.ts';
import { problemOf, serverApply } from './server-apply.ts';

/** How the apply of one object went. */
export type Applied = { readonly decision: Decision } & (
  | { readonly state: 'done'; readonly answer: KubernetesObject; readonly created: boolean }
  | { readonly state: 'failed'; readonly problem: Problem; readonly error: unknown }
  | { readonly state: 'notReached' }
);

export interface ApplyOptions {
  readonly fieldManager: string;
  readonly conflicts: ConflictPolicy;
  readonly foreignFields: 'correct' | 'report' | 'ignore';
  readonly signal: AbortSignal;
  /** Looked at before every stage; see `ActionContext.mustStop`. */
  readonly mustStop?: () => GitOpsError | undefined;
  readonly onApplied: (applied: Applied) => void;
}

const parallel = 16;

/**
 * Applies stage after stage, in parallel inside one. After a failure the requests of its stage end, later stages are not begun.
 * Every decision has exactly one result, also after a cancellation: what the server was sent is waited for by `writer`, so that it is
 * known what was done; nothing new is begun.
 */
export async function applyStages(
  client: KubernetesClient,
  writer: KubernetesClient,
  decisions: readonly Decision[],
  options: ApplyOptions,
): Promise<Applied[]> {
  const results: Applied[] = [];
  const limit = pLimit(parallel);
  let stopped = false;
  for (const stage of orderStages(decisions, (decision) => decision.target.id)) {
    stopped ||= options.mustStop?.() !== undefined;
    const applied = await Promise.all(
      stage.objects.map((decision) =>
        limit(async (): Promise<Applied> => {
          if (stopped || options.signal.aborted) return { decision, state: 'notReached' };
          const result = await applyOne(writer, decision, options);
          options.onApplied(result);
          return result;
        }),
      ),
    );
    results.push(...applied);
    stopped ||= options.signal.aborted || applied.some((result) => result.state === 'failed');
    if (!stopped && stage.waitFor === 'established') {
      const late = await waitForDefinitions(
        client,
        applied.flatMap((result) => (result.state === 'done' ? [result.answer] : [])),
        options.signal,
      ).catch((error: unknown) => {
        if (!(error instanceof CancelledError)) throw error;
        stopped = true;
        return [];
      });
      for (const { object, problem } of late) {
        const index = results.findIndex((result) => result.state === 'done' && result.answer === object);
        const result = results[index];
        if (result === undefined) continue;
        const failed: Applied = {
          decision: result.decision,
          state: 'failed',
          problem: { at: result.decision.target.manifest.origin, ...problem },
          error: new Error(problem.message),
        };
        results[index] = failed;
        options.onApplied(failed);
        stopped = true;
      }
    }
  }
  return results;
}

async function applyOne(client: KubernetesClient, decision: Decision, options: ApplyOptions): Promise<Applied> {
  const { target } = decision;
  try {
    await settleOwners(client, decision, options);
    const answer = await serverApply(client, target, decision.live, {
      ...options,
      dryRun: false,
      adopts: decision.kind === 'adopt',
    });
    return { decision, state: 'done', answer: answer.object, created: answer.created };
  } catch (error) {
    if (error instanceof CancelledError) return { decision, state: 'notReached' };
    return { decision, state: 'failed', problem: problemOf(target, error), error };
  }
}

/**
 * Settles who owns what before the apply: fields that people, or the tool whose object is adopted, own become ours, so that the apply
 * removes what Git does not declare; replicas that an autoscaler sets from now on become its.
 */
async function settleOwners(client: KubernetesClient, decision: Decision, options: ApplyOptions): Promise<void> {
  const adopts = decision.kind === 'adopt';
  const hasForeign = decision.foreign !== undefined || decision.foreignDefaults === true;
  if (adopts || (hasForeign && options.foreignFields === 'correct')) {
    await patchOwners(client, decision, options, (live) => foldPatch(live, options.fieldManager, { andTools: adopts }));
  }
  if (decision.handsOverReplicas) {
    await patchOwners(client, decision, options, (live) => handOverPatch(live, options.fieldManager));
  }
}

/** The object is read anew where it changed since: the owners are decided from what is there. */
async function patchOwners(
  client: KubernetesClient,
  { target, live: seen }: Decision,
  options: ApplyOptions,
  patchFor: (live: KubernetesObject) => JsonPatchOperation[] | undefined,
): Promise<void> {
  const { resource, id } = target;
  let live = seen;
  for (let attempt = 0; live !== undefined; attempt += 1) {
    const patch = patchFor(live);
    if (patch === undefined) return;
    try {
      await client.jsonPatch(resource, id.namespace, id.name, patch, { fieldManager: options.fieldManager });
      return;
    } catch (error) {
      // A failed `test` is a 422: a controller wrote its status meanwhile.
      if (attempt >= 4 || (statusOf(error) !== 422 && statusOf(error) !== 409)) throw error;
      live = (await client.get(resource, id.namespace, id.name)) as KubernetesObject | undefined;
    }
  }
}

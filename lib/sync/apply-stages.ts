import pLimit from 'p-limit';
import { orderStages } from '../core/objects/kind-order.ts';
import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { CancelledError, type Problem } from '../errors.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import type { ConflictPolicy } from './conflicts.ts';
import type { Decision } from './decide.ts';
import { waitForDefinitions } from './definitions.ts';
import { foldPatch } from './foreign-fields.ts';
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
  readonly onApplied: (applied: Applied) => void;
}

const parallel = 16;

/**
 * Applies stage after stage, in parallel inside one. After a failure the requests of its stage end, later stages are not begun.
 * Every decision has exactly one result, also after a cancellation.
 */
export async function applyStages(
  client: KubernetesClient,
  decisions: readonly Decision[],
  options: ApplyOptions,
): Promise<Applied[]> {
  const results: Applied[] = [];
  const limit = pLimit(parallel);
  let stopped = false;
  for (const stage of orderStages(decisions, (decision) => decision.target.id)) {
    const applied = await Promise.all(
      stage.objects.map((decision) =>
        limit(async (): Promise<Applied> => {
          if (stopped || options.signal.aborted) return { decision, state: 'notReached' };
          const result = await applyOne(client, decision, options);
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
      );
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
    await fold(client, decision, options);
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

/** Takes over the fields that people, or the tool whose object is adopted, own: the apply then removes what Git does not declare. */
async function fold(client: KubernetesClient, decision: Decision, options: ApplyOptions): Promise<void> {
  const { target } = decision;
  const adopts = decision.kind === 'adopt';
  if (!adopts && (decision.foreign === undefined || options.foreignFields !== 'correct')) return;
  let live = decision.live;
  for (let attempt = 0; live !== undefined; attempt += 1) {
    const patch = foldPatch(live, options.fieldManager, { andTools: adopts });
    if (patch === undefined) return;
    try {
      await client.jsonPatch(target.resource, target.id.namespace, target.id.name, patch, {
        fieldManager: options.fieldManager,
      });
      return;
    } catch (error) {
      // A failed `test` is a 422: a controller wrote its status meanwhile. Read again; the fields are decided anew from what is there.
      if (attempt >= 4 || (statusOf(error) !== 422 && statusOf(error) !== 409)) throw error;
      live = (await client.get(target.resource, target.id.namespace, target.id.name)) as KubernetesObject | undefined;
    }
  }
}

import { valueAt } from '../../core/objects/health/fields.ts';
import type { Health, HealthStatus } from '../../core/objects/health.ts';
import type { ObjectId } from '../../core/objects/kubernetes-object.ts';
import { GitOpsError } from '../../errors.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { textAt, uidOf } from './owned-pods.ts';

/** A Job that removes itself some time after its end. */
export function removesItself(id: ObjectId, last: Json | undefined): boolean {
  return id.group === 'batch' && id.kind === 'Job' && valueAt(last, 'spec.ttlSecondsAfterFinished') !== undefined;
}

/**
 * What became of a Job that was removed after its end before its end was seen. Its events outlive it; without them it counts as
 * done (as in Flux), because a Job that somebody wants removed at its end has most probably come to it.
 */
export async function judgeVanishedJob(client: KubernetesClient, id: ObjectId, last: Json): Promise<Health> {
  const reasons = await reasonsOf(client, id, last);
  const verdict = (status: HealthStatus, message: string, reason: string): Health => ({ status, message, reason });
  if (reasons.has('Completed')) {
    return verdict('Healthy', 'It completed and was removed by its ttlSecondsAfterFinished.', 'Complete');
  }
  const failure = ['BackoffLimitExceeded', 'DeadlineExceeded', 'PodFailurePolicy'].find((name) => reasons.has(name));
  if (failure !== undefined) {
    return verdict('Degraded', `It failed (${failure}) and was removed by its ttlSecondsAfterFinished.`, failure);
  }
  return verdict('Healthy', 'It was removed by its ttlSecondsAfterFinished; how it ended was not seen.', 'Removed');
}

async function reasonsOf(client: KubernetesClient, id: ObjectId, last: Json): Promise<ReadonlySet<string>> {
  try {
    const events = (await client.catalog()).find('v1', 'Event');
    const uid = uidOf(last);
    if (events === undefined || uid === '') return new Set();
    const { items } = await client.list(events, {
      namespace: id.namespace,
      fieldSelector: `involvedObject.uid=${uid}`,
    });
    return new Set(items.map((event) => textAt(event, 'reason')));
  } catch (error) {
    if (error instanceof GitOpsError) return new Set();
    throw error;
  }
}

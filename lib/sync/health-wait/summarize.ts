import { conditionsOf } from '../../core/objects/health/fields.ts';
import type { Health } from '../../core/objects/health.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { type ContainerState, describeState } from './container-states.ts';
import { oneLine } from './foreign-text.ts';
import { nameOf, textAt } from './owned-pods.ts';
import type { WarningEvent } from './warning-events.ts';

export interface Evidence {
  /** `Deployment.apps shop/web` */
  readonly name: string;
  readonly health: Health;
  readonly live: Json | undefined;
  readonly replicaSet: Json | undefined;
  readonly pods: readonly Json[];
  readonly containers: readonly ContainerState[];
  readonly events: readonly WarningEvent[];
}

/** One line: the likeliest reason, the one nearest to the cause first. */
export function summarize(evidence: Evidence): string {
  const reason =
    containerReason(evidence) ??
    schedulingReason(evidence.pods) ??
    podFailure(evidence.pods) ??
    creationReason(evidence) ??
    eventReason(evidence.events) ??
    evidence.health.message;
  return `${evidence.name}: ${oneLine(reason)}`;
}

function containerReason({ containers, events }: Evidence): string | undefined {
  // A container that runs and is not ready tells least about itself; what its probe says is in the events.
  const state = containers.find((candidate) => candidate.state !== 'running') ?? containers[0];
  if (state === undefined) return undefined;
  const probe =
    state.state === 'running' ? events.findLast(({ reason }) => reason === 'Unhealthy')?.message : undefined;
  const detail = probe === undefined ? '' : `; ${probe}`;
  return `${state.init ? 'init container' : 'container'} ${state.container} of Pod ${state.pod} ${describeState(state)}${detail}`;
}

function schedulingReason(pods: readonly Json[]): string | undefined {
  for (const pod of pods) {
    const scheduled = conditionsOf(pod).find(({ type, status }) => type === 'PodScheduled' && status === 'False');
    if (scheduled !== undefined) return `no node takes Pod ${nameOf(pod)}: ${scheduled.message || scheduled.reason}`;
  }
  return undefined;
}

function podFailure(pods: readonly Json[]): string | undefined {
  for (const pod of pods) {
    const [reason, message] = [textAt(pod, 'status.reason'), textAt(pod, 'status.message')];
    if (reason !== '' || message !== '')
      return `Pod ${nameOf(pod)} failed: ${[reason, message].filter(Boolean).join(': ')}`;
  }
  return undefined;
}

/** A quota, a limit or an admission webhook that lets no Pod be made. */
function creationReason({ live, replicaSet, pods, events }: Evidence): string | undefined {
  if (pods.length > 0) return undefined;
  for (const object of [live, replicaSet]) {
    const failure = conditionsOf(object).find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
    if (failure !== undefined) return `its Pods cannot be created: ${failure.message || failure.reason}`;
  }
  const failed = events.findLast(({ reason }) => reason === 'FailedCreate');
  return failed === undefined ? undefined : `its Pods cannot be created: ${failed.message}`;
}

function eventReason(events: readonly WarningEvent[]): string | undefined {
  const last = events.at(-1);
  return last === undefined ? undefined : `${last.reason} (${last.object}): ${last.message}`;
}

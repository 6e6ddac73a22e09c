import { valueAt, wholeNumber } from '../../core/objects/health/fields.ts';
import { containerStatuses } from '../../core/objects/health/pods.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { nameOf, newestPods, type Owned, textAt } from './owned-pods.ts';

/** Why a rollout will not come to its end by itself. */
export interface Stuck {
  readonly reason: string;
  readonly message: string;
  /** For how long it has to stay so before it is believed. */
  readonly settleMs: number;
}

/** The kubelet's reasons for which trying again changes nothing, unless somebody changes the registry. */
const IMAGE_REASONS: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
]);
/** Mostly a Secret or ConfigMap that is not there, which a controller may still be about to make. */
const CONFIGURATION_REASONS: ReadonlySet<string> = new Set(['CreateContainerConfigError', 'CreateContainerError']);
const CONFIGURATION_FACTOR = 4;
/** With the kubelet's pauses of 10, 20 and 40 s that many have taken more than a minute: no start-up order is so slow. */
const HOPELESS_RESTARTS = 3;

/**
 * Whether every Pod of the newest revision has a container that cannot start. One that works, or has not been tried, keeps the
 * hope up: then only the workload's own deadline counts. Jobs end crash loops themselves (backoffLimit).
 */
export function findStuck(owner: Json, owned: Owned, settleMs: number): Stuck | undefined {
  const pods = newestPods(owner, owned).filter((pod) => !isFinished(pod));
  const mayCrash = owner['kind'] !== 'Job';
  const found = pods.map((pod) => stuckPod(pod, mayCrash, settleMs));
  const [first] = found;
  if (first === undefined || found.includes(undefined)) return undefined;
  const slowest = found.reduce((most, stuck) => Math.max(most, stuck?.settleMs ?? 0), 0);
  return { ...first, settleMs: slowest };
}

function stuckPod(pod: Json, mayCrash: boolean, settleMs: number): Stuck | undefined {
  for (const container of containerStatuses(pod)) {
    const reason = textAt(container, 'state.waiting.reason');
    const settle = settleOf(reason, container, mayCrash, settleMs);
    if (settle === undefined) continue;
    const message = textAt(container, 'state.waiting.message');
    return {
      reason,
      message: `Container ${textAt(container, 'name')} of Pod ${nameOf(pod)} is waiting: ${reason}${message === '' ? '' : `: ${message}`}`,
      settleMs: settle,
    };
  }
  return undefined;
}

function settleOf(reason: string, container: unknown, mayCrash: boolean, settleMs: number): number | undefined {
  if (IMAGE_REASONS.has(reason)) return settleMs;
  if (CONFIGURATION_REASONS.has(reason)) return CONFIGURATION_FACTOR * settleMs;
  const restarts = wholeNumber(valueAt(container, 'restartCount')) ?? 0;
  return mayCrash && reason === 'CrashLoopBackOff' && restarts >= HOPELESS_RESTARTS ? 0 : undefined;
}

function isFinished(pod: Json): boolean {
  const phase = textAt(pod, 'status.phase');
  return phase === 'Succeeded' || phase === 'Failed';
}

import { conditionsOf, valueAt } from '../core/objects/health/fields.ts';
import { assessHealth, type Health } from '../core/objects/health.ts';
import { describeId, type KubernetesObject, type ObjectId } from '../core/objects/kubernetes-object.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { createCarefulReader } from './health-wait/careful-reader.ts';
import { type Clock, systemClock } from './health-wait/clock.ts';
import { type ContainerState, hasRun, troubledContainers } from './health-wait/container-states.ts';
import type { ContainerLog, Diagnosis } from './health-wait/diagnosis-model.ts';
import {
  type Cluster,
  NOTHING,
  read,
  readClaims,
  readEvents,
  readLogs,
  readOwned,
} from './health-wait/failure-evidence.ts';
import { oneLine } from './health-wait/foreign-text.ts';
import {
  allPods,
  nameOf,
  newestPods,
  newestReplicaSet,
  type Owned,
  revisionHash,
  textAt,
} from './health-wait/owned-pods.ts';
import { summarize } from './health-wait/summarize.ts';

export type { ContainerState } from './health-wait/container-states.ts';
export { describeDiagnosis } from './health-wait/describe-diagnosis.ts';
export type { ContainerLog, Diagnosis } from './health-wait/diagnosis-model.ts';
export type { WarningEvent } from './health-wait/warning-events.ts';

export interface DiagnosisTarget {
  readonly resource: ApiResource;
  readonly id: ObjectId;
  /** The last state that was seen; read when it is not given. */
  readonly live?: Json;
}

export interface DiagnosisOptions {
  /** Older events belong to something else. */
  readonly since: Date;
  readonly signal: AbortSignal;
  /** Of each container, and of its run before. Default 20. */
  readonly tailLines?: number;
  /** Pods to look into, one for each way of failing. Default 3. */
  readonly maxPods?: number;
  /** For everything together. Default 10 s. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * Finds out why an object is not healthy. What may not be read is told in the notes, never passed over. Throws only
 * CancelledError.
 */
export async function diagnose(
  client: KubernetesClient,
  target: DiagnosisTarget,
  options: DiagnosisOptions,
): Promise<Diagnosis> {
  const { signal, timeoutMs = 10_000, clock = systemClock, maxPods = 3, tailLines = 20 } = options;
  const reader = createCarefulReader({ clock, signal, timeoutMs });
  const cluster: Cluster = { client, reader, namespace: target.id.namespace };
  const now = new Date(clock.now());
  const live = target.live ?? (await read(cluster, target));
  const unread = reader.notes.length > 0;
  const owned = live === undefined ? NOTHING : await readOwned(cluster, live);
  const failing = live === undefined ? [] : failingPods(live, owned, now);
  const looked = distinct(failing).slice(0, maxPods);
  const claims = await readClaims(cluster, looked);
  const containers = looked.flatMap(troubledContainers);
  const replicaSet = live === undefined ? undefined : newestReplicaSet(live, owned.replicaSets);
  const involved = [live, replicaSet, ...failing, ...claims].filter((object) => object !== undefined);
  const [events, logs] = await Promise.all([
    readEvents(cluster, involved, options.since),
    readLogs(cluster, containers, tailLines),
  ]);
  const health: Health =
    live === undefined && unread
      ? { status: 'Unknown', message: 'It could not be read.' }
      : assessHealth(live as KubernetesObject | undefined, { now });
  const chain = [
    ...[live, replicaSet, ...looked.filter((pod) => pod !== live), ...claims].filter((object) => object !== undefined),
  ].map((object) => describe(object, now));
  return {
    summary: summarize({ name: describeId(target.id), health, live, replicaSet, pods: looked, containers, events }),
    chain: chain.length > 0 ? chain : [`${describeId(target.id)}: ${health.message}`],
    containers,
    logs,
    events,
    notes: [
      ...observations(live, failing, looked, owned),
      ...logNotes(containers, logs, reader.notes),
      ...reader.notes,
    ],
  };
}

/** The Pods of the newest revision that are not healthy; when all of those are, older ones that hold the rollout up. */
function failingPods(live: Json, owned: Owned, now: Date): Json[] {
  const isFailing = (pod: Json): boolean => assessHealth(pod as KubernetesObject, { now }).status !== 'Healthy';
  const newest = newestPods(live, owned).filter(isFailing);
  const failing = newest.length > 0 ? newest : allPods(live, owned).filter(isFailing);
  return failing.toSorted((a, b) => created(b).localeCompare(created(a)));
}

function created(object: Json): string {
  return textAt(object, 'metadata.creationTimestamp');
}

/** One Pod for each way of failing. */
function distinct(pods: readonly Json[]): Json[] {
  const seen = new Map<string, Json>();
  for (const pod of pods) {
    const containers = troubledContainers(pod).map(({ container, state, reason, exitCode }) => [
      container,
      state,
      reason,
      exitCode,
    ]);
    const key = JSON.stringify([containers, textAt(pod, 'status.phase'), unschedulable(pod) !== undefined]);
    if (!seen.has(key)) seen.set(key, pod);
  }
  return [...seen.values()];
}

function unschedulable(pod: Json): string | undefined {
  return conditionsOf(pod).find(({ type, status }) => type === 'PodScheduled' && status === 'False')?.message;
}

function describe(object: Json, now: Date): string {
  const health = assessHealth(object as KubernetesObject, { now });
  return `${textAt(object, 'kind')} ${nameOf(object)}: ${oneLine(health.message)}`;
}

function observations(
  live: Json | undefined,
  failing: readonly Json[],
  looked: readonly Json[],
  owned: Owned,
): string[] {
  const notes: string[] = [];
  const more = failing.length - looked.length;
  if (more > 0) notes.push(`${more} more of its ${owned.pods.length} Pods are not healthy, in the same ways.`);
  const update = valueAt(live, 'status.updateRevision');
  const first = failing[0];
  if (live?.['kind'] === 'StatefulSet' && first !== undefined && revisionHash(first) !== update) {
    notes.push(
      `Pod ${nameOf(first)} is still of an older revision. A StatefulSet does not replace a Pod that never became ready: delete that Pod once, and its new revision is started.`,
    );
  }
  return notes;
}

/** A container that ran and left no line is worth knowing too, unless its log could not be read, which is told already. */
function logNotes(
  containers: readonly ContainerState[],
  logs: readonly ContainerLog[],
  told: readonly string[],
): string[] {
  return containers
    .filter(({ pod, container }) => !logs.some((log) => log.pod === pod && log.container === container))
    .filter(
      (state) =>
        hasRun(state) &&
        !told.some((note) => note.startsWith(`The log of container ${state.container} of Pod ${state.pod}`)),
    )
    .map(({ pod, container }) => `Container ${container} of Pod ${pod} has left no log.`);
}

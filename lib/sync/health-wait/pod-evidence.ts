import type { ApiResource } from '../../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { type Observation, observe, type Sink } from './observe.ts';
import { type Owned, ownersOf, uidOf } from './owned-pods.ts';
import type { Tracked } from './tracked.ts';

/** A rollout that takes no longer needs no explanation: its Pods are not asked for. */
const PATIENCE_MS = 2_000;

const WITH_PODS: ReadonlySet<string> = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  '/ReplicationController',
  'batch/Job',
]);

export interface PodEvidence {
  /** Begins to watch the Pods of workloads that have been waited for long enough. */
  follow(tracked: readonly Tracked[], now: number): void;
  /** What is known of a workload's Pods; undefined when nothing is. */
  of(tracked: Tracked): Owned | undefined;
}

export interface EvidenceOptions {
  readonly client: KubernetesClient;
  readonly observation: Observation;
  readonly changed: () => void;
  readonly note: (message: string) => void;
  /** Called with what is a bug. */
  readonly broken: (error: unknown) => void;
}

/** Pods and ReplicaSets of the namespaces in which a rollout takes its time: one watch of each for a namespace. */
export function createPodEvidence(options: EvidenceOptions): PodEvidence {
  const pods = new Map<string, Seen>();
  const replicaSets = new Map<string, Seen>();
  const followIn = (seen: Map<string, Seen>, apiVersion: string, kind: string, namespace: string): void => {
    if (seen.has(namespace)) return;
    const objects = createSeen();
    seen.set(namespace, objects);
    start(options, apiVersion, kind, namespace, objects).catch(options.broken);
  };
  return {
    follow: (tracked, now) => {
      for (const { target, state, stateSince, answered } of tracked) {
        const kind = `${target.id.group}/${target.id.kind}`;
        if (state !== 'waiting' || !answered || now - stateSince < PATIENCE_MS || !WITH_PODS.has(kind)) continue;
        followIn(pods, 'v1', 'Pod', target.id.namespace);
        if (kind === 'apps/Deployment') followIn(replicaSets, 'apps/v1', 'ReplicaSet', target.id.namespace);
      }
    },
    of: ({ target: { id }, live }) => {
      if (id.group === '' && id.kind === 'Pod') return { replicaSets: [], pods: [] };
      const seenPods = pods.get(id.namespace);
      if (seenPods?.answered !== true || live === undefined) return undefined;
      const sets = replicaSets.get(id.namespace)?.ownedBy(uidOf(live)) ?? [];
      const owners = [live, ...sets];
      return { replicaSets: sets, pods: owners.flatMap((owner) => seenPods.ownedBy(uidOf(owner))) };
    },
  };
}

interface Seen {
  answered: boolean;
  replace(items: readonly Json[]): void;
  put(object: Json): void;
  remove(object: Json): void;
  ownedBy(uid: string): readonly Json[];
}

/** Objects by their owner: with a thousand workloads in a namespace nobody can look through all Pods for each. */
function createSeen(): Seen {
  const byUid = new Map<string, Json>();
  let byOwner: Map<string, Json[]> | undefined;
  return {
    answered: false,
    replace: (items) => {
      byUid.clear();
      for (const item of items) byUid.set(uidOf(item), item);
      byOwner = undefined;
    },
    put: (object) => {
      byUid.set(uidOf(object), object);
      byOwner = undefined;
    },
    remove: (object) => {
      byUid.delete(uidOf(object));
      byOwner = undefined;
    },
    ownedBy: (uid) => {
      byOwner ??= groupByOwner(byUid.values());
      return byOwner.get(uid) ?? [];
    },
  };
}

function groupByOwner(objects: Iterable<Json>): Map<string, Json[]> {
  const groups = new Map<string, Json[]>();
  for (const object of objects) {
    for (const owner of ownersOf(object)) {
      const group = groups.get(owner);
      if (group === undefined) groups.set(owner, [object]);
      else group.push(object);
    }
  }
  return groups;
}

async function start(
  { client, observation, changed, note }: EvidenceOptions,
  apiVersion: string,
  kind: string,
  namespace: string,
  seen: Seen,
): Promise<void> {
  const resource = await find(client, apiVersion, kind);
  if (resource === undefined) return;
  const sink: Sink = {
    asked: () => undefined,
    replaced: (items) => {
      seen.answered = true;
      seen.replace(items);
      changed();
    },
    changed: (object) => {
      seen.put(object);
      changed();
    },
    deleted: (object) => {
      seen.remove(object);
      changed();
    },
    // Whatever is waited for is watched over the same connection and says so.
    lost: () => undefined,
    forbidden: (message) => {
      note(
        `Not permitted to list ${resource.plural} in ${namespace}, so a rollout that cannot succeed is noticed only when it says so itself: ${message}`,
      );
    },
    note,
  };
  await observe(client, { resource, namespace }, sink, observation);
}

/** Undefined when the server does not answer now: then there is no evidence, which ends no waiting. */
async function find(client: KubernetesClient, apiVersion: string, kind: string): Promise<ApiResource | undefined> {
  try {
    return (await client.catalog()).find(apiVersion, kind);
  } catch {
    return undefined;
  }
}

import { isRecord, valueAt } from '../../core/objects/health/fields.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';

/** What stands between a workload and its containers. */
export interface Owned {
  readonly replicaSets: readonly Json[];
  readonly pods: readonly Json[];
}

const REVISION = 'deployment.kubernetes.io/revision';
/** The label by which StatefulSets and DaemonSets mark the revision of a Pod. */
const REVISION_HASH = 'controller-revision-hash';

/** The ReplicaSet that a Deployment rolls out: the one of its revision, else the newest. */
export function newestReplicaSet(deployment: Json, replicaSets: readonly Json[]): Json | undefined {
  const own = replicaSets.filter((replicaSet) => isOwnedBy(replicaSet, deployment));
  const revision = annotation(deployment, REVISION);
  const current = own.find((replicaSet) => revision !== '' && annotation(replicaSet, REVISION) === revision);
  return current ?? own.toSorted((a, b) => revisionOf(b) - revisionOf(a) || newestFirst(a, b))[0];
}

/**
 * The Pods of the revision that is being rolled out, those that are being deleted left out. A Pod stands for itself; what
 * makes no Pods has none.
 */
export function newestPods(owner: Json, { replicaSets, pods }: Owned): Json[] {
  switch (owner['kind']) {
    case 'Pod':
      return [owner];
    case 'Deployment': {
      const replicaSet = newestReplicaSet(owner, replicaSets);
      return replicaSet === undefined ? [] : alive(pods, replicaSet);
    }
    case 'StatefulSet': {
      const revision = valueAt(owner, 'status.updateRevision');
      return alive(pods, owner).filter((pod) => revision === undefined || revisionHash(pod) === revision);
    }
    case 'DaemonSet': {
      // Its status does not name the revision; the Pod made last has it.
      const own = alive(pods, owner).toSorted(newestFirst);
      const revision = own[0] === undefined ? undefined : revisionHash(own[0]);
      return own.filter((pod) => revisionHash(pod) === revision);
    }
    default:
      return alive(pods, owner);
  }
}

/** All Pods of the workload, whatever their revision. */
export function allPods(owner: Json, { replicaSets, pods }: Owned): Json[] {
  const owners = [owner, ...replicaSets.filter((replicaSet) => isOwnedBy(replicaSet, owner))];
  return pods.filter((pod) => owners.some((candidate) => isOwnedBy(pod, candidate)));
}

export function uidOf(object: Json): string {
  return textAt(object, 'metadata.uid');
}

export function nameOf(object: Json): string {
  return textAt(object, 'metadata.name');
}

export function revisionHash(pod: Json): unknown {
  const labels = valueAt(pod, 'metadata.labels');
  return isRecord(labels) ? labels[REVISION_HASH] : undefined;
}

/** The text at a path, empty when there is none. */
export function textAt(object: unknown, path: string): string {
  const value = valueAt(object, path);
  return typeof value === 'string' ? value : '';
}

export function isOwnedBy(object: Json, owner: Json): boolean {
  const uid = uidOf(owner);
  return uid !== '' && ownersOf(object).includes(uid);
}

/** The uids of an object's owners. */
export function ownersOf(object: Json): string[] {
  const owners = valueAt(object, 'metadata.ownerReferences');
  return Array.isArray(owners) ? owners.map((entry) => textAt(entry, 'uid')).filter((uid) => uid !== '') : [];
}

function alive(pods: readonly Json[], owner: Json): Json[] {
  return pods.filter((pod) => isOwnedBy(pod, owner) && textAt(pod, 'metadata.deletionTimestamp') === '');
}

function newestFirst(a: Json, b: Json): number {
  return textAt(b, 'metadata.creationTimestamp').localeCompare(textAt(a, 'metadata.creationTimestamp'));
}

function annotation(object: Json, name: string): string {
  const annotations = valueAt(object, 'metadata.annotations');
  const value = isRecord(annotations) ? annotations[name] : undefined;
  return typeof value === 'string' ? value : '';
}

function revisionOf(replicaSet: Json): number {
  return Number.parseInt(annotation(replicaSet, REVISION), 10) || 0;
}

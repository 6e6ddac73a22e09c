import { type KubernetesObject, type ObjectId, objectId } from './kubernetes-object.ts';

/** The stages of an application, in order. What one stage makes, the next may need. */
export type StageName =
  | 'namespaces'
  | 'definitions'
  | 'roles'
  | 'customClasses'
  | 'configuration'
  | 'customResources'
  | 'workloads'
  | 'traffic'
  | 'admission';

export interface Stage<T> {
  readonly name: StageName;
  /** In an order that depends on nothing but the objects. Inside a stage they may be written at the same time. */
  readonly objects: readonly T[];
  /**
   * What the next stage has to wait for: `established`, definitions that the server serves (its catalog is to be read again
   * then); `gone`, deleted objects whose finalizers have run.
   */
  readonly waitFor?: 'established' | 'gone';
}

/**
 * The default order, after Helm's and Argo CD's lists of kinds and Flux's stages: a namespace before what is in it, a
 * definition before its resources, a role before its binding (the server refuses a binding to a role that is not there
 * unless the user may `bind`), limits and network policies before the first Pod they are about, Services before Pods (a Pod
 * learns the addresses of those that exist when it starts). What judges or takes over requests comes last: its server
 * is one of the workloads, and until that runs it would refuse everything else.
 */
const STAGES: readonly { readonly name: StageName; readonly kinds: readonly string[] }[] = [
  { name: 'namespaces', kinds: ['/Namespace'] },
  { name: 'definitions', kinds: ['apiextensions.k8s.io/CustomResourceDefinition'] },
  {
    name: 'roles',
    kinds: [
      'scheduling.k8s.io/PriorityClass',
      'node.k8s.io/RuntimeClass',
      'storage.k8s.io/CSIDriver',
      'storage.k8s.io/StorageClass',
      'storage.k8s.io/VolumeAttributesClass',
      'networking.k8s.io/IngressClass',
      'resource.k8s.io/DeviceClass',
      'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration',
      'flowcontrol.apiserver.k8s.io/FlowSchema',
      '/ServiceAccount',
      'rbac.authorization.k8s.io/ClusterRole',
      'rbac.authorization.k8s.io/Role',
    ],
  },
  { name: 'customClasses', kinds: [] },
  {
    name: 'configuration',
    kinds: [
      'rbac.authorization.k8s.io/ClusterRoleBinding',
      'rbac.authorization.k8s.io/RoleBinding',
      '/ResourceQuota',
      '/LimitRange',
      'networking.k8s.io/NetworkPolicy',
      '/Secret',
      '/ConfigMap',
      '/PersistentVolume',
      '/PersistentVolumeClaim',
      'resource.k8s.io/ResourceClaim',
      'resource.k8s.io/ResourceClaimTemplate',
      '/PodTemplate',
      '/Service',
      '/Endpoints',
      'discovery.k8s.io/EndpointSlice',
    ],
  },
  { name: 'customResources', kinds: [] },
  {
    name: 'workloads',
    kinds: [
      'apps/DaemonSet',
      '/Pod',
      '/ReplicationController',
      'apps/ReplicaSet',
      'apps/Deployment',
      'apps/StatefulSet',
      'batch/Job',
      'batch/CronJob',
    ],
  },
  {
    name: 'traffic',
    kinds: ['autoscaling/HorizontalPodAutoscaler', 'policy/PodDisruptionBudget', 'networking.k8s.io/Ingress'],
  },
  {
    name: 'admission',
    kinds: [
      'apiregistration.k8s.io/APIService',
      'admissionregistration.k8s.io/MutatingAdmissionPolicy',
      'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
      'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
      'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
      'admissionregistration.k8s.io/MutatingWebhookConfiguration',
      'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
    ],
  },
];

/**
 * Deletion is the reverse, but for custom resources: they go while the controller that runs their finalizers still does,
 * and they are gone before it and before their definition, whose deletion would take them along.
 */
const DELETION: readonly StageName[] = [
  'admission',
  'customResources',
  'customClasses',
  'traffic',
  'workloads',
  'configuration',
  'roles',
  'definitions',
  'namespaces',
];

interface Rank {
  readonly stage: StageName;
  readonly position: number;
}

const RANKS: ReadonlyMap<string, Rank> = new Map(
  STAGES.flatMap(({ name, kinds }) => kinds.map((kind, position) => [kind, { stage: name, position }] as const)),
);

/** The groups of Kubernetes itself; other groups under k8s.io (gateways, snapshots) are defined by custom resources. */
const BUILT_IN_GROUPS: ReadonlySet<string> = new Set([...RANKS.keys()].map((kind) => kind.slice(0, kind.indexOf('/'))));

/** The stage of a kind. Unknown kinds are custom resources; those that others choose by name (`...Class`) come before them. */
export function stageOf(id: Pick<ObjectId, 'group' | 'kind'>): StageName {
  return rankOf(id).stage;
}

/** Stages that have objects, in the order in which they are applied. `idOf` is needed when the items are not objects. */
export function orderStages(objects: readonly KubernetesObject[]): Stage<KubernetesObject>[];
export function orderStages<T>(items: readonly T[], idOf: (item: T) => ObjectId): Stage<T>[];
export function orderStages<T>(
  items: readonly T[],
  idOf = (item: T) => objectId(item as KubernetesObject),
): Stage<T>[] {
  const order = STAGES.map((stage) => stage.name);
  return inStages(items, idOf, order).map(({ name, objects }) =>
    name === 'definitions' ? { name, objects, waitFor: 'established' } : { name, objects },
  );
}

/** Stages that have objects, in the order in which they are deleted; inside a stage the reverse of application. */
export function orderDeletion(objects: readonly KubernetesObject[]): Stage<KubernetesObject>[];
export function orderDeletion<T>(items: readonly T[], idOf: (item: T) => ObjectId): Stage<T>[];
export function orderDeletion<T>(
  items: readonly T[],
  idOf = (item: T) => objectId(item as KubernetesObject),
): Stage<T>[] {
  return inStages(items, idOf, DELETION).map(({ name, objects }) => {
    const reversed = objects.toReversed();
    return name === 'customResources' || name === 'customClasses'
      ? { name, objects: reversed, waitFor: 'gone' }
      : { name, objects: reversed };
  });
}

function inStages<T>(
  items: readonly T[],
  idOf: (item: T) => ObjectId,
  order: readonly StageName[],
): { readonly name: StageName; readonly objects: readonly T[] }[] {
  const ranked = items.map((item) => {
    const id = idOf(item);
    return { item, id, rank: rankOf(id) };
  });
  ranked.sort((a, b) => a.rank.position - b.rank.position || compareIds(a.id, b.id));
  return order.flatMap((name) => {
    const objects = ranked.filter(({ rank }) => rank.stage === name).map(({ item }) => item);
    return objects.length === 0 ? [] : [{ name, objects }];
  });
}

function rankOf(id: Pick<ObjectId, 'group' | 'kind'>): Rank {
  const known = RANKS.get(`${id.group}/${id.kind}`);
  if (known !== undefined) return known;
  const last = Number.MAX_SAFE_INTEGER;
  // A kind of Kubernetes that is in no list (a newer one, or e.g. a Lease) is data until it is known better.
  if (BUILT_IN_GROUPS.has(id.group) || id.group === 'coordination.k8s.io') {
    return { stage: 'configuration', position: last };
  }
  return { stage: id.kind.endsWith('Class') ? 'customClasses' : 'customResources', position: last };
}

/** By code units, so that the order is the same on every machine. */
function compareIds(a: ObjectId, b: ObjectId): number {
  return (
    compareText(a.group, b.group) ||
    compareText(a.kind, b.kind) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

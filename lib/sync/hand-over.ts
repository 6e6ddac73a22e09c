import { fieldsV1Of, hasPath, parseFieldSet, subtract } from '../core/objects/field-set.ts';
import { groupOf, type KubernetesObject, type ManagedFieldsEntry } from '../core/objects/kubernetes-object.ts';
import { applyEntryOf, fieldSet, fieldsOfOthers, managedFieldsOf } from '../core/objects/managed-fields.ts';
import { NotPermittedError } from '../errors.ts';
import type { ApiCatalog, ApiResource } from '../ports/kubernetes/discovery.ts';
import type { Json, JsonPatchOperation, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import type { Decision } from './decide.ts';

/** Owns replicas between our giving them up and the autoscaler's first word about them. */
export const handOverManager = 'azdo-gitops-hand-over';

const replicas = parseFieldSet({ 'f:spec': { 'f:replicas': {} } });
const replicasPath = [
  { type: 'field', name: 'spec' },
  { type: 'field', name: 'replicas' },
] as const;

/**
 * Marks the workloads whose replicas Git stops naming because an autoscaler is about them now. A field that its only applier drops
 * is reset by the server, which would scale a running workload down to 1 (https://kubernetes.io/docs/reference/using-api/server-side-apply/,
 * "Transferring ownership"). Autoscalers are looked for in Git and, only when it matters, in the cluster.
 */
export async function findHandOvers(
  client: KubernetesClient,
  catalog: ApiCatalog,
  decisions: readonly Decision[],
  fieldManager: string,
): Promise<Decision[]> {
  const dropping = decisions.filter((decision) => dropsReplicas(decision, fieldManager));
  if (dropping.length === 0) return [...decisions];
  const autoscaled = new Set(decisions.map(({ target }) => scaledBy(target.payload)));
  const resource = catalog.preferred('autoscaling', 'HorizontalPodAutoscaler');
  const namespaces = new Set(dropping.map(({ target }) => target.id.namespace));
  await Promise.all(
    [...namespaces].map(async (namespace) => {
      for (const item of await listed(client, resource, namespace)) autoscaled.add(scaledBy(item as KubernetesObject));
    }),
  );
  return decisions.map((decision) => {
    const { group, kind, namespace, name } = decision.target.id;
    const isAutoscaled = dropping.includes(decision) && autoscaled.has(`${group}/${kind}/${namespace}/${name}`);
    return isAutoscaled ? { ...decision, handsOverReplicas: true } : decision;
  });
}

/** The patch that gives replicas to the hand-over manager; refused when the object changed since it was read. */
export function handOverPatch(live: KubernetesObject, fieldManager: string): JsonPatchOperation[] | undefined {
  const own = applyEntryOf(live, fieldManager);
  if (own === undefined || !ownsReplicas(live, own)) return undefined;
  const taker: ManagedFieldsEntry = {
    manager: handOverManager,
    operation: 'Update',
    apiVersion: own.apiVersion ?? live.apiVersion,
    fieldsType: 'FieldsV1',
    ...(own.time !== undefined && { time: own.time }),
    fieldsV1: fieldsV1Of(replicas),
  };
  const entries = managedFieldsOf(live).map((entry) =>
    entry === own ? { ...entry, fieldsV1: fieldsV1Of(subtract(fieldSet(entry), replicas)) } : entry,
  );
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion },
    { op: 'replace', path: '/metadata/managedFields', value: [...entries, taker] },
  ];
}

/** What is sent in a dry run: the hand-over comes first in earnest, so that the number stays. */
export function withLiveReplicas(payload: KubernetesObject, live: KubernetesObject): KubernetesObject {
  return { ...payload, spec: { ...(payload['spec'] as Json), replicas: specOf(live)['replicas'] } };
}

function dropsReplicas({ live, target, kind }: Decision, fieldManager: string): boolean {
  if (kind !== 'configure' || live === undefined || specOf(target.payload)['replicas'] !== undefined) return false;
  const own = applyEntryOf(live, fieldManager);
  return own !== undefined && specOf(live)['replicas'] !== undefined && ownsReplicas(live, own);
}

function ownsReplicas(live: KubernetesObject, entry: ManagedFieldsEntry): boolean {
  return hasPath(fieldSet(entry), replicasPath) && !hasPath(fieldsOfOthers(live, entry), replicasPath);
}

/** `apps/Deployment/shop/web` of an autoscaler; empty for anything else. */
function scaledBy(object: KubernetesObject): string {
  if (object.kind !== 'HorizontalPodAutoscaler') return '';
  const target = specOf(object)['scaleTargetRef'] as Json | undefined;
  return `${groupOf(String(target?.['apiVersion'] ?? ''))}/${target?.['kind']}/${object.metadata.namespace ?? ''}/${target?.['name']}`;
}

async function listed(
  client: KubernetesClient,
  resource: ApiResource | undefined,
  namespace: string,
): Promise<readonly Json[]> {
  if (resource === undefined) return [];
  try {
    return (await client.list(resource, { namespace })).items;
  } catch (error) {
    if (error instanceof NotPermittedError) return [];
    throw error;
  }
}

function specOf(object: KubernetesObject): Json {
  const spec = object['spec'];
  return typeof spec === 'object' && spec !== null ? (spec as Json) : {};
}

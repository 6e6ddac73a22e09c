import pLimit from 'p-limit';
import { orderDeletion } from '../core/objects/kind-order.ts';
import { describeId, type KubernetesObject, objectId } from '../core/objects/kubernetes-object.ts';
import { CancelledError, type GitOpsError, messageOf, NotPermittedError, type Problem } from '../errors.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import { pause } from '../ports/kubernetes/transport.ts';
import { setLabel } from './inventory.ts';
import type { PruneDecision } from './prune-guards.ts';
import type { SyncSet } from './sync-set.ts';

export type Pruned = { readonly prune: PruneDecision } & (
  | { readonly state: 'done' }
  /** Deleted, but held by finalizers when the time was up: it stays recorded. */
  | { readonly state: 'failed'; readonly problem: Problem; readonly error: unknown }
  | { readonly state: 'notReached' }
  /** A guard that only the server could answer. */
  | { readonly state: 'kept'; readonly reason: string }
);

export interface PruneObjectsOptions {
  readonly signal: AbortSignal;
  /** Looked at before every stage; see `ActionContext.mustStop`. */
  readonly mustStop?: () => GitOpsError | undefined;
  readonly timeoutMs: number;
  /** The set that ends with this run: its inventory does not protect the namespace that it is in. */
  readonly ending?: SyncSet;
  readonly onPruned: (pruned: Pruned) => void;
}

const parallel = 16;

/** Deletes in the reverse order of applying, each object only with the uid that was recorded, and waits until it is gone. */
export async function pruneObjects(
  client: KubernetesClient,
  prunes: readonly PruneDecision[],
  options: PruneObjectsOptions,
): Promise<Pruned[]> {
  const results: Pruned[] = [];
  const limit = pLimit(parallel);
  const deadline = Date.now() + options.timeoutMs;
  for (const stage of orderDeletion(prunes, (prune) => prune.id)) {
    const isLost = options.mustStop?.() !== undefined;
    const pruned = await Promise.all(
      stage.objects.map((prune) =>
        limit(async (): Promise<Pruned> => {
          if (isLost || options.signal.aborted) return { prune, state: 'notReached' };
          const result = await pruneOne(client, prune, options, deadline);
          options.onPruned(result);
          return result;
        }),
      ),
    );
    results.push(...pruned);
  }
  return results;
}

async function pruneOne(
  client: KubernetesClient,
  prune: PruneDecision,
  options: PruneObjectsOptions,
  deadline: number,
): Promise<Pruned> {
  const { resource, live, id } = prune;
  const uid = live?.metadata.uid;
  if (resource === undefined || uid === undefined) return { prune, state: 'done' };
  try {
    const holds = await whatItHolds(client, prune, options.ending);
    if (holds !== undefined) return { prune, state: 'kept', reason: holds };
    const left = await client.delete(resource, id.namespace, id.name, { uid });
    if (left === undefined) return { prune, state: 'done' };
    return await untilGone(client, prune, uid, options, deadline);
  } catch (error) {
    if (error instanceof CancelledError) return { prune, state: 'notReached' };
    // The uid is another one: somebody made the object anew, and that one is not ours.
    if (statusOf(error) === 409) return { prune, state: 'kept', reason: 'was made anew by somebody else meanwhile' };
    return { prune, state: 'failed', error, problem: { code: 'prune-failed', message: describeFailure(prune, error) } };
  }
}

async function untilGone(
  client: KubernetesClient,
  prune: PruneDecision,
  uid: string,
  options: PruneObjectsOptions,
  deadline: number,
): Promise<Pruned> {
  const { resource, id } = prune;
  for (let wait = 50; resource !== undefined; wait = Math.min(2000, wait * 2)) {
    await pause(wait, options.signal);
    const object = (await client.get(resource, id.namespace, id.name)) as KubernetesObject | undefined;
    if (object === undefined || object.metadata.uid !== uid) return { prune, state: 'done' };
    if (Date.now() < deadline) continue;
    const held = object.metadata.finalizers ?? [];
    const by = held.length > 0 ? `its finalizers have not finished: ${held.join(', ')}` : namespaceContent(object);
    return {
      prune,
      state: 'failed',
      error: new Error('timeout'),
      problem: {
        code: 'prune-timeout',
        message: `${describeId(id)} was deleted but is still there: ${by}. It stays in the inventory, and the next run looks after it.`,
      },
    };
  }
  return { prune, state: 'done' };
}

function namespaceContent(object: KubernetesObject): string {
  const conditions = (
    (object['status'] as { conditions?: { type?: string; status?: string; message?: string }[] } | undefined)
      ?.conditions ?? []
  )
    .filter((condition) => condition.status === 'True' && condition.message)
    .map((condition) => condition.message);
  return conditions.length > 0 ? conditions.join(' ') : 'the cluster has not removed it yet';
}

/**
 * What would go with a namespace or a definition protects it. What this run was to delete there is gone by now: whatever is left was
 * made by others, is declared in Git, or is kept by a guard.
 */
async function whatItHolds(
  client: KubernetesClient,
  prune: PruneDecision,
  ending: SyncSet | undefined,
): Promise<string | undefined> {
  const { id } = prune;
  if (id.kind === 'Namespace' && id.group === '')
    return describeContent(await contentOfNamespace(client, id.name, ending));
  if (id.kind === 'CustomResourceDefinition') return describeContent(await contentOfDefinition(client, prune));
  return undefined;
}

function describeContent(content: readonly string[]): string | undefined {
  if (content.length === 0) return undefined;
  const more = content.length > 3 ? ` and ${content.length - 3} more` : '';
  return `deleting it would delete what it holds: ${content.toSorted().slice(0, 3).join(', ')}${more}`;
}

async function contentOfNamespace(
  client: KubernetesClient,
  namespace: string,
  ending: SyncSet | undefined,
): Promise<string[]> {
  const catalog = await client.catalog();
  const limit = pLimit(parallel);
  const lists = await Promise.all(
    catalog
      .all()
      .filter((resource) => resource.namespaced && resource.verbs.includes('list') && resource.verbs.includes('delete'))
      .map((resource) => limit(() => client.list(resource, { namespace, metadataOnly: true }))),
  );
  return lists
    .flatMap((list) => list.items as KubernetesObject[])
    .filter((object) => !comesWithNamespace(object) && !isInventoryOf(ending, object))
    .map((object) => describeId(objectId(object)));
}

/** What the cluster itself puts into every namespace, and what belongs to another object. */
function comesWithNamespace(object: KubernetesObject): boolean {
  if ((object.metadata.ownerReferences ?? []).length > 0) return true;
  if (['Event', 'Endpoints', 'EndpointSlice'].includes(object.kind)) return true;
  if (object.kind === 'ServiceAccount') return object.metadata.name === 'default';
  return object.kind === 'ConfigMap' && object.metadata.name === 'kube-root-ca.crt';
}

function isInventoryOf(set: SyncSet | undefined, { kind, metadata }: KubernetesObject): boolean {
  if (set === undefined || metadata.namespace !== set.namespace || metadata.labels?.[setLabel] !== set.name)
    return false;
  return ['ConfigMap', 'Secret', 'Lease'].includes(kind) && metadata.name.startsWith(set.parentName);
}

async function contentOfDefinition(client: KubernetesClient, prune: PruneDecision): Promise<string[]> {
  const spec = prune.live?.['spec'] as { group?: string; names?: { kind?: string } } | undefined;
  const resource = (await client.catalog()).preferred(spec?.group ?? '', spec?.names?.kind ?? '');
  if (resource === undefined) return [];
  const { items } = await client.list(resource, { metadataOnly: true });
  return (items as KubernetesObject[]).map((object) => describeId(objectId(object)));
}

function describeFailure(prune: PruneDecision, error: unknown): string {
  const advice =
    error instanceof NotPermittedError ? ' Give the identity of the connection the verb delete on this kind.' : '';
  return `${describeId(prune.id)} could not be deleted: ${messageOf(error)}${advice} It stays in the inventory.`;
}

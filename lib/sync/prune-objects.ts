import pLimit from 'p-limit';
import { orderDeletion } from '../core/objects/kind-order.ts';
import { describeId, type KubernetesObject, keyOf, objectId } from '../core/objects/kubernetes-object.ts';
import { CancelledError, messageOf, NotPermittedError, type Problem } from '../errors.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import { pause } from '../ports/kubernetes/transport.ts';
import type { PruneDecision } from './prune-guards.ts';

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
  readonly timeoutMs: number;
  /** Keys of all objects that this run deletes, or that the set holds: what else a namespace holds protects it. */
  readonly ownKeys: ReadonlySet<string>;
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
    const pruned = await Promise.all(
      stage.objects.map((prune) =>
        limit(async (): Promise<Pruned> => {
          if (options.signal.aborted) return { prune, state: 'notReached' };
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
    const holds = await whatItHolds(client, prune, options.ownKeys);
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

/** Objects that go with a namespace or a definition and are not the set's: they protect it. */
async function whatItHolds(
  client: KubernetesClient,
  prune: PruneDecision,
  own: ReadonlySet<string>,
): Promise<string | undefined> {
  const { id } = prune;
  if (id.kind === 'Namespace' && id.group === '') return contentOfNamespace(client, id.name, own);
  if (id.kind === 'CustomResourceDefinition') return contentOfDefinition(client, prune, own);
  return undefined;
}

async function contentOfNamespace(
  client: KubernetesClient,
  namespace: string,
  own: ReadonlySet<string>,
): Promise<string | undefined> {
  const catalog = await client.catalog();
  const limit = pLimit(parallel);
  const foreign: string[] = [];
  await Promise.all(
    catalog
      .all()
      .filter((resource) => resource.namespaced && resource.verbs.includes('list') && resource.verbs.includes('delete'))
      .map((resource) =>
        limit(async () => {
          const { items } = await client.list(resource, { namespace, metadataOnly: true });
          for (const object of items as KubernetesObject[]) {
            const id = objectId(object);
            if (!own.has(keyOf(id)) && !comesWithNamespace(object)) foreign.push(describeId(id));
          }
        }),
      ),
  );
  if (foreign.length === 0) return undefined;
  return `it holds objects that are not of this set: ${foreign.sort().slice(0, 3).join(', ')}${foreign.length > 3 ? ` and ${foreign.length - 3} more` : ''}`;
}

/** What the cluster itself puts into every namespace, and what belongs to another object. */
function comesWithNamespace(object: KubernetesObject): boolean {
  if ((object.metadata.ownerReferences ?? []).length > 0) return true;
  if (['Event', 'Endpoints', 'EndpointSlice'].includes(object.kind)) return true;
  if (object.kind === 'ServiceAccount') return object.metadata.name === 'default';
  if (object.kind === 'ConfigMap')
    return object.metadata.name === 'kube-root-ca.crt' || object.metadata.name.startsWith('gitops-sync-');
  return false;
}

async function contentOfDefinition(
  client: KubernetesClient,
  prune: PruneDecision,
  own: ReadonlySet<string>,
): Promise<string | undefined> {
  const spec = prune.live?.['spec'] as { group?: string; names?: { kind?: string } } | undefined;
  const resource = (await client.catalog()).preferred(spec?.group ?? '', spec?.names?.kind ?? '');
  if (resource === undefined) return undefined;
  const { items } = await client.list(resource, { metadataOnly: true });
  const foreign = (items as KubernetesObject[])
    .map(objectId)
    .filter((id) => !own.has(keyOf(id)))
    .map(describeId);
  if (foreign.length === 0) return undefined;
  return `deleting it would delete ${foreign.length} objects that are not of this set, such as ${foreign.sort()[0]}`;
}

function describeFailure(prune: PruneDecision, error: unknown): string {
  const advice =
    error instanceof NotPermittedError ? ' Give the identity of the connection the verb delete on this kind.' : '';
  return `${describeId(prune.id)} could not be deleted: ${messageOf(error)}${advice} It stays in the inventory.`;
}

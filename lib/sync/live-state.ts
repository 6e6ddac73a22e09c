import pLimit from 'p-limit';
import {
  describeId,
  type KubernetesObject,
  keyOf,
  type ObjectId,
  objectId,
} from '../core/objects/kubernetes-object.ts';
import { NotPermittedError } from '../errors.ts';
import type { ApiCatalog, ApiResource } from '../ports/kubernetes/discovery.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import type { LoadedInventory } from './inventory-store.ts';
import { partOfLabel, type SyncSet } from './sync-set.ts';
import type { Target } from './targets.ts';

/** What is in the cluster of all that Git declares or the inventory records. */
export interface LiveState {
  /** By key; objects that do not exist are absent. */
  readonly objects: ReadonlyMap<string, KubernetesObject>;
  /** Objects that carry our label and are neither in Git nor in the inventory. */
  readonly strays: readonly KubernetesObject[];
  /** Recorded objects whose kind the cluster does not serve: it was removed, or its own server is down. By key. */
  readonly unserved: ReadonlyMap<string, 'removed' | 'down'>;
  /** Kinds of recorded objects as the cluster serves them, by `group/kind`. */
  readonly resources: ReadonlyMap<string, ApiResource>;
  /** What could not be looked through, for the log. */
  readonly notes: readonly string[];
  /** Objects of Git and of the inventory that may not even be read. By key. */
  readonly denied: ReadonlyMap<string, NotPermittedError>;
}

const parallel = 32;

/**
 * One LIST for each kind by the set's label, cluster-wide and only after a 403 for each namespace; a GET only for objects that the
 * LISTs do not have: new ones, and those whose label somebody removed.
 */
export async function readLiveState(
  client: KubernetesClient,
  catalog: ApiCatalog,
  set: SyncSet,
  targets: readonly Target[],
  loaded: LoadedInventory,
): Promise<LiveState> {
  const { resources, listed, unserved } = kindsToRead(catalog, targets, loaded);
  const limit = pLimit(parallel);
  const notes: string[] = [];
  const namespaces = namespacesToRead(set, targets, loaded);
  const wanted = wantedObjects(catalog, targets, loaded, resources);
  const lists = await Promise.all(
    listed.map((resource) => limit(() => listMembers(client, resource, set, namespaces, notes))),
  );
  const objects = new Map<string, KubernetesObject>();
  const strays = new Map<string, KubernetesObject>();
  listed.forEach((resource, index) => {
    for (const object of lists[index] ?? []) {
      const key = keyOf(objectId(object));
      const want = wanted.get(key);
      if (want === undefined) strays.set(key, object);
      else if (want.resource.version === resource.version) objects.set(key, object);
    }
  });
  const denied = new Map<string, NotPermittedError>();
  await Promise.all(
    [...wanted].map(async ([key, { id, resource }]) => {
      if (objects.has(key)) return;
      try {
        const found = await limit(() => client.get(resource, id.namespace, id.name));
        if (found !== undefined) objects.set(key, found as KubernetesObject);
      } catch (error) {
        if (!(error instanceof NotPermittedError)) throw error;
        denied.set(key, error);
      }
    }),
  );
  return { objects, strays: [...strays.values()], unserved, resources, notes, denied };
}

/** Each in one version: Git's, so that live and desired can be compared, or the recorded one. */
function wantedObjects(
  catalog: ApiCatalog,
  targets: readonly Target[],
  loaded: LoadedInventory,
  resources: ReadonlyMap<string, ApiResource>,
): Map<string, { id: ObjectId; resource: ApiResource }> {
  const wanted = new Map<string, { id: ObjectId; resource: ApiResource }>();
  for (const target of targets) {
    const resource = readableAs(catalog, target);
    if (resource !== undefined) wanted.set(target.key, { id: target.id, resource });
  }
  for (const [key, entry] of loaded.inventory.entries) {
    const resource = resources.get(kindKey(entry));
    if (resource !== undefined && !wanted.has(key)) wanted.set(key, { id: entry, resource });
  }
  return wanted;
}

/** A version that this run brings is not served yet; the object may exist under an older one. */
function readableAs(catalog: ApiCatalog, target: Target): ApiResource | undefined {
  return target.awaitsDefinition ? catalog.preferred(target.id.group, target.id.kind) : target.resource;
}

export function kindKey(id: Pick<ObjectId, 'group' | 'kind'>): string {
  return `${id.group}/${id.kind}`;
}

function kindsToRead(catalog: ApiCatalog, targets: readonly Target[], loaded: LoadedInventory) {
  const resources = new Map<string, ApiResource>();
  const listed = new Map<string, ApiResource>();
  const unserved = new Map<string, 'removed' | 'down'>();
  const read = (id: Pick<ObjectId, 'group' | 'kind'>, resource: ApiResource) => {
    if (!resources.has(kindKey(id))) resources.set(kindKey(id), resource);
    listed.set(`${kindKey(id)}/${resource.version}`, resource);
  };
  for (const target of targets) {
    const resource = readableAs(catalog, target);
    if (resource !== undefined) read(target.id, resource);
  }
  for (const [key, entry] of loaded.inventory.entries) {
    const resource =
      resources.get(kindKey(entry)) ??
      catalog.find(entry.group === '' ? entry.version : `${entry.group}/${entry.version}`, entry.kind) ??
      catalog.preferred(entry.group, entry.kind);
    if (resource !== undefined) read(entry, resource);
    else unserved.set(key, isDown(catalog, entry.group) ? 'down' : 'removed');
  }
  for (const hint of loaded.groupKinds) {
    const resource = catalog.preferred(hint.group, hint.kind);
    if (resource !== undefined && !resources.has(kindKey(hint))) read(hint, resource);
  }
  return { resources, listed: [...listed.values()], unserved };
}

/** Of an API whose own server is down nothing is known: its objects may be there as before. */
function isDown(catalog: ApiCatalog, group: string): boolean {
  return (catalog.unavailable?.() ?? []).some((version) => version.startsWith(`${group}/`));
}

function namespacesToRead(set: SyncSet, targets: readonly Target[], loaded: LoadedInventory): string[] {
  const names = new Set([set.namespace]);
  for (const target of targets) if (target.id.namespace !== '') names.add(target.id.namespace);
  for (const entry of loaded.inventory.entries.values()) if (entry.namespace !== '') names.add(entry.namespace);
  return [...names];
}

async function listMembers(
  client: KubernetesClient,
  resource: ApiResource,
  set: SyncSet,
  namespaces: readonly string[],
  notes: string[],
): Promise<KubernetesObject[]> {
  if (resource.verbs.length > 0 && !resource.verbs.includes('list')) return [];
  const labelSelector = `${partOfLabel}=${set.applySetId}`;
  try {
    return (await client.list(resource, { labelSelector })).items as KubernetesObject[];
  } catch (error) {
    if (!(error instanceof NotPermittedError)) throw error;
  }
  // Without the right to list, members are still found one by one through Git and the inventory; only strays are not.
  if (!resource.namespaced) {
    notes.push(`Not permitted to list ${resource.plural}: labelled objects that nothing records would not be noticed.`);
    return [];
  }
  const lists = await Promise.all(
    namespaces.map(async (namespace) => {
      try {
        return (await client.list(resource, { labelSelector, namespace })).items as KubernetesObject[];
      } catch (error) {
        if (!(error instanceof NotPermittedError)) throw error;
        notes.push(
          `Not permitted to list ${resource.plural} in namespace ${namespace}: strays there would not be noticed.`,
        );
        return [];
      }
    }),
  );
  return lists.flat();
}

/** For messages about an object that was found. */
export function describeObject(object: KubernetesObject): string {
  return describeId(objectId(object));
}

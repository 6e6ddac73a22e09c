import { ConflictError, InputError, NotPermittedError } from '../errors.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import {
  decodeParent,
  decodeShard,
  emptyInventory,
  encodeInventory,
  entriesByKey,
  groupKindsOf,
  type Inventory,
  type StoredObject,
  setLabel,
  shardName,
} from './inventory.ts';
import type { SyncSet } from './sync-set.ts';

const configMaps: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  verbs: [],
};

/** Kinds that the parent says its members have; a superset of those in the entries. */
export interface LoadedInventory {
  readonly inventory: Inventory;
  readonly groupKinds: readonly { readonly group: string; readonly kind: string }[];
  /** False before the first sync. */
  readonly exists: boolean;
}

/** Reads and writes one set's inventory; every write is guarded by the version that was read. */
export class InventoryStore {
  readonly #client: KubernetesClient;
  readonly #set: SyncSet;
  readonly #toolVersion: string;
  #resourceVersion: string | undefined;
  #shards: string[] = [];

  constructor(client: KubernetesClient, set: SyncSet, toolVersion: string) {
    this.#client = client;
    this.#set = set;
    this.#toolVersion = toolVersion;
  }

  async load(): Promise<LoadedInventory> {
    const set = this.#set;
    const parent = await this.#client.get(configMaps, set.namespace, set.parentName);
    if (parent === undefined) return { inventory: emptyInventory, groupKinds: [], exists: false };
    const { inventory, shardNames } = decodeParent(set, parent);
    const shards = await Promise.all(
      shardNames.map(async (name) => {
        const shard = await this.#client.get(configMaps, set.namespace, name);
        if (shard === undefined) {
          throw new InputError(
            `ConfigMap ${set.namespace}/${name} is missing: it is a part of the inventory of '${set.name}'. Restore it from a backup, or delete ConfigMap ${set.parentName} and run sync again: labelled objects are then taken over anew.`,
          );
        }
        return decodeShard(`ConfigMap ${set.namespace}/${name}`, shard);
      }),
    );
    this.#resourceVersion = parent['metadata'].resourceVersion;
    this.#shards = shardNames;
    return {
      inventory: { ...inventory, entries: entriesByKey([...inventory.entries.values(), ...shards.flat()]) },
      groupKinds: groupKindsOf(parent),
      exists: true,
    };
  }

  /** Throws ConflictError when another run wrote it since it was read here. */
  async save(inventory: Inventory): Promise<Inventory> {
    const next: Inventory = { ...inventory, epoch: inventory.epoch + 1 };
    const { parent, shards } = encodeInventory(this.#set, next, this.#toolVersion);
    for (const shard of shards) await this.#put(shard);
    const written = await this.#putParent(parent);
    this.#resourceVersion = written['metadata'].resourceVersion;
    const old = this.#shards;
    this.#shards = shards.map((_, index) => shardName(this.#set, next.epoch, index + 1));
    await Promise.all(old.map((name) => this.#client.delete(configMaps, this.#set.namespace, name)));
    return next;
  }

  /** Removes parent and shards, after the last member is gone. */
  async remove(): Promise<void> {
    const { namespace, parentName } = this.#set;
    await this.#client.delete(configMaps, namespace, parentName, {
      ...(this.#resourceVersion && { resourceVersion: this.#resourceVersion }),
    });
    await Promise.all(this.#shards.map((name) => this.#client.delete(configMaps, namespace, name)));
  }

  /**
   * Namespaces other than ours that hold a parent of a set of this name; two would fight over the same objects.
   * Undefined when we may not look.
   */
  async namesakes(): Promise<string[] | undefined> {
    try {
      const found = await this.#client.list(configMaps, {
        labelSelector: `${setLabel}=${this.#set.name},applyset.kubernetes.io/id`,
        metadataOnly: true,
      });
      return found.items
        .map((item) => item['metadata'].namespace as string)
        .filter((namespace) => namespace !== this.#set.namespace)
        .sort();
    } catch (error) {
      if (error instanceof NotPermittedError) return undefined;
      throw error;
    }
  }

  async #put(object: StoredObject): Promise<Json> {
    const { namespace, name } = object.metadata;
    try {
      return await this.#client.create(configMaps, namespace, object as unknown as Json);
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      return this.#client.replace(configMaps, namespace, name, object as unknown as Json);
    }
  }

  async #putParent(parent: StoredObject): Promise<Json> {
    const { namespace, name } = parent.metadata;
    try {
      if (this.#resourceVersion === undefined) {
        return await this.#client.create(configMaps, namespace, parent as unknown as Json);
      }
      const guarded = { ...parent, metadata: { ...parent.metadata, resourceVersion: this.#resourceVersion } };
      return await this.#client.replace(configMaps, namespace, name, guarded as unknown as Json);
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
      throw new ConflictError(
        `Another run changed the inventory of '${this.#set.name}' (ConfigMap ${namespace}/${name}) while this one was working. Let one run at a time deploy it: an exclusive lock check on the environment with lockBehavior: sequential. Then run again.`,
        'lockTimeout',
        { cause: error },
      );
    }
  }
}

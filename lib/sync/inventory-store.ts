import { randomBytes } from 'node:crypto';
import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
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
  shardLabel,
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

export interface StoreOptions {
  readonly toolVersion: string;
  /** See `encodeInventory`. */
  readonly shardSize?: number;
}

/** Reads and writes one set's inventory; every write is guarded by the version that was read. */
export class InventoryStore {
  readonly #client: KubernetesClient;
  readonly #set: SyncSet;
  readonly #options: StoreOptions;
  readonly #writer = randomBytes(4).toString('hex');
  #resourceVersion: string | undefined;
  #shards: readonly string[] = [];

  constructor(client: KubernetesClient, set: SyncSet, options: StoreOptions) {
    this.#client = client;
    this.#set = set;
    this.#options = options;
  }

  async load(): Promise<LoadedInventory> {
    const set = this.#set;
    for (let attempt = 0; ; attempt += 1) {
      const parent = await this.#client.get(configMaps, set.namespace, set.parentName);
      if (parent === undefined) {
        this.#resourceVersion = undefined;
        this.#shards = [];
        return { inventory: emptyInventory, groupKinds: [], exists: false };
      }
      const { inventory, shardNames } = decodeParent(set, parent);
      const shards = await Promise.all(
        shardNames.map(async (name) => ({ name, object: await this.#client.get(configMaps, set.namespace, name) })),
      );
      const missing = shards.find((shard) => shard.object === undefined);
      // A run that writes at this moment removes the shards of before once its own count.
      if (missing !== undefined && attempt < 3) continue;
      if (missing !== undefined) {
        throw new InputError(
          `ConfigMap ${set.namespace}/${missing.name} is missing: it is a part of the inventory of '${set.name}'. Restore it from a backup, or delete ConfigMap ${set.parentName} and run sync again: labelled objects are then taken over anew.`,
        );
      }
      const rest = shards.flatMap(({ name, object }) =>
        decodeShard(`ConfigMap ${set.namespace}/${name}`, object ?? {}),
      );
      this.#resourceVersion = parent['metadata'].resourceVersion;
      this.#shards = shardNames;
      return {
        inventory: { ...inventory, entries: entriesByKey([...inventory.entries.values(), ...rest]) },
        groupKinds: groupKindsOf(parent),
        exists: true,
      };
    }
  }

  /** Throws ConflictError when another run wrote it since it was read here. */
  async save(inventory: Inventory): Promise<Inventory> {
    const next: Inventory = { ...inventory, epoch: inventory.epoch + 1 };
    const { parent, shards } = encodeInventory(this.#set, next, { ...this.#options, writer: this.#writer });
    for (const shard of shards) await this.#put(shard);
    const written = await this.#putParent(parent);
    this.#resourceVersion = written['metadata'].resourceVersion;
    const hadShards = this.#shards.length > 0 || shards.length > 0;
    this.#shards = shards.map((shard) => shard.metadata.name);
    if (hadShards) await this.#removeOldShards(next.epoch);
    return next;
  }

  /** Removes parent and shards, after the last member is gone. */
  async remove(): Promise<void> {
    const { namespace, parentName } = this.#set;
    const hadShards = this.#shards.length > 0;
    await this.#client.delete(configMaps, namespace, parentName, {
      ...(this.#resourceVersion && { resourceVersion: this.#resourceVersion }),
    });
    this.#shards = [];
    if (hadShards) await this.#removeOldShards(Number.MAX_SAFE_INTEGER);
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

  /** Those of this set that no parent names any more, also what runs left that died. What is newer is another run's that writes now. */
  async #removeOldShards(epoch: number): Promise<void> {
    const { name, namespace } = this.#set;
    const found = await this.#client.list(configMaps, {
      namespace,
      labelSelector: `${setLabel}=${name},${shardLabel}`,
      metadataOnly: true,
    });
    const old = (found.items as KubernetesObject[]).filter(
      ({ metadata }) => Number(metadata.labels?.[shardLabel]) <= epoch && !this.#shards.includes(metadata.name),
    );
    await Promise.all(old.map(({ metadata }) => this.#client.delete(configMaps, namespace, metadata.name)));
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

import { gunzipSync, gzipSync } from 'node:zlib';
import { keyOf, type ObjectId } from '../core/objects/kubernetes-object.ts';
import { InputError } from '../errors.ts';
import { partOfLabel, type SyncSet } from './sync-set.ts';

/**
 * What a set made, as it is recorded in its parent ConfigMap: enough to delete exactly that and nothing else, and to tell
 * without asking for each object that nothing changed.
 */
export interface Inventory {
  /** Rises with every write; shards of another epoch do not count. */
  readonly epoch: number;
  /** The last commit that was applied completely; absent before the first. */
  readonly deployed?: Deployment;
  /** What a run began to apply and did not bring to a healthy end. */
  readonly attempt?: Deployment;
  /** A commit that was rolled back and is not deployed again by itself. */
  readonly held?: Held;
  readonly entries: ReadonlyMap<string, InventoryEntry>;
}

export interface Deployment {
  readonly commit: string;
  /** `refs/heads/main` */
  readonly ref?: string;
  readonly repository?: string;
  /** ISO 8601. */
  readonly at: string;
  /** A page that shows the run. */
  readonly run?: string;
  /** Who asked for the run. */
  readonly by?: string;
}

export interface Held extends Deployment {
  /** Why it was rolled back, in one sentence. */
  readonly reason: string;
}

export interface InventoryEntry extends ObjectId {
  readonly version: string;
  /** Absent until the object was applied once. */
  readonly uid?: string;
  /**
   * Written before the first request that may create or take over the object. It stays until that request was answered, so
   * that a run that died in between leaves a record of what it may have made.
   */
  readonly pending?: PendingIntent;
  /** The commit that made the object; absent for what was adopted. */
  readonly madeBy?: string;
  /** The commit that last changed it, and the page of the run. */
  readonly changedBy?: { readonly commit: string; readonly run?: string };
  /** The object existed before the set took it over. */
  readonly adopted?: true;
  /** See `fingerprint.ts`; absent until applied once, and for Secrets when there is no key for their digests. */
  readonly fingerprint?: Fingerprint;
}

export interface PendingIntent {
  readonly intent: 'create' | 'adopt';
  /** When the intent was written, ISO 8601: an object created before is not ours. */
  readonly since: string;
  /** The uid that was there before; absent when there was no object. */
  readonly seenUid?: string;
}

export interface Fingerprint {
  /** Of what Git declares. */
  readonly manifest: string;
  /** Of our own entry in the object's managedFields. */
  readonly entry: string;
  /** Of the server's values of the fields that we own. */
  readonly owned: string;
  /** Absent for kinds that have none. */
  readonly generation?: number;
}

export const emptyInventory: Inventory = { epoch: 0, entries: new Map() };

/** Two entries of one key cannot be: the last one wins, which only foreign hands can bring about. */
export function entriesByKey(entries: Iterable<InventoryEntry>): Map<string, InventoryEntry> {
  return new Map([...entries].map((entry) => [keyOf(entry), entry]));
}

/** Bytes of one ConfigMap value; the API server's limit for an object is 1 MiB of etcd and 1.5 MiB of request. */
const shardSize = 700_000;
const dataKey = 'inventory.v1';
const toolingAnnotation = 'applyset.kubernetes.io/tooling';
const toolingName = 'azdo-gitops';
const kindsAnnotation = 'applyset.kubernetes.io/contains-group-kinds';
const namespacesAnnotation = 'applyset.kubernetes.io/additional-namespaces';
const idLabel = 'applyset.kubernetes.io/id';
export const setLabel = 'gitops.pipelines/sync-set';
/** On shards, with the epoch as its value. */
export const shardLabel = 'gitops.pipelines/inventory-shard';

interface StoredInventory {
  readonly format: 1;
  readonly epoch: number;
  /** Names of the ConfigMaps that hold the rest of the entries. */
  readonly shards: readonly string[];
  readonly deployed?: Deployment;
  readonly attempt?: Deployment;
  readonly held?: Held;
  readonly entries: readonly InventoryEntry[];
}

export interface StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly data: Record<string, string>;
}

export interface EncodeOptions {
  readonly toolVersion: string;
  /** Of the run that writes: two runs that write at once must not write into each other's shards. */
  readonly writer: string;
  /** Bytes of one value; default 700 000. */
  readonly shardSize?: number;
}

/** The parent and, for a large set, its shards, which must be written before it. */
export function encodeInventory(
  set: SyncSet,
  inventory: Inventory,
  options: EncodeOptions,
): { parent: StoredObject; shards: StoredObject[] } {
  const entries = [...inventory.entries.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  const parts = split(entries, options.shardSize ?? shardSize);
  const names = parts.slice(1).map((_, index) => shardName(set, inventory.epoch, options.writer, index + 1));
  const stored: StoredInventory = {
    format: 1,
    epoch: inventory.epoch,
    shards: names,
    ...(inventory.deployed && { deployed: inventory.deployed }),
    ...(inventory.attempt && { attempt: inventory.attempt }),
    ...(inventory.held && { held: inventory.held }),
    entries: parts[0] ?? [],
  };
  const parent: StoredObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: set.parentName,
      namespace: set.namespace,
      labels: { [idLabel]: set.applySetId, [setLabel]: set.name },
      annotations: {
        [toolingAnnotation]: `${toolingName}/${options.toolVersion}`,
        [kindsAnnotation]: sortedUnique(entries.map(groupKind)).join(','),
        [namespacesAnnotation]: sortedUnique(
          entries
            .map((entry) => entry.namespace)
            .filter((namespace) => namespace !== '' && namespace !== set.namespace),
        ).join(','),
      },
    },
    data: { [dataKey]: pack(stored) },
  };
  const shards = parts.slice(1).map(
    (part, index): StoredObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: names[index] ?? '',
        namespace: set.namespace,
        labels: { [setLabel]: set.name, [shardLabel]: String(inventory.epoch) },
      },
      data: { [dataKey]: pack({ entries: part }) },
    }),
  );
  return { parent, shards };
}

/** Names carry epoch and writer, so that a run that dies between two shards, or loses against another, leaves the old ones whole. */
function shardName(set: SyncSet, epoch: number, writer: string, index: number): string {
  return `${set.parentName}-shard-${epoch}-${writer}-${index}`;
}

/** What a parent says; `shardNames` must be read for the rest of the entries. Throws InputError for what we did not write. */
export function decodeParent(
  set: SyncSet,
  parent: {
    metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
    data?: Record<string, string>;
  },
): { inventory: Inventory; shardNames: string[] } {
  const where = `ConfigMap ${set.namespace}/${set.parentName}`;
  const tooling = parent.metadata?.annotations?.[toolingAnnotation] ?? '';
  if (tooling.split('/')[0] !== toolingName) {
    throw new InputError(
      `${where} exists but is not an inventory of this task (its tooling is '${tooling}'). Choose another syncSet or inventoryNamespace, or delete the ConfigMap if nothing needs it.`,
    );
  }
  if (parent.metadata?.labels?.[idLabel] !== set.applySetId) {
    throw new InputError(
      `${where} carries the ApplySet id '${parent.metadata?.labels?.[idLabel] ?? ''}', not '${set.applySetId}': it was copied from another name or namespace. Restore its label, or delete it and adopt the objects again.`,
    );
  }
  const stored = unpack<StoredInventory>(parent.data?.[dataKey], where);
  if (stored.format !== 1) {
    throw new InputError(
      `${where} was written by a newer version of this task (format ${String(stored.format)}). Update the extension.`,
    );
  }
  return {
    inventory: {
      epoch: stored.epoch,
      ...(stored.deployed && { deployed: stored.deployed }),
      ...(stored.attempt && { attempt: stored.attempt }),
      ...(stored.held && { held: stored.held }),
      entries: entriesByKey(stored.entries),
    },
    shardNames: [...stored.shards],
  };
}

export function decodeShard(where: string, shard: { data?: Record<string, string> }): InventoryEntry[] {
  return [...unpack<{ entries: InventoryEntry[] }>(shard.data?.[dataKey], where).entries];
}

/** Kinds that kubectl and we look through for members, `Deployment.apps`. */
export function groupKindsOf(parent: {
  metadata?: { annotations?: Record<string, string> };
}): { group: string; kind: string }[] {
  const listed = parent.metadata?.annotations?.[kindsAnnotation] ?? '';
  return listed
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const dot = entry.indexOf('.');
      return dot < 0 ? { kind: entry, group: '' } : { kind: entry.slice(0, dot), group: entry.slice(dot + 1) };
    });
}

export function isMember(set: SyncSet, labels: Readonly<Record<string, string>> | undefined): boolean {
  return labels?.[partOfLabel] === set.applySetId;
}

function groupKind(entry: InventoryEntry): string {
  return entry.group === '' ? entry.kind : `${entry.kind}.${entry.group}`;
}

function sortedUnique(values: string[]): string[] {
  return [...new Set(values)].sort();
}

function pack(value: unknown): string {
  return gzipSync(JSON.stringify(value), { level: 9 }).toString('base64');
}

function unpack<T>(text: string | undefined, where: string): T {
  if (text === undefined) throw new InputError(`${where} has no data '${dataKey}': ${broken}`);
  try {
    // 64 MiB: far above any inventory, and a bound for what foreign hands may have put there.
    return JSON.parse(
      gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: 64 * 1024 * 1024 }).toString('utf8'),
    ) as T;
  } catch (error) {
    throw new InputError(`${where}: its data '${dataKey}' cannot be read: ${broken}`, { cause: error });
  }
}

const broken =
  'somebody changed it. Nothing is deleted on its word. Restore the ConfigMap from a backup, or delete it and run sync again: objects that carry the set’s label are then taken over anew.';

/** Halves until every part fits. */
function split(entries: readonly InventoryEntry[], size: number): (readonly InventoryEntry[])[] {
  if (entries.length < 2 || pack({ entries }).length <= size) return [entries];
  const middle = entries.length >> 1;
  return [...split(entries.slice(0, middle), size), ...split(entries.slice(middle), size)];
}

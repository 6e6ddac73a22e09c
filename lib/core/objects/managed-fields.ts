import { createHash, createHmac } from 'node:crypto';
import { canonicalJson, isRecord } from './canonical-json.ts';
import type { FieldPath } from './field-path.ts';
import {
  emptyFieldSet,
  type FieldSet,
  fieldsV1Of,
  hasPath,
  intersect,
  isEmpty,
  parseFieldSet,
  project,
  subtract,
  union,
} from './field-set.ts';
import type { KubernetesObject, ManagedFieldsEntry } from './kubernetes-object.ts';

/** The fields that an entry owns. An entry of a format other than FieldsV1 owns nothing that we can read. */
export function fieldSet(entry: ManagedFieldsEntry): FieldSet {
  return entry.fieldsType === undefined || entry.fieldsType === 'FieldsV1'
    ? parseFieldSet(entry.fieldsV1)
    : emptyFieldSet;
}

/** The object's entries; none when the server was asked to leave them out. */
export function managedFieldsOf(object: KubernetesObject): readonly ManagedFieldsEntry[] {
  const metadata: unknown = object.metadata;
  const entries = isRecord(metadata) ? metadata['managedFields'] : undefined;
  return Array.isArray(entries) ? entries.filter(isRecord) : [];
}

/** What a manager applied to the object itself: its Apply entry, not those of subresources or of updates under the same name. */
export function applyEntryOf(object: KubernetesObject, manager: string): ManagedFieldsEntry | undefined {
  return managedFieldsOf(object).find(
    (entry) => entry.manager === manager && entry.operation === 'Apply' && (entry.subresource ?? '') === '',
  );
}

/** The entries that own this very field. */
export function ownersOf(object: KubernetesObject, path: FieldPath): ManagedFieldsEntry[] {
  return managedFieldsOf(object).filter((entry) => hasPath(fieldSet(entry), path));
}

/** What all entries but the given one own. */
export function fieldsOfOthers(object: KubernetesObject, entry: ManagedFieldsEntry): FieldSet {
  return managedFieldsOf(object)
    .filter((other) => !sameEntry(other, entry))
    .map(fieldSet)
    .reduce(union, emptyFieldSet);
}

/**
 * `managedFields` after the entries that `isFolded` picks have become part of our Apply entry, which is what makes an apply remove
 * the fields that Git does not declare (the way of client-go's csaupgrade package). To be written by a JSON patch that tests the
 * object's resourceVersion. Fields of `except` stay with whoever has them. Undefined when nothing is to be folded.
 */
export function foldInto(
  object: KubernetesObject,
  ourManager: string,
  isFolded: (entry: ManagedFieldsEntry) => boolean,
  except: FieldSet = emptyFieldSet,
): ManagedFieldsEntry[] | undefined {
  const ours = applyEntryOf(object, ourManager);
  const folded = managedFieldsOf(object).filter((entry) => entry !== ours && isFolded(entry));
  const first = folded[0];
  if (first === undefined) return undefined;
  const kept = managedFieldsOf(object)
    .filter((entry) => entry !== ours)
    .flatMap((entry) => (folded.includes(entry) ? remainderOf(entry, except) : [entry]));
  const taken = folded.map((entry) => subtract(fieldSet(entry), except)).reduce(union, emptyFieldSet);
  const all = ours === undefined ? taken : union(fieldSet(ours), taken);
  const base: ManagedFieldsEntry = ours ?? {
    manager: ourManager,
    operation: 'Apply',
    apiVersion: first.apiVersion ?? object.apiVersion,
    fieldsType: 'FieldsV1',
    ...(first.time === undefined ? {} : { time: first.time }),
  };
  return [...kept, { ...base, fieldsV1: fieldsV1Of(all) }];
}

function remainderOf(entry: ManagedFieldsEntry, except: FieldSet): ManagedFieldsEntry[] {
  const rest = intersect(fieldSet(entry), except);
  return isEmpty(rest) ? [] : [{ ...entry, fieldsV1: fieldsV1Of(rest) }];
}

/** 16 hex digits that change whenever somebody takes a field from the entry or gives it one; the order of keys does not matter. */
export function entryHash(entry: ManagedFieldsEntry): string {
  return createHash('sha256')
    .update(canonicalJson(fieldsV1Of(fieldSet(entry))))
    .digest('hex')
    .slice(0, 16);
}

/**
 * 16 hex digits over the object, as the server gave it, as far as the entry owns it: the server's own writing of quantities, defaults
 * and mutations, so that it can be compared with what the server says later. With a `key` the digest is keyed: use that for Secrets,
 * whose plain digest would allow guessing the value.
 */
export function ownedDigest(object: KubernetesObject, entry: ManagedFieldsEntry, key?: string | Uint8Array): string {
  const owned = project(object, fieldSet(entry), fieldsOfOthers(object, entry));
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return hash.update(canonicalJson(owned)).digest('hex').slice(0, 16);
}

/** What identifies an entry (source: the managed fields' own key: manager, operation, apiVersion, subresource; updates by time too). */
function sameEntry(a: ManagedFieldsEntry, b: ManagedFieldsEntry): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    (a.subresource ?? '') === (b.subresource ?? '') &&
    (a.operation === 'Apply' || a.time === b.time)
  );
}

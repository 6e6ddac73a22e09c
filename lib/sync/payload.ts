import type { FieldPath, PathElement } from '../core/objects/field-path.ts';
import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { partOfLabel, type SyncSet } from './sync-set.ts';

/** Fields that only the server sets; manifests that were exported from a cluster carry them. */
const serverFields = [
  'managedFields',
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
];

/**
 * What is sent for an object of Git: as it is declared, with the set's label in its own metadata (never in templates or
 * selectors, which are immutable) and without what only the server may say.
 */
export function payloadOf(object: KubernetesObject, set: SyncSet, namespace: string): KubernetesObject {
  const metadata = { ...object.metadata };
  for (const name of serverFields) delete metadata[name];
  delete metadata.namespace;
  if (namespace !== '') metadata.namespace = namespace;
  metadata.labels = { ...metadata.labels, [partOfLabel]: set.applySetId };
  const payload: KubernetesObject = { ...object, metadata };
  // A status is its controller's to write.
  delete payload['status'];
  return payload;
}

/** A copy without the field; undefined when the path leads to nothing in it. */
export function withoutField<T>(value: T, path: FieldPath): T | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return undefined;
  if (Array.isArray(value)) {
    const index = indexOf(value, first);
    if (index < 0) return undefined;
    const copy: unknown[] = [...value];
    if (rest.length === 0) {
      copy.splice(index, 1);
      return copy as T;
    }
    const item = withoutField(copy[index], rest);
    if (item === undefined) return undefined;
    copy[index] = item;
    return copy as T;
  }
  if (!isRecord(value) || first.type !== 'field' || !Object.hasOwn(value, first.name)) return undefined;
  const copy: Record<string, unknown> = { ...value };
  if (rest.length === 0) {
    delete copy[first.name];
    return copy as T;
  }
  const item = withoutField(copy[first.name], rest);
  if (item === undefined) return undefined;
  copy[first.name] = item;
  return copy as T;
}

function indexOf(list: readonly unknown[], element: PathElement): number {
  switch (element.type) {
    case 'index':
      return element.index < list.length ? element.index : -1;
    case 'value':
      return list.indexOf(element.value);
    case 'key':
      return list.findIndex(
        (item) => isRecord(item) && Object.entries(element.keys).every(([key, wanted]) => item[key] === wanted),
      );
    case 'field':
      return -1;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

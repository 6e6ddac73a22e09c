import { createHash } from 'node:crypto';

/** The objects that are kept equal to Git together, and what marks them in the cluster. */
export interface SyncSet {
  readonly name: string;
  /** The namespace of the inventory; with the name it identifies the set in a cluster. */
  readonly namespace: string;
  readonly environment: string;
  /** The ConfigMap that is the ApplySet's parent and holds the inventory. */
  readonly parentName: string;
  /** The value of the label `applyset.kubernetes.io/part-of` on every member. */
  readonly applySetId: string;
  /** The field manager of everything that this set applies. */
  readonly fieldManager: string;
}

export const partOfLabel = 'applyset.kubernetes.io/part-of';
export const fieldManagerPrefix = 'azdo-gitops:';

export function syncSet(name: string, namespace: string, environment: string): SyncSet {
  const parentName = `gitops-sync-${name}`;
  return {
    name,
    namespace,
    environment,
    parentName,
    applySetId: applySetId(parentName, namespace, 'ConfigMap', ''),
    fieldManager: fieldManager(name),
  };
}

/**
 * The id of an ApplySet by its parent: `applyset-<base64url(sha256(name.namespace.kind.group))>-v1`. The dot before an empty
 * group stays. Source: KEP-3659 and kubectl's applyset.go.
 */
export function applySetId(name: string, namespace: string, kind: string, group: string): string {
  const hash = createHash('sha256').update(`${name}.${namespace}.${kind}.${group}`).digest('base64url');
  return `applyset-${hash}-v1`;
}

/** The API server refuses field managers over 128 bytes. */
function fieldManager(setName: string): string {
  const full = fieldManagerPrefix + setName;
  if (Buffer.byteLength(full) <= 128) return full;
  const hash = createHash('sha256').update(setName).digest('hex').slice(0, 12);
  return `${full.slice(0, 115)}-${hash}`;
}

import type { Manifest } from '../../lib/core/manifests/manifest.ts';
import type { KubernetesObject, ManagedFieldsEntry } from '../../lib/core/objects/kubernetes-object.ts';
import { keyOf } from '../../lib/core/objects/kubernetes-object.ts';
import type { ApiCatalog, ApiResource } from '../../lib/ports/kubernetes/discovery.ts';
import { payloadOf } from '../../lib/sync/payload.ts';
import { partOfLabel, syncSet } from '../../lib/sync/sync-set.ts';
import type { Target } from '../../lib/sync/targets.ts';

/** Parts of a made-up world, for tests of what decides without asking. */
export const set = syncSet('shop', 'gitops', 'test');

export const configMaps: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  verbs: ['get', 'list', 'patch', 'delete'],
};

export function manifest(object: KubernetesObject, line = 1): Manifest {
  return { object, origin: { file: 'app.yaml', line } };
}

export function configMap(name: string, data: Record<string, string> = { key: 'value' }): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data };
}

export function target(object: KubernetesObject, resource: ApiResource = configMaps): Target {
  const id = { group: resource.group, kind: object.kind, namespace: 'shop', name: object.metadata.name };
  return {
    id,
    key: keyOf(id),
    resource,
    awaitsDefinition: false,
    manifest: manifest(object),
    payload: payloadOf(object, set, 'shop'),
  };
}

/** An entry of managedFields that owns the data keys of a ConfigMap and the set's label. */
export function entry(
  manager: string,
  keys: readonly string[],
  more: Partial<ManagedFieldsEntry> = {},
): ManagedFieldsEntry {
  return {
    manager,
    operation: manager === set.fieldManager ? 'Apply' : 'Update',
    apiVersion: 'v1',
    fieldsType: 'FieldsV1',
    fieldsV1: {
      ...(manager === set.fieldManager && { 'f:metadata': { 'f:labels': { [`f:${partOfLabel}`]: {} } } }),
      'f:data': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])),
    },
    ...more,
  };
}

/** The object as it is in the cluster after this set applied it. */
export function applied(object: KubernetesObject, metadata: Record<string, unknown> = {}): KubernetesObject {
  const keys = Object.keys((object['data'] as object | undefined) ?? {});
  return {
    ...object,
    metadata: {
      ...object.metadata,
      uid: `uid-${object.metadata.name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:10Z',
      labels: { [partOfLabel]: set.applySetId },
      managedFields: [entry(set.fieldManager, keys)],
      ...metadata,
    },
  };
}

export function catalog(resources: readonly ApiResource[], unavailable: readonly string[] = []): ApiCatalog {
  const versionOf = ({ group, version }: ApiResource) => (group === '' ? version : `${group}/${version}`);
  return {
    find: (apiVersion, kind) => resources.find((one) => versionOf(one) === apiVersion && one.kind === kind),
    preferred: (group, kind) => resources.find((one) => one.group === group && one.kind === kind),
    all: () => resources,
    apiVersions: () => resources.map(versionOf),
    unavailable: () => unavailable,
  };
}

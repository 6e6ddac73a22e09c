import type { Manifest } from '../core/manifests/manifest.ts';
import {
  describeId,
  groupOf,
  type KubernetesObject,
  keyOf,
  type ObjectId,
  versionOf,
} from '../core/objects/kubernetes-object.ts';
import { InputError, type Problem } from '../errors.ts';
import { nearest } from '../ports/agent/nearest.ts';
import type { ApiCatalog, ApiResource } from '../ports/kubernetes/discovery.ts';
import { payloadOf } from './payload.ts';
import type { SyncSet } from './sync-set.ts';

/** An object that Git declares, addressed in one cluster. */
export interface Target {
  readonly id: ObjectId;
  readonly key: string;
  readonly resource: ApiResource;
  /** The server does not serve the kind yet: its CustomResourceDefinition is in the set. */
  readonly awaitsDefinition: boolean;
  readonly manifest: Manifest;
  readonly payload: KubernetesObject;
}

/**
 * Finds the API of every object. Kinds that the server does not serve are looked up in the set's own
 * CustomResourceDefinitions. Throws one InputError with every object that has no API or no place.
 */
export function resolveTargets(
  manifests: readonly Manifest[],
  catalog: ApiCatalog,
  set: SyncSet,
  defaultNamespace: string,
): Target[] {
  const defined = definitionsIn(manifests);
  const problems: Problem[] = [];
  const targets: Target[] = [];
  const seen = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest.object;
    const served = catalog.find(apiVersion, kind);
    const resource = served ?? defined.get(`${apiVersion} ${kind}`);
    if (resource === undefined) {
      problems.push({ at: manifest.origin, code: 'unknown-kind', message: unknownKind(manifest, catalog) });
      continue;
    }
    if (resource.verbs.length > 0 && !resource.verbs.includes('patch')) {
      problems.push({
        at: manifest.origin,
        code: 'not-applicable',
        message: `${apiVersion} ${kind} '${metadata.name}' cannot be kept in Git: the server does not let objects of this kind be applied.`,
      });
      continue;
    }
    const namespace = resource.namespaced ? (metadata.namespace ?? defaultNamespace) : '';
    const id: ObjectId = { group: resource.group, kind, namespace, name: metadata.name };
    const key = keyOf(id);
    const twin = seen.get(key);
    if (twin !== undefined) {
      problems.push({ at: manifest.origin, code: 'duplicate-object', message: duplicate(id, twin, manifest) });
      continue;
    }
    seen.set(key, manifest);
    targets.push({
      id,
      key,
      resource,
      awaitsDefinition: served === undefined,
      manifest,
      payload: payloadOf(manifest.object, set, namespace),
    });
  }
  if (problems.length > 0) throw new InputError(problems);
  return targets;
}

/** The APIs that the set's own CustomResourceDefinitions will bring. */
function definitionsIn(manifests: readonly Manifest[]): Map<string, ApiResource> {
  const found = new Map<string, ApiResource>();
  for (const { object } of manifests) {
    if (object.kind !== 'CustomResourceDefinition' || groupOf(object.apiVersion) !== 'apiextensions.k8s.io') continue;
    const spec = object['spec'] as
      | {
          group?: string;
          scope?: string;
          names?: { kind?: string; plural?: string };
          versions?: { name?: string; served?: boolean }[];
        }
      | undefined;
    const { group, names, scope } = spec ?? {};
    if (group === undefined || names?.kind === undefined || names.plural === undefined) continue;
    for (const version of Array.isArray(spec?.versions) ? spec.versions : []) {
      if (version.name === undefined || version.served === false) continue;
      found.set(`${group}/${version.name} ${names.kind}`, {
        group,
        version: version.name,
        kind: names.kind,
        plural: names.plural,
        namespaced: scope !== 'Cluster',
        verbs: [],
      });
    }
  }
  return found;
}

function unknownKind(manifest: Manifest, catalog: ApiCatalog): string {
  const { apiVersion, kind, metadata } = manifest.object;
  const what = `${apiVersion} ${kind} '${metadata.name}'`;
  if (catalog.unavailable?.().includes(apiVersion)) {
    return `${what}: the server of ${apiVersion} does not answer at the moment. Look at APIService ${versionOf(apiVersion)}.${groupOf(apiVersion)} and run again.`;
  }
  const preferred = catalog.preferred(groupOf(apiVersion), kind);
  if (preferred !== undefined) {
    return `${what}: the cluster does not serve version ${versionOf(apiVersion)} of ${kind}; it serves ${nameOf(preferred)}. Change the apiVersion.`;
  }
  const elsewhere = catalog.all().find((resource) => resource.kind.toLowerCase() === kind.toLowerCase());
  if (elsewhere !== undefined) {
    return `${what}: the cluster knows no such kind. Did you mean kind: ${elsewhere.kind} with apiVersion: ${nameOf(elsewhere)}?`;
  }
  const near = nearest(kind, [...new Set(catalog.all().map((resource) => resource.kind))]);
  const meant = catalog.all().find((resource) => resource.kind === near);
  if (meant !== undefined) {
    return `${what}: the cluster knows no such kind. Did you mean kind: ${meant.kind} with apiVersion: ${nameOf(meant)}? If not, install its CustomResourceDefinition first, or add it to the manifests.`;
  }
  return `${what}: the cluster knows no such kind, and no CustomResourceDefinition for it is among the manifests. Install its definition first, or add it to the manifests.`;
}

function nameOf(resource: ApiResource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

function duplicate(id: ObjectId, first: Manifest, second: Manifest): string {
  const line = first.origin.line === undefined ? '' : `:${first.origin.line}`;
  const same = first.object.apiVersion === second.object.apiVersion ? '' : ' in another apiVersion';
  return `${describeId(id)} is declared twice; it stands also in ${first.origin.file}${line}${same}. Remove one of them.`;
}

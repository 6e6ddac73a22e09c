import { UnreachableError } from '../../errors.ts';
import type { ApiCatalog, ApiResource } from './discovery.ts';
import type { Json } from './kubernetes-client.ts';
import { statusOf } from './kubernetes-error.ts';

const aggregated = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',');

type Fetch = (path: string, accept: string) => Promise<Json>;

/**
 * What the server serves: two requests by aggregated discovery (Kubernetes 1.26 and later), otherwise one for each group
 * version. A group whose own server is down is left out, as kubectl does; `find` does not know its kinds then.
 */
export async function readCatalog(fetch: Fetch): Promise<ApiCatalog> {
  const [core, groups] = await Promise.all([fetch('/api', aggregated), fetch('/apis', aggregated)]);
  const resources: ApiResource[] = [];
  const versions: string[] = [];
  const isAggregated = core['kind'] === 'APIGroupDiscoveryList' && groups['kind'] === 'APIGroupDiscoveryList';
  if (isAggregated) {
    for (const group of [...items(core), ...items(groups)]) addGroup(group, resources, versions);
  } else {
    await addLegacy(core, groups, fetch, resources, versions);
  }
  return new Catalog(resources, versions);
}

class Catalog implements ApiCatalog {
  readonly #resources: readonly ApiResource[];
  readonly #versions: readonly string[];
  readonly #byVersion = new Map<string, ApiResource>();
  readonly #preferred = new Map<string, ApiResource>();

  /** `resources` come in the server's order of preference. */
  constructor(resources: readonly ApiResource[], versions: readonly string[]) {
    this.#resources = resources;
    this.#versions = versions;
    for (const resource of resources) {
      const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
      this.#byVersion.set(`${apiVersion} ${resource.kind}`, resource);
      const kind = `${resource.group} ${resource.kind}`;
      if (!this.#preferred.has(kind)) this.#preferred.set(kind, resource);
    }
  }

  find(apiVersion: string, kind: string): ApiResource | undefined {
    return this.#byVersion.get(`${apiVersion} ${kind}`);
  }

  preferred(group: string, kind: string): ApiResource | undefined {
    return this.#preferred.get(`${group} ${kind}`);
  }

  all(): readonly ApiResource[] {
    return [...this.#preferred.values()];
  }

  apiVersions(): readonly string[] {
    const kinds = this.#resources.map((r) => `${r.group === '' ? r.version : `${r.group}/${r.version}`}/${r.kind}`);
    return [...new Set([...this.#versions, ...kinds])];
  }
}

function items(list: Json): Json[] {
  return Array.isArray(list['items']) ? (list['items'] as Json[]) : [];
}

function addGroup(group: Json, resources: ApiResource[], versions: string[]): void {
  const name = String(group['metadata']?.name ?? '');
  for (const version of (group['versions'] ?? []) as Json[]) {
    versions.push(name === '' ? version['version'] : `${name}/${version['version']}`);
    for (const resource of (version['resources'] ?? []) as Json[]) {
      resources.push({
        group: name,
        version: version['version'],
        // Pods' eviction and the like answer with another kind, but those are subresources and not in this list.
        kind: resource['responseKind']?.kind,
        plural: resource['resource'],
        namespaced: resource['scope'] === 'Namespaced',
        verbs: resource['verbs'] ?? [],
      });
    }
  }
}

async function addLegacy(
  core: Json,
  groups: Json,
  fetch: Fetch,
  resources: ApiResource[],
  versions: string[],
): Promise<void> {
  const wanted: { group: string; version: string; path: string }[] = [];
  for (const version of (core['versions'] ?? []) as string[])
    wanted.push({ group: '', version, path: `/api/${version}` });
  for (const group of (groups['groups'] ?? []) as Json[]) {
    const preferred = group['preferredVersion']?.version as string | undefined;
    const listed = ((group['versions'] ?? []) as Json[]).map((entry) => entry['version'] as string);
    const ordered = [...listed].sort((a, b) => Number(b === preferred) - Number(a === preferred));
    for (const version of ordered)
      wanted.push({ group: group['name'], version, path: `/apis/${group['name']}/${version}` });
  }
  const lists = await Promise.all(
    wanted.map((entry) =>
      fetch(entry.path, 'application/json').catch((error: unknown) => {
        // An aggregated API whose server is down answers 503; the rest of the cluster goes on.
        if (statusOf(error) >= 500 || statusOf(error) === 404 || error instanceof UnreachableError) return undefined;
        throw error;
      }),
    ),
  );
  wanted.forEach(({ group, version }, index) => {
    const list = lists[index];
    if (list === undefined) return;
    versions.push(group === '' ? version : `${group}/${version}`);
    for (const resource of (list['resources'] ?? []) as Json[]) {
      if (String(resource['name']).includes('/')) continue;
      resources.push({
        group,
        version,
        kind: resource['kind'],
        plural: resource['name'],
        namespaced: resource['namespaced'] === true,
        verbs: resource['verbs'] ?? [],
      });
    }
  });
}

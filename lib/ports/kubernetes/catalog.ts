import { UnreachableError } from '../../errors.ts';
import type { ApiCatalog, ApiResource } from './discovery.ts';
import type { Json } from './kubernetes-client.ts';
import { statusOf } from './kubernetes-error.ts';

const aggregated = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',');

/** `retryBudget` in milliseconds: how long a request is tried again. */
type Fetch = (path: string, accept: string, retryBudget?: number) => Promise<Json>;

/** A group whose own server is down must not hold up the others. */
const groupRetryBudget = 2_000;

/**
 * What the server serves: two requests by aggregated discovery (Kubernetes 1.26 and later), otherwise one for each group
 * version. A group whose own server is down is left out, as kubectl does; `find` does not know its kinds then.
 */
export async function readCatalog(fetch: Fetch): Promise<ApiCatalog> {
  const roots = await Promise.all([fetch('/api', aggregated), fetch('/apis', aggregated)]);
  const contents: Contents = { resources: [], versions: [], unavailable: [] };
  // Each for itself: a gateway may know the new form of one only.
  for (const root of roots) {
    if (root['kind'] === 'APIGroupDiscoveryList') for (const group of items(root)) addGroup(group, contents);
    else await addLegacy(root, fetch, contents);
  }
  return new Catalog(contents);
}

interface Contents {
  /** In the server's order of preference. */
  readonly resources: ApiResource[];
  readonly versions: string[];
  readonly unavailable: string[];
}

class Catalog implements ApiCatalog {
  readonly #contents: Contents;
  readonly #byVersion = new Map<string, ApiResource>();
  readonly #preferred = new Map<string, ApiResource>();

  constructor(contents: Contents) {
    this.#contents = contents;
    for (const resource of contents.resources) {
      const apiVersion = groupVersion(resource.group, resource.version);
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

  unavailable(): readonly string[] {
    return this.#contents.unavailable;
  }

  apiVersions(): readonly string[] {
    const { resources, versions } = this.#contents;
    const kinds = resources.map(({ group, version, kind }) => `${groupVersion(group, version)}/${kind}`);
    return [...new Set([...versions, ...kinds])];
  }
}

function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

function items(list: Json): Json[] {
  return Array.isArray(list['items']) ? (list['items'] as Json[]) : [];
}

function addGroup(group: Json, { resources, versions, unavailable }: Contents): void {
  const name = String(group['metadata']?.name ?? '');
  for (const version of (group['versions'] ?? []) as Json[]) {
    const id = groupVersion(name, version['version']);
    versions.push(id);
    if (version['freshness'] === 'Stale') {
      // What is listed may be long gone, and nothing of it can be used now.
      unavailable.push(id);
      continue;
    }
    for (const resource of (version['resources'] ?? []) as Json[]) {
      // Empty for what has subresources only.
      const kind = resource['responseKind']?.kind as string | undefined;
      if (!kind) continue;
      resources.push({
        group: name,
        version: version['version'],
        kind,
        plural: resource['resource'],
        namespaced: resource['scope'] === 'Namespaced',
        verbs: resource['verbs'] ?? [],
      });
    }
  }
}

/** `/api` or `/apis` as servers before aggregated discovery answer them: versions only, each with a list of its own. */
async function addLegacy(root: Json, fetch: Fetch, { resources, versions, unavailable }: Contents): Promise<void> {
  const wanted = legacyVersions(root);
  const lists = await Promise.all(
    wanted.map(({ path }) =>
      fetch(path, 'application/json', groupRetryBudget).catch((error: unknown) => {
        // An aggregated API whose server is down answers 503; the rest of the cluster goes on.
        if (statusOf(error) >= 500 || statusOf(error) === 404 || error instanceof UnreachableError) return undefined;
        throw error;
      }),
    ),
  );
  wanted.forEach(({ group, version }, index) => {
    const list = lists[index];
    const id = groupVersion(group, version);
    versions.push(id);
    if (list === undefined) unavailable.push(id);
    for (const resource of (list?.['resources'] ?? []) as Json[]) {
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

/** The preferred version of each group first. */
function legacyVersions(root: Json): { group: string; version: string; path: string }[] {
  const core = ((root['versions'] ?? []) as string[]).map((version) => ({
    group: '',
    version,
    path: `/api/${version}`,
  }));
  const others = ((root['groups'] ?? []) as Json[]).flatMap((group) => {
    const name = group['name'] as string;
    const preferred = group['preferredVersion']?.version as string | undefined;
    const listed = ((group['versions'] ?? []) as Json[]).map((entry) => entry['version'] as string);
    const ordered = [...listed].sort((a, b) => Number(b === preferred) - Number(a === preferred));
    return ordered.map((version) => ({ group: name, version, path: `/apis/${name}/${version}` }));
  });
  return [...core, ...others];
}

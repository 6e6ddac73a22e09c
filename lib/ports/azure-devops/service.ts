import type { IGitApi } from 'azure-devops-node-api/GitApi.js';
import { UnreachableError } from '../../errors.ts';
import type { NetworkSettings } from '../agent/agent.ts';
import { type Attempt, serviceError } from './errors.ts';
import { HttpAnswer } from './http-answer.ts';
import { type RetryOptions, withRetry } from './retry.ts';

export interface AzureDevOpsOptions {
  /** `https://dev.azure.com/org/` */
  readonly collectionUrl: string;
  /** Of the system connection; sent as a bearer token to the collection's host only. */
  readonly token: string;
  readonly network: NetworkSettings;
  readonly signal?: AbortSignal;
  readonly retry?: Omit<RetryOptions, 'signal'>;
}

/** A repository of Azure Repos: names or ids. */
export interface RepositoryAddress {
  readonly project: string;
  readonly repository: string;
}

export type Asked = Omit<Attempt, 'token'>;

/** One collection of Azure DevOps. Connects at the first call; what goes wrong is one of our errors and holds no token. */
export interface AzureDevOpsService {
  /** Calls the package's client of Git repositories, repeated where that is safe. */
  git<T>(asked: Asked, call: (api: IGitApi) => Promise<T>): Promise<T>;
  /**
   * Reads JSON from a path below the collection, e.g. `shop/_apis/build/builds/7/timeline`.
   *
   * @param area the id of a resource area that may live on a host of its own (Release Management does); asked for at the collection
   */
  read(asked: Asked, path: string, query?: Readonly<Record<string, string>>, area?: string): Promise<unknown>;
}

export function azureDevOpsService(options: AzureDevOpsOptions): AzureDevOpsService {
  const connections = new Map<string, Promise<IGitApi>>();
  const areas = new Map<string, Promise<string>>();
  const retry: RetryOptions = { ...options.retry, ...(options.signal ? { signal: options.signal } : {}) };

  /** The package keeps its token to the first host that it was used for, so each host has a connection of its own. */
  function connectTo(collectionUrl: string): Promise<IGitApi> {
    const known = connections.get(collectionUrl);
    if (known !== undefined) return known;
    const made = import('./node-api.ts').then(({ connectGitApi }) => connectGitApi({ ...options, collectionUrl }));
    connections.set(collectionUrl, made);
    return made;
  }

  async function call<T>(asked: Asked, collectionUrl: string, action: (api: IGitApi) => Promise<T>): Promise<T> {
    const api = await connectTo(collectionUrl);
    try {
      return await withRetry(() => action(api), retry);
    } catch (error) {
      throw toOurs(error, { ...asked, token: options.token });
    }
  }

  async function readAt(asked: Asked, collectionUrl: string, path: string): Promise<unknown> {
    const base = collectionUrl.endsWith('/') ? collectionUrl : `${collectionUrl}/`;
    return await call(asked, collectionUrl, async (api) => {
      const { getJson } = await import('./node-api.ts');
      return await getJson(api, `${base}${path}`);
    });
  }

  async function areaUrl(asked: Asked, area: string): Promise<string> {
    const list = (await readAt(asked, options.collectionUrl, '_apis/resourceAreas')) as { readonly value?: unknown };
    const found = Array.isArray(list.value)
      ? (list.value as { id?: unknown; locationUrl?: unknown }[]).find((one) => one.id === area)?.locationUrl
      : undefined;
    // A server of one's own has no areas elsewhere.
    if (typeof found !== 'string' || found === '') return options.collectionUrl;
    if (new URL(options.collectionUrl).protocol === 'https:' && new URL(found).protocol !== 'https:') {
      throw new UnreachableError(
        `Azure DevOps names ${new URL(found).host} without encryption; the token is not sent there.`,
      );
    }
    return found;
  }

  return {
    git: (asked, action) => call(asked, options.collectionUrl, action),
    read: async (asked, path, query = {}, area = undefined) => {
      const search = new URLSearchParams(query).toString();
      const full = search === '' ? path : `${path}?${search}`;
      if (area === undefined) return await readAt(asked, options.collectionUrl, full);
      const known = areas.get(area) ?? areaUrl(asked, area);
      areas.set(area, known);
      return await readAt(asked, await known, full);
    },
  };
}

function toOurs(error: unknown, attempt: Attempt): unknown {
  if (error instanceof HttpAnswer) return serviceError(error, attempt);
  // CancelledError is ours already.
  return error instanceof Error && 'outcome' in error ? error : serviceError(error, attempt);
}

export function place(address: RepositoryAddress): string {
  return `repository ${address.repository} of project ${address.project}`;
}

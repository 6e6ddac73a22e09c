import { InputError } from '../../errors.ts';
import type { ClusterAccess } from './access.ts';
import { readCatalog } from './catalog.ts';
import type { ApiCatalog, ApiResource } from './discovery.ts';
import type {
  ApplyOptions,
  ApplyResult,
  DeleteOptions,
  Json,
  JsonPatchOperation,
  KubernetesClient,
  ListOptions,
  ListResult,
  LogOptions,
  RawRequest,
  RequestStatistics,
  ServerVersion,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './kubernetes-client.ts';
import { statusOf } from './kubernetes-error.ts';
import { resourcePath, withQuery } from './paths.ts';
import { type HttpRequest, type HttpResponse, Transport, type TransportOptions } from './transport.ts';
import { readWatch } from './watch-stream.ts';

/** The first request is the caller's: nothing is sent here. */
export function connect(access: ClusterAccess, options: TransportOptions): KubernetesClient {
  if (!/^https?:\/\/[^/\s]+/.test(access.server)) {
    throw new InputError(`The cluster's address '${access.server}' is not an https:// address (${access.identity}).`);
  }
  return new RestClient(access, options);
}

const pageSize = 500;
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

class RestClient implements KubernetesClient {
  readonly server: string;
  readonly #transport: Transport;
  #catalog: Promise<ApiCatalog> | undefined;
  #version: Promise<ServerVersion> | undefined;

  constructor(access: ClusterAccess, options: TransportOptions) {
    this.server = access.server;
    this.#transport = new Transport(access, options);
  }

  get statistics(): RequestStatistics {
    return this.#transport.statistics;
  }

  version(): Promise<ServerVersion> {
    this.#version ??= this.#get('/version', 'version') as unknown as Promise<ServerVersion>;
    return this.#version;
  }

  catalog(options?: { refresh?: boolean }): Promise<ApiCatalog> {
    if (options?.refresh) this.#catalog = undefined;
    this.#catalog ??= readCatalog((path, accept) => this.#get(path, 'discovery', accept));
    return this.#catalog;
  }

  async get(resource: ApiResource, namespace: string, name: string): Promise<Json | undefined> {
    return orUndefined(() => this.#get(resourcePath(resource, namespace, name), 'get'));
  }

  async list(resource: ApiResource, options: ListOptions = {}): Promise<ListResult> {
    const items: Json[] = [];
    let cursor: string | undefined;
    let resourceVersion = '';
    do {
      const path = withQuery(resourcePath(resource, options.namespace ?? ''), {
        limit: pageSize,
        continue: cursor,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      });
      const page: Json = await this.#get(path, 'list', options.metadataOnly ? metadataOnly : undefined);
      const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
      // Items of a list carry neither apiVersion nor kind.
      for (const item of (page['items'] ?? []) as Json[]) items.push({ ...item, apiVersion, kind: resource.kind });
      resourceVersion = page['metadata']?.resourceVersion ?? '';
      cursor = page['metadata']?.continue || undefined;
    } while (cursor !== undefined);
    return { items, resourceVersion };
  }

  async *watch(resource: ApiResource, options: WatchOptions): AsyncGenerator<WatchEvent> {
    const path = withQuery(resourcePath(resource, options.namespace ?? ''), {
      watch: 1,
      allowWatchBookmarks: true,
      resourceVersion: options.resourceVersion,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    });
    yield* readWatch(
      () => this.#transport.stream({ method: 'GET', path, verb: 'watch', repeatable: true, signal: options.signal }),
      resource,
      options.signal,
    );
  }

  create(resource: ApiResource, namespace: string, body: Json, options: WriteOptions = {}): Promise<Json> {
    const path = withQuery(resourcePath(resource, namespace), writeQuery(options));
    return this.#write({
      method: 'POST',
      path,
      verb: 'create',
      body: JSON.stringify(body),
      repeatable: options.dryRun === true,
    });
  }

  replace(
    resource: ApiResource,
    namespace: string,
    name: string,
    body: Json,
    options: WriteOptions = {},
  ): Promise<Json> {
    const path = withQuery(resourcePath(resource, namespace, name), writeQuery(options));
    return this.#write({
      method: 'PUT',
      path,
      verb: 'update',
      body: JSON.stringify(body),
      repeatable: options.dryRun === true,
    });
  }

  async apply(
    resource: ApiResource,
    namespace: string,
    name: string,
    body: Json,
    options: ApplyOptions,
  ): Promise<ApplyResult> {
    const path = withQuery(resourcePath(resource, namespace, name), { ...writeQuery(options), force: options.force });
    const response = await this.#transport.send({
      method: 'PATCH',
      path,
      verb: options.dryRun ? 'dryRun' : 'apply',
      body: JSON.stringify(body),
      // JSON is YAML, and the only name of the type that servers before 1.32 know.
      contentType: 'application/apply-patch+yaml',
      repeatable: true,
    });
    return { object: parse(response), created: response.status === 201, warnings: warningsOf(response) };
  }

  jsonPatch(
    resource: ApiResource,
    namespace: string,
    name: string,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions = {},
  ): Promise<Json> {
    return this.#patch(resource, namespace, name, 'application/json-patch+json', operations, options);
  }

  mergePatch(
    resource: ApiResource,
    namespace: string,
    name: string,
    body: Json,
    options: WriteOptions = {},
  ): Promise<Json> {
    return this.#patch(resource, namespace, name, 'application/merge-patch+json', body, options);
  }

  async delete(
    resource: ApiResource,
    namespace: string,
    name: string,
    options: DeleteOptions = {},
  ): Promise<Json | undefined> {
    const preconditions = {
      ...(options.uid !== undefined && { uid: options.uid }),
      ...(options.resourceVersion !== undefined && { resourceVersion: options.resourceVersion }),
    };
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: options.propagation ?? 'Background',
      ...(Object.keys(preconditions).length > 0 && { preconditions }),
      ...(options.dryRun && { dryRun: ['All'] }),
    };
    const answer = await orUndefined(() =>
      this.#write({
        method: 'DELETE',
        path: resourcePath(resource, namespace, name),
        verb: options.dryRun ? 'dryRun' : 'delete',
        body: JSON.stringify(body),
        // Repeated without a uid it could delete a successor of the same name.
        repeatable: options.uid !== undefined || options.dryRun === true,
      }),
    );
    return answer === undefined || answer['kind'] === 'Status' ? undefined : answer;
  }

  async logs(namespace: string, pod: string, options: LogOptions): Promise<string | undefined> {
    const path = withQuery(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`, {
      container: options.container,
      previous: options.previous,
      tailLines: options.tailLines,
    });
    try {
      const response = await this.#transport.send({
        method: 'GET',
        path,
        verb: 'logs',
        accept: '*/*',
        repeatable: true,
      });
      return response.text;
    } catch (error) {
      // 400: the container has not started, or has no previous run.
      if (statusOf(error) === 404 || statusOf(error) === 400) return undefined;
      throw error;
    }
  }

  async request<T = Json>(request: RawRequest): Promise<T> {
    const response = await this.#transport.send({
      method: request.method,
      path: request.path,
      verb: request.method.toLowerCase(),
      repeatable: request.method === 'GET',
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      ...(request.contentType && { contentType: request.contentType }),
      ...(request.accept && { accept: request.accept }),
      ...(request.signal && { signal: request.signal }),
    });
    return parse(response) as T;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #get(path: string, verb: string, accept?: string): Promise<Json> {
    return parse(
      await this.#transport.send({ method: 'GET', path, verb, repeatable: true, ...(accept && { accept }) }),
    );
  }

  async #write(request: HttpRequest): Promise<Json> {
    return parse(await this.#transport.send(request));
  }

  #patch(
    resource: ApiResource,
    namespace: string,
    name: string,
    contentType: string,
    body: unknown,
    options: WriteOptions,
  ): Promise<Json> {
    const path = withQuery(resourcePath(resource, namespace, name), writeQuery(options));
    return this.#write({
      method: 'PATCH',
      path,
      verb: 'patch',
      body: JSON.stringify(body),
      contentType,
      repeatable: false,
    });
  }
}

function writeQuery(options: WriteOptions): Record<string, string | undefined> {
  return { fieldManager: options.fieldManager, dryRun: options.dryRun ? 'All' : undefined };
}

function parse(response: HttpResponse): Json {
  try {
    return JSON.parse(response.text) as Json;
  } catch (error) {
    throw new InputError(
      `The server's answer is not JSON, so it is not a Kubernetes API server or something stands between: ${response.text.slice(0, 120)}`,
      { cause: error },
    );
  }
}

/** `299 - "text"`, the form of https://datatracker.ietf.org/doc/html/rfc7234#section-5.5 */
function warningsOf(response: HttpResponse): string[] {
  const header = response.headers['warning'];
  const values = header === undefined ? [] : Array.isArray(header) ? header : [header];
  return values.flatMap((value) =>
    [...value.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? '').replace(/\\(.)/g, '$1')),
  );
}

async function orUndefined(action: () => Promise<Json>): Promise<Json | undefined> {
  try {
    return await action();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

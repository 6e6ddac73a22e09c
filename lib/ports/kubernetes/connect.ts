import type { ClusterAccess } from './access.ts';
import { checkAddress } from './address.ts';
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
import { listAll } from './list-pages.ts';
import { resourcePath, withQuery } from './paths.ts';
import { type HttpRequest, Transport, type TransportOptions } from './transport.ts';
import { warningTexts } from './warnings.ts';
import { readWatch } from './watch-stream.ts';

/** The first request is the caller's: nothing is sent here. */
export function connect(access: ClusterAccess, options: TransportOptions): KubernetesClient {
  checkAddress(access);
  return new RestClient(access, options);
}

interface GetOptions {
  readonly accept?: string | undefined;
  readonly retryBudget?: number | undefined;
}

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
    this.#version ??= (this.#get('/version', 'version') as Promise<unknown> as Promise<ServerVersion>).catch(
      (error) => {
        this.#version = undefined;
        throw error;
      },
    );
    return this.#version;
  }

  catalog(options?: { refresh?: boolean }): Promise<ApiCatalog> {
    if (options?.refresh) this.#catalog = undefined;
    if (this.#catalog === undefined) {
      const reading = readCatalog((path, accept, retryBudget) => this.#get(path, 'discovery', { accept, retryBudget }));
      this.#catalog = reading;
      // A failure must not be kept, or every later call would repeat it.
      reading.catch(() => {
        if (this.#catalog === reading) this.#catalog = undefined;
      });
    }
    return this.#catalog;
  }

  async get(resource: ApiResource, namespace: string, name: string): Promise<Json | undefined> {
    return orUndefined(() => this.#get(resourcePath(resource, namespace, name), 'get'));
  }

  list(resource: ApiResource, options: ListOptions = {}): Promise<ListResult> {
    return listAll(resource, options, (path, accept) => this.#get(path, 'list', { accept }));
  }

  async *watch(resource: ApiResource, options: WatchOptions): AsyncGenerator<WatchEvent> {
    const path = withQuery(resourcePath(resource, options.namespace ?? ''), {
      watch: 1,
      allowWatchBookmarks: true,
      // Without it the server closes some after an hour; a connection that died without a word is found as late.
      timeoutSeconds: 300,
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
    return this.#send({
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
    return this.#send({
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
    return {
      object: response.json,
      created: response.status === 201,
      warnings: warningTexts(response.headers['warning']),
    };
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
      this.#send({
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
        plainText: true,
        // A diagnosis must not wait for a node that is down.
        retryBudget: 5_000,
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
    return response.json as T;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #get(path: string, verb: string, options: GetOptions = {}): Promise<Json> {
    const { accept, retryBudget } = options;
    return this.#send({
      method: 'GET',
      path,
      verb,
      repeatable: true,
      ...(accept !== undefined && { accept }),
      ...(retryBudget !== undefined && { retryBudget }),
    });
  }

  async #send(request: HttpRequest): Promise<Json> {
    return (await this.#transport.send(request)).json;
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
    return this.#send({
      method: 'PATCH',
      path,
      verb: 'patch',
      body: JSON.stringify(body),
      contentType,
      repeatable: options.dryRun === true,
    });
  }
}

function writeQuery(options: WriteOptions): Record<string, string | undefined> {
  return { fieldManager: options.fieldManager, dryRun: options.dryRun ? 'All' : undefined };
}

async function orUndefined(action: () => Promise<Json>): Promise<Json | undefined> {
  try {
    return await action();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

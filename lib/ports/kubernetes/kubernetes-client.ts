import type { ApiCatalog, ApiResource } from './discovery.ts';

/**
 * What the product asks of one cluster: raw JSON over one connection pool. Bodies are sent and returned as they are, because
 * typed models drop fields that they do not know, and with them what Git declares.
 *
 * Every call throws the classes of `lib/errors.ts`: `NotPermittedError` for 401 and 403, `ConflictError` is left to callers
 * (a 409 is a `KubernetesError` with status 409), `UnreachableError` when no answer came, `CancelledError` after an abort.
 */
export interface KubernetesClient {
  /** `https://host:port`, as messages name the cluster. */
  readonly server: string;
  /** What was sent so far. */
  readonly statistics: RequestStatistics;

  version(): Promise<ServerVersion>;
  /** What the server serves, read once; `refresh` reads it again, after a CustomResourceDefinition was applied. */
  catalog(options?: { refresh?: boolean }): Promise<ApiCatalog>;

  get(resource: ApiResource, namespace: string, name: string): Promise<Json | undefined>;
  /** All pages. `metadataOnly` asks for PartialObjectMetadata. An empty namespace lists the whole cluster. */
  list(resource: ApiResource, options?: ListOptions): Promise<ListResult>;
  /** Ends when the signal is aborted or the server closes the stream; a 410 ends it with an `expired` event. */
  watch(resource: ApiResource, options: WatchOptions): AsyncIterable<WatchEvent>;
  create(resource: ApiResource, namespace: string, body: Json, options?: WriteOptions): Promise<Json>;
  /** PUT; the body's resourceVersion guards it. */
  replace(resource: ApiResource, namespace: string, name: string, body: Json, options?: WriteOptions): Promise<Json>;
  /** Server-side apply. */
  apply(
    resource: ApiResource,
    namespace: string,
    name: string,
    body: Json,
    options: ApplyOptions,
  ): Promise<ApplyResult>;
  jsonPatch(
    resource: ApiResource,
    namespace: string,
    name: string,
    operations: readonly JsonPatchOperation[],
    options?: WriteOptions,
  ): Promise<Json>;
  mergePatch(resource: ApiResource, namespace: string, name: string, body: Json, options?: WriteOptions): Promise<Json>;
  /** Undefined when the object is gone already; the object when it waits for finalizers. */
  delete(resource: ApiResource, namespace: string, name: string, options?: DeleteOptions): Promise<Json | undefined>;
  /** The last lines of a container; undefined when there is no log. */
  logs(namespace: string, pod: string, options: LogOptions): Promise<string | undefined>;
  /** For what has no method of its own, e.g. access reviews. */
  request<T = Json>(request: RawRequest): Promise<T>;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: a server's answer is foreign JSON; readers check what they read
export type Json = Record<string, any>;

export interface ServerVersion {
  readonly gitVersion: string;
  readonly major: string;
  readonly minor: string;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly metadataOnly?: boolean;
}

export interface ListResult {
  readonly items: Json[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Json }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  | { readonly type: 'EXPIRED' };

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  readonly force: boolean;
}

export interface ApplyResult {
  readonly object: Json;
  /** The server answered 201. */
  readonly created: boolean;
  /** `Warning` headers: deprecated APIs and the like. */
  readonly warnings: readonly string[];
}

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly dryRun?: boolean;
}

export interface LogOptions {
  readonly container: string;
  readonly previous?: boolean;
  readonly tailLines?: number;
}

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: unknown;
}

export interface RawRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, built by the caller with every part encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

export interface RequestStatistics {
  total: number;
  retries: number;
  readonly byVerb: Record<string, number>;
}

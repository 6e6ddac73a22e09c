import { UnreachableError } from '../../lib/errors.ts';
import type { ApiCatalog, ApiResource } from '../../lib/ports/kubernetes/discovery.ts';
import type {
  Json,
  KubernetesClient,
  ListOptions,
  ListResult,
  LogOptions,
  RawRequest,
  WatchEvent,
  WatchOptions,
} from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { KubernetesNotPermittedError } from '../../lib/ports/kubernetes/kubernetes-error.ts';

/** A cluster in memory that lists, watches, reads and logs as a client sees a real one, and can be made to fail. */
export interface FakeKubernetes extends KubernetesClient {
  /** Creates or changes an object, and tells the watches. Fills in uid, resourceVersion and creationTimestamp. */
  put(object: Json): Json;
  remove(apiVersion: string, kind: string, namespace: string, name: string): void;
  /** What the logs of a container are, `shop/web-1/app` or `shop/web-1/app/previous`. */
  readonly logLines: Map<string, string>;
  /** `list deployments`, `watch *`: answered by 403. */
  readonly forbidden: Set<string>;
  /** Everything is answered by no answer, and open watches break off. */
  disconnect(): void;
  reconnect(): void;
  /** Open watches end as they do when the server closes them, or when their version is too old. */
  endWatches(how: 'closed' | 'expired'): void;
  /** Open watches hear nothing any more, though nobody closed them. */
  deafen(): void;
  openWatches(): number;
  /** How the cluster behaves from now on. */
  readonly manner: {
    /** Watches end as soon as they are opened. */
    closeWatchesAtOnce: boolean;
    /** LISTs are never answered. */
    hangLists: boolean;
    /** What a GET has read is sent only when this resolves. */
    holdGets: Promise<void>;
  };
  /** What was asked, `list deployments shop`, in order. */
  readonly asked: string[];
  /** Documents of discovery by path. */
  readonly documents: Map<string, Json>;
}

interface Watcher {
  readonly resource: ApiResource;
  readonly options: WatchOptions;
  readonly queue: (WatchEvent | 'end' | 'break')[];
  deaf: boolean;
  wake(): void;
}

export function resource(apiVersion: string, kind: string, plural: string, namespaced = true): ApiResource {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return { group: group ?? '', version: version ?? '', kind, plural, namespaced, verbs: [] };
}

const STANDARD: readonly ApiResource[] = [
  resource('v1', 'Pod', 'pods'),
  resource('v1', 'Event', 'events'),
  resource('v1', 'ConfigMap', 'configmaps'),
  resource('v1', 'Service', 'services'),
  resource('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
  resource('apps/v1', 'Deployment', 'deployments'),
  resource('apps/v1', 'ReplicaSet', 'replicasets'),
  resource('apps/v1', 'StatefulSet', 'statefulsets'),
  resource('apps/v1', 'DaemonSet', 'daemonsets'),
  resource('batch/v1', 'Job', 'jobs'),
  resource('storage.k8s.io/v1', 'StorageClass', 'storageclasses', false),
  resource('example.com/v1', 'Widget', 'widgets'),
];

export function createFakeKubernetes(now: () => number = Date.now): FakeKubernetes {
  const objects = new Map<string, Json>();
  const watchers = new Set<Watcher>();
  const asked: string[] = [];
  const forbidden = new Set<string>();
  const logLines = new Map<string, string>();
  const documents = new Map<string, Json>();
  const manner = { closeWatchesAtOnce: false, hangLists: false, holdGets: Promise.resolve() };
  let version = 100;
  let connected = true;

  const ask = (verb: string, plural: string, namespace: string): void => {
    asked.push(`${verb} ${plural} ${namespace}`.trim());
    if (asked.length > 5_000) throw new Error('The code under test asks without end.');
    if (!connected) throw new UnreachableError('No answer from the fake cluster.');
    for (const rule of [`${verb} ${plural}`, `${verb} *`, `${verb} ${plural} ${namespace || '*'}`]) {
      if (forbidden.has(rule)) throw new KubernetesNotPermittedError(`${verb} ${plural} is forbidden`, 403);
    }
  };
  const emit = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Json): void => {
    for (const watcher of watchers) {
      if (watcher.deaf || !matches(object, watcher.resource, watcher.options)) continue;
      watcher.queue.push({ type, object: structuredClone(object) });
      watcher.wake();
    }
  };
  const tell = (what: WatchEvent | 'end' | 'break'): void => {
    for (const watcher of watchers) {
      watcher.queue.push(what);
      watcher.wake();
    }
  };
  const catalog: ApiCatalog = {
    find: (apiVersion, kind) => STANDARD.find((entry) => apiVersionOf(entry) === apiVersion && entry.kind === kind),
    preferred: (group, kind) => STANDARD.find((entry) => entry.group === group && entry.kind === kind),
    all: () => STANDARD,
    apiVersions: () => [...new Set(STANDARD.map(apiVersionOf))],
  };
  const unused = (): never => {
    throw new Error('The code under test only reads.');
  };

  return {
    server: 'https://fake',
    statistics: { total: 0, retries: 0, byVerb: {} },
    asked,
    forbidden,
    logLines,
    documents,
    manner,
    put: (object) => {
      const key = keyOfObject(object);
      const before = objects.get(key);
      version += 1;
      const after: Json = structuredClone({
        ...object,
        metadata: {
          uid: before?.['metadata'].uid ?? `uid-${version}`,
          creationTimestamp: before?.['metadata'].creationTimestamp ?? new Date(now()).toISOString(),
          ...object['metadata'],
          resourceVersion: String(version),
        },
      });
      objects.set(key, after);
      emit(before === undefined ? 'ADDED' : 'MODIFIED', after);
      return structuredClone(after);
    },
    remove: (apiVersion, kind, namespace, name) => {
      const key = keyOfObject({ apiVersion, kind, metadata: { namespace, name } });
      const before = objects.get(key);
      if (before === undefined) throw new Error(`There is no ${key}.`);
      objects.delete(key);
      version += 1;
      emit('DELETED', before);
    },
    disconnect: () => {
      connected = false;
      tell('break');
    },
    reconnect: () => {
      connected = true;
    },
    endWatches: (how) => tell(how === 'closed' ? 'end' : { type: 'EXPIRED' }),
    deafen: () => {
      for (const watcher of watchers) watcher.deaf = true;
    },
    openWatches: () => watchers.size,

    version: async () => ({ gitVersion: 'v1.36.3', major: '1', minor: '36' }),
    catalog: async () => catalog,
    get: async (api, namespace, name) => {
      ask('get', api.plural, namespace);
      const key = keyOfObject({ apiVersion: apiVersionOf(api), kind: api.kind, metadata: { namespace, name } });
      const found = structuredClone(objects.get(key));
      await manner.holdGets;
      return found;
    },
    list: async (api, options: ListOptions = {}): Promise<ListResult> => {
      ask('list', api.plural, options.namespace ?? '');
      if (manner.hangLists) await new Promise(() => undefined);
      const items = [...objects.values()].filter((object) => matches(object, api, options));
      return { items: structuredClone(items), resourceVersion: String(version) };
    },
    watch: async function* (api, options) {
      ask('watch', api.plural, options.namespace ?? '');
      if (manner.closeWatchesAtOnce) return;
      let wake = (): void => undefined;
      const watcher: Watcher = { resource: api, options, queue: [], deaf: false, wake: () => wake() };
      for (const object of objects.values()) {
        if (
          matches(object, api, options) &&
          Number(object['metadata'].resourceVersion) > Number(options.resourceVersion)
        )
          watcher.queue.push({ type: 'MODIFIED', object: structuredClone(object) });
      }
      watchers.add(watcher);
      options.signal.addEventListener('abort', watcher.wake);
      try {
        while (!options.signal.aborted) {
          const next = watcher.queue.shift();
          if (next === 'end') return;
          if (next === 'break') throw new UnreachableError('The connection of a watch broke off.');
          if (next !== undefined) yield next;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        watchers.delete(watcher);
      }
    },
    logs: async (namespace, pod, options: LogOptions) => {
      ask('get', 'pods/log', namespace);
      const text = logLines.get(
        `${namespace}/${pod}/${options.container}${options.previous === true ? '/previous' : ''}`,
      );
      return text
        ?.split('\n')
        .slice(-(options.tailLines ?? 1_000))
        .join('\n');
    },
    request: async <T>(request: RawRequest) => {
      ask('get', request.path, '');
      return (documents.get(request.path) ?? {}) as T;
    },
    create: unused,
    replace: unused,
    apply: unused,
    jsonPatch: unused,
    mergePatch: unused,
    delete: unused,
    close: async () => undefined,
  };
}

function apiVersionOf(entry: ApiResource): string {
  return entry.group === '' ? entry.version : `${entry.group}/${entry.version}`;
}

function keyOfObject(object: Json): string {
  const { namespace, name } = object['metadata'];
  return `${object['apiVersion']} ${object['kind']} ${namespace ?? ''}/${name}`;
}

function matches(object: Json, api: ApiResource, options: ListOptions): boolean {
  const { metadata } = object;
  if (object['apiVersion'] !== apiVersionOf(api) || object['kind'] !== api.kind) return false;
  if (options.namespace !== undefined && metadata.namespace !== options.namespace) return false;
  const labels = Object.entries(metadata.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  if (options.labelSelector !== undefined && !options.labelSelector.split(',').every((term) => labels.includes(term)))
    return false;
  return (options.fieldSelector ?? '')
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [path = '', value] = term.split('=');
      return path.split('.').reduce((part, name) => part?.[name], object as Json | undefined) === value;
    });
}

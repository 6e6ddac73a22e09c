import { isRecord, valueAt } from '../../core/objects/health/fields.ts';
import { describeId } from '../../core/objects/kubernetes-object.ts';
import type { Json, KubernetesClient, ListOptions } from '../../ports/kubernetes/kubernetes-client.ts';
import type { CarefulReader } from './careful-reader.ts';
import { type ContainerState, hasRun } from './container-states.ts';
import type { ContainerLog } from './diagnosis-model.ts';
import { logLines } from './foreign-text.ts';
import { type Owned, textAt, uidOf } from './owned-pods.ts';
import type { ScopeTarget } from './scopes.ts';
import { collectWarnings, type WarningEvent } from './warning-events.ts';

export interface Cluster {
  readonly client: KubernetesClient;
  readonly reader: CarefulReader;
  readonly namespace: string;
}

export const NOTHING: Owned = { replicaSets: [], pods: [] };

const WITH_PODS: ReadonlySet<string> = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
]);

export function read({ client, reader }: Cluster, { resource, id }: ScopeTarget): Promise<Json | undefined> {
  return reader.read(describeId(id), () => client.get(resource, id.namespace, id.name));
}

export async function readOwned(cluster: Cluster, live: Json): Promise<Owned> {
  const kind = textAt(live, 'kind');
  if (kind === 'Pod' && textAt(live, 'apiVersion') === 'v1') return { replicaSets: [], pods: [live] };
  const builtIn = /^(v1|apps\/.*|batch\/.*)$/.test(textAt(live, 'apiVersion'));
  if (!builtIn || !WITH_PODS.has(kind)) return NOTHING;
  const labelSelector = selectorOf(live);
  const options: ListOptions = { namespace: cluster.namespace, ...(labelSelector === '' ? {} : { labelSelector }) };
  const [pods, replicaSets] = await Promise.all([
    list(cluster, 'v1', 'Pod', options, 'Its Pods'),
    kind === 'Deployment' ? list(cluster, 'apps/v1', 'ReplicaSet', options, 'Its ReplicaSets') : [],
  ]);
  return { pods, replicaSets };
}

async function list(
  { client, reader }: Cluster,
  apiVersion: string,
  kind: string,
  options: ListOptions,
  what: string,
): Promise<Json[]> {
  const listed = await reader.read(what, async () => {
    const resource = (await client.catalog()).find(apiVersion, kind);
    return resource === undefined ? [] : (await client.list(resource, options)).items;
  });
  return listed ?? [];
}

/** Labels only: what other terms would leave out is left out by the owner references. */
function selectorOf(live: Json): string {
  const spec = valueAt(live, 'spec.selector');
  const labels = isRecord(spec)
    ? (valueAt(spec, 'matchLabels') ?? (live['kind'] === 'ReplicationController' ? spec : {}))
    : {};
  return Object.entries(isRecord(labels) ? labels : {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',');
}

/** The claims of Pods that found no node or are not started: one that is not bound may be why. */
export async function readClaims(cluster: Cluster, pods: readonly Json[]): Promise<Json[]> {
  const names = new Set(
    pods
      .filter((pod) => textAt(pod, 'status.phase') === 'Pending')
      .flatMap((pod) => {
        const volumes = valueAt(pod, 'spec.volumes');
        return Array.isArray(volumes) ? volumes.map((volume) => textAt(volume, 'persistentVolumeClaim.claimName')) : [];
      }),
  );
  names.delete('');
  const claims = await Promise.all(
    [...names].map((name) =>
      cluster.reader.read(`PersistentVolumeClaim ${name}`, async () => {
        const resource = (await cluster.client.catalog()).find('v1', 'PersistentVolumeClaim');
        return resource === undefined ? undefined : cluster.client.get(resource, cluster.namespace, name);
      }),
    ),
  );
  return claims.filter((claim) => claim !== undefined && textAt(claim, 'status.phase') !== 'Bound') as Json[];
}

export async function readEvents(cluster: Cluster, involved: readonly Json[], since: Date): Promise<WarningEvent[]> {
  if (involved.length === 0) return [];
  // Events about objects without a namespace are kept in this one.
  const namespace = cluster.namespace === '' ? 'default' : cluster.namespace;
  const events = await list(cluster, 'v1', 'Event', { namespace, fieldSelector: 'type=Warning' }, 'Its events');
  return collectWarnings(events, new Set(involved.map(uidOf)), since);
}

export async function readLogs(
  cluster: Cluster,
  containers: readonly ContainerState[],
  tailLines: number,
): Promise<ContainerLog[]> {
  const wanted = containers.filter(hasRun).flatMap((state) => {
    const runs = state.restarts > 0 || state.before !== undefined ? [true, false] : [false];
    return runs.map((previous) => ({ pod: state.pod, container: state.container, previous }));
  });
  const logs = await Promise.all(
    wanted.map(async ({ pod, container, previous }): Promise<ContainerLog> => {
      const text = await cluster.reader.read(`The log of container ${container} of Pod ${pod}`, () =>
        cluster.client.logs(cluster.namespace, pod, { container, tailLines, ...(previous ? { previous } : {}) }),
      );
      return { pod, container, previous, lines: logLines(text ?? '', tailLines) };
    }),
  );
  // A container that waits to be started again has one run only, and both questions are answered with it.
  return logs.filter((log, index) => log.lines.length > 0 && !isRepeated(log, logs.slice(0, index)));
}

function isRepeated(log: ContainerLog, earlier: readonly ContainerLog[]): boolean {
  return earlier.some(
    ({ pod, container, lines }) =>
      pod === log.pod && container === log.container && lines.join('\n') === log.lines.join('\n'),
  );
}

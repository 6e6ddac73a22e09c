/** Objects that the cluster's own tests make, and what they read of them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterClient, KubernetesJson } from './index.ts';

type Script = Readonly<Record<string, string>>;

function annotations(script: Script): Record<string, string> {
  return Object.fromEntries(Object.entries(script).map(([name, value]) => [`test.gitops.pipelines/${name}`, value]));
}

export function pod(name: string, script: Script = {}, image = 'web', restartPolicy = 'Always') {
  const containers: object[] = [{ name: 'app', image }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations: annotations(script) },
    spec: { containers, restartPolicy },
  };
}

export function deployment(name: string, { replicas = 1, script = {} as Script } = {}) {
  const labels = { app: name };
  const { metadata, spec } = pod(name, script);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations: metadata.annotations }, spec },
    },
  };
}

export function job(name: string, script: Script = {}) {
  const { metadata, spec } = pod(name, script, 'task', 'Never');
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { backoffLimit: 0, template: { metadata: { annotations: metadata.annotations }, spec } },
  };
}

export function podPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

interface Terminated {
  readonly exitCode: number;
  readonly reason: string;
}

export interface ContainerStatus {
  readonly restartCount?: number;
  readonly state?: { readonly waiting?: { reason: string; message?: string }; readonly running?: object };
  readonly lastState?: { readonly terminated?: Terminated };
}

/** The status of a Pod's first container. */
export function container(
  seen: KubernetesJson | undefined,
  list: 'containerStatuses' | 'initContainerStatuses' = 'containerStatuses',
): ContainerStatus | undefined {
  return (seen?.['status'] as { [list]?: ContainerStatus[] } | undefined)?.[list]?.[0];
}

export interface EventSeen {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** A Pod's events, once one of them contains a text: they come a moment after the status that they belong to. */
export async function eventsOf(
  client: ClusterClient,
  namespace: string,
  name: string,
  text: string,
): Promise<EventSeen[]> {
  const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.name%3D${name}`;
  const end = Date.now() + 10_000;
  for (;;) {
    const events = (await client.list(path)) as unknown as EventSeen[];
    if (events.some((one) => one.message.includes(text))) return events;
    if (Date.now() > end) throw new Error(`No event of ${name} says ${text}: ${JSON.stringify(events)}`);
    await delay(50);
  }
}

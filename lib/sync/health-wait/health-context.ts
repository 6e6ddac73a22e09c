import { assessHealth, type Health } from '../../core/objects/health.ts';
import { stageOf } from '../../core/objects/kind-order.ts';
import type { KubernetesObject } from '../../core/objects/kubernetes-object.ts';
import type { ApiResource } from '../../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { nameOf, textAt } from './owned-pods.ts';
import type { ScopeTarget } from './scopes.ts';

/** Judges an object with what is known of its cluster. */
export type Judge = (object: Json, target: ScopeTarget, now: Date) => Health;

/**
 * Looks up what health needs and the object does not tell: how StorageClasses bind, and which custom kinds have a status. Until
 * an answer is there it is assumed that there is something to wait for; when none is to be had, that there is not.
 */
export function createJudge(client: KubernetesClient, targets: readonly ScopeTarget[], changed: () => void): Judge {
  const modes = lookUpOnce(changed, () => bindingModes(client));
  const kinds = new Map<string, Lookup<ReadonlySet<string>>>();
  if (targets.some(({ id }) => id.group === '' && id.kind === 'PersistentVolumeClaim')) modes.start();
  for (const { resource } of targets.filter(isCustom)) {
    const key = `${resource.group}/${resource.version}`;
    if (kinds.has(key)) continue;
    const lookup = lookUpOnce(changed, () => kindsWithStatus(client, key));
    kinds.set(key, lookup);
    lookup.start();
  }
  return (object, { resource }, now) => {
    const withStatus = kinds.get(`${resource.group}/${resource.version}`);
    return assessHealth(object as KubernetesObject, {
      now,
      ...(withStatus === undefined ? {} : { crdHasStatus: hasStatus(withStatus, resource) }),
      bindingModeOf: (className) => (modes.pending ? 'Immediate' : modes.value?.get(className)),
    });
  };
}

interface Lookup<T> {
  readonly pending: boolean;
  /** Undefined also when it could not be read. */
  readonly value: T | undefined;
  start(): void;
}

function lookUpOnce<T>(changed: () => void, read: () => Promise<T | undefined>): Lookup<T> {
  let pending = true;
  let value: T | undefined;
  const start = (): void => {
    const end = (found: T | undefined): void => {
      value = found;
      pending = false;
      changed();
    };
    read().then(end, () => end(undefined));
  };
  return {
    get pending() {
      return pending;
    },
    get value() {
      return value;
    },
    start,
  };
}

function hasStatus(lookup: Lookup<ReadonlySet<string>>, resource: ApiResource): boolean {
  return lookup.pending || (lookup.value?.has(resource.plural) ?? false);
}

function isCustom({ id }: ScopeTarget): boolean {
  const stage = stageOf(id);
  return stage === 'customResources' || stage === 'customClasses';
}

async function bindingModes(client: KubernetesClient): Promise<ReadonlyMap<string, string> | undefined> {
  const classes = (await client.catalog()).preferred('storage.k8s.io', 'StorageClass');
  if (classes === undefined) return undefined;
  const { items } = await client.list(classes);
  // Without a mode the API means Immediate.
  return new Map(items.map((item) => [nameOf(item), textAt(item, 'volumeBindingMode') || 'Immediate']));
}

/** Every authenticated user may read discovery documents, though not CustomResourceDefinitions. */
async function kindsWithStatus(client: KubernetesClient, groupVersion: string): Promise<ReadonlySet<string>> {
  const path = `/apis/${groupVersion.split('/').map(encodeURIComponent).join('/')}`;
  const answer = await client.request({ method: 'GET', path });
  const names = Array.isArray(answer['resources'])
    ? (answer['resources'] as unknown[]).map((entry) => textAt(entry, 'name'))
    : [];
  return new Set(names.filter((name) => name.endsWith('/status')).map((name) => name.slice(0, -'/status'.length)));
}

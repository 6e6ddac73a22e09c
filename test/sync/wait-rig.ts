import assert from 'node:assert/strict';
import type { HealthStatus } from '../../lib/core/objects/health.ts';
import { describeId } from '../../lib/core/objects/kubernetes-object.ts';
import type { ApiResource } from '../../lib/ports/kubernetes/discovery.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import {
  type WaitOptions,
  type WaitProgress,
  type WaitResult,
  type WaitTarget,
  waitForHealth,
} from '../../lib/sync/wait.ts';
import type { FakeClock } from './fake-clock.ts';
import { type FakeKubernetes, resource } from './fake-kubernetes.ts';

export const deployments = resource('apps/v1', 'Deployment', 'deployments');
export const jobs = resource('batch/v1', 'Job', 'jobs');

export function deployment(
  name: string,
  { available = 1, replicas = 1, conditions = [] as Json[], namespace = 'shop' } = {},
): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, generation: 1, labels: { set: 'mine' } },
    spec: { replicas },
    status: {
      observedGeneration: 1,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: available,
      availableReplicas: available,
      conditions: [{ type: 'Available', status: available === replicas ? 'True' : 'False' }, ...conditions],
    },
  };
}

export function job(name: string, status: Json, spec: Json = {}): Json {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace: 'shop' }, spec, status };
}

export const complete = { startTime: 'x', succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] };
export const failed = {
  startTime: 'x',
  conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }],
};

export function target(
  api: ApiResource,
  name: string,
  more: Partial<WaitTarget> & { namespace?: string } = {},
): WaitTarget {
  const { namespace = 'shop', ...rest } = more;
  return { resource: api, id: { group: api.group, kind: api.kind, namespace, name }, ...rest };
}

export interface Running {
  readonly clock: FakeClock;
  readonly cluster: FakeKubernetes;
  readonly progress: WaitProgress[];
  readonly cancel: () => void;
  /** Undefined while it goes on. */
  result(): WaitResult | undefined;
  error(): unknown;
}

/** Begins a wait of a minute that a test looks at while time passes. */
export function startWait(
  cluster: FakeKubernetes,
  clock: FakeClock,
  targets: readonly WaitTarget[],
  options: Partial<WaitOptions> = {},
): Running {
  const controller = new AbortController();
  const progress: WaitProgress[] = [];
  let result: WaitResult | undefined;
  let error: unknown;
  waitForHealth(cluster, targets, {
    timeoutMs: 60_000,
    signal: controller.signal,
    onProgress: (seen) => progress.push(seen),
    clock,
    ...options,
  }).then(
    (value) => {
      result = value;
    },
    (reason: unknown) => {
      error = reason;
    },
  );
  return { clock, cluster, progress, cancel: () => controller.abort(), result: () => result, error: () => error };
}

/** What the wait ended with. Fails while it goes on. */
export function ended(running: Running): WaitResult {
  assert.equal(running.error(), undefined);
  const result = running.result();
  assert.ok(result, 'it is still waiting');
  return result;
}

export function statuses(result: WaitResult): [string, HealthStatus, string][] {
  return result.objects.map(({ target: { id }, health, outcome }) => [describeId(id), health.status, outcome]);
}

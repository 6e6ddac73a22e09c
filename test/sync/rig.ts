import { createHash, randomBytes } from 'node:crypto';
import { loadAll } from 'js-yaml';
import type { Manifest } from '../../lib/core/manifests/manifest.ts';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import type { Log } from '../../lib/ports/agent/agent.ts';
import { connect } from '../../lib/ports/kubernetes/connect.ts';
import { accessFromKubeconfigFile } from '../../lib/ports/kubernetes/kubeconfig.ts';
import type { KubernetesClient } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import type { ActionContext, ActionResult } from '../../lib/sync/action-result.ts';
import { InventoryStore } from '../../lib/sync/inventory-store.ts';
import { leaseApi } from '../../lib/sync/lock/lease-api.ts';
import { SyncLock } from '../../lib/sync/lock/lock.ts';
import type { LockClock } from '../../lib/sync/lock/lock-clock.ts';
import { describeWait } from '../../lib/sync/lock/messages.ts';
import type { SyncOptions } from '../../lib/sync/options.ts';
import { runApply } from '../../lib/sync/run-apply.ts';
import { runDestroy } from '../../lib/sync/run-destroy.ts';
import { runDrift, runPlan } from '../../lib/sync/run-plan.ts';
import { runRollback } from '../../lib/sync/run-rollback.ts';
import { runStatus } from '../../lib/sync/run-status.ts';
import { runSync } from '../../lib/sync/run-sync.ts';
import { syncSet } from '../../lib/sync/sync-set.ts';

/** The inputs' defaults, as the task has them. */
export const defaults: SyncOptions = {
  action: 'sync',
  syncSet: 'test',
  environment: 'test',
  connectionType: 'kubeconfig',
  kubernetesServiceConnection: undefined,
  kubeconfig: undefined,
  kubeContext: undefined,
  namespace: undefined,
  inventoryNamespace: undefined,
  renderType: 'auto',
  manifests: ['test.yaml'],
  releaseName: undefined,
  valueFiles: [],
  overrides: [],
  chartRepository: undefined,
  chartVersion: undefined,
  chartDigest: undefined,
  registryConnection: undefined,
  kubernetesVersion: undefined,
  apiVersions: [],
  substitute: [],
  decryptSops: false,
  kustomizePath: undefined,
  helmPath: undefined,
  sopsPath: undefined,
  protectedBranch: undefined,
  repositoryPath: undefined,
  allowUnmerged: false,
  allowOlder: false,
  commitStatus: false,
  prune: true,
  maxPrune: undefined,
  allowEmpty: false,
  confirmDestroy: undefined,
  deleteProtectedKinds: [],
  conflicts: 'auto',
  adopt: 'ifUnowned',
  foreignFields: 'correct',
  preflight: 'server',
  wait: 'all',
  timeout: 60_000,
  failOnDrift: false,
  guardrails: undefined,
  requireGuardrails: false,
  breakGlass: undefined,
  lockTimeout: 600_000,
  planStore: 'none',
  planDigest: undefined,
  revision: undefined,
  rollbackOnFailure: false,
  release: false,
};

export interface Rig {
  readonly log: string[];
  sync(yaml: string, options?: Partial<SyncOptions>): Promise<ActionResult>;
  plan(yaml: string, options?: Partial<SyncOptions>): Promise<ActionResult>;
  drift(yaml: string, options?: Partial<SyncOptions>): Promise<ActionResult>;
  apply(planDigest: string, options?: Partial<SyncOptions>): Promise<ActionResult>;
  rollback(options?: Partial<SyncOptions>): Promise<ActionResult>;
  status(): Promise<ActionResult>;
  destroy(options?: Partial<SyncOptions>): Promise<ActionResult>;
  /** Requests of the last action, by verb. */
  requests(): Record<string, number>;
}

export interface RigOptions {
  readonly kubeconfig: string;
  readonly set: string;
  /** Of objects that name none. */
  readonly namespace: string;
  /** Default: `namespace`. */
  readonly inventoryNamespace?: string;
  readonly signal?: AbortSignal;
  /** Of the inventory, in bytes. */
  readonly shardSize?: number;
  /** Who the run is for those who wait for it. Without it actions take no lock. */
  readonly holder?: string;
  /** How long they wait for it. Milliseconds; default a minute. */
  readonly lockTimeout?: number;
  /** What time it is for the lock. */
  readonly lockClock?: LockClock;
  /** Stands between the actions and the cluster; see intercept.ts. Also before the client that writes the inventory. */
  readonly wrap?: (client: KubernetesClient) => KubernetesClient;
}

/** The actions of GitOpsSync on one set of one cluster, without agent, Git and files. */
export function rig(options: RigOptions): Rig {
  const set = syncSet(options.set, options.inventoryNamespace ?? options.namespace, 'test');
  const wrap = options.wrap ?? ((client: KubernetesClient) => client);
  const log: string[] = [];
  let requests: Record<string, number> = {};

  async function within<T>(
    overrides: Partial<SyncOptions>,
    action: (context: ActionContext) => Promise<T>,
  ): Promise<T> {
    const access = await accessFromKubeconfigFile({
      file: options.kubeconfig,
      environment: {},
      maskSecret: () => undefined,
    });
    const network = { proxyBypass: [], skipCertValidation: false };
    const signal = options.signal ?? new AbortController().signal;
    const client = connect(access, { network, signal, retryBudget: 5000 });
    const steady = connect(access, { network, retryBudget: 5000 });
    const store = new InventoryStore(wrap(steady), set, {
      toolVersion: '0.0.0',
      ...(options.shardSize !== undefined && { shardSize: options.shardSize }),
    });
    const lock = options.holder === undefined ? undefined : lockOf(options.holder, wrap(client), wrap(steady));
    try {
      await lock?.acquire({
        signal,
        timeoutMs: options.lockTimeout ?? 60_000,
        onWait: (wait) => log.push(describeWait(set.name, wait)),
      });
      const loaded = await store.load();
      return await action({
        client: wrap(client),
        steady: wrap(steady),
        set,
        store,
        options: { ...defaults, syncSet: set.name, ...overrides },
        namespace: options.namespace,
        loaded,
        log: logTo(log),
        progress: () => undefined,
        maskSecret: () => undefined,
        signal,
        displayKey: randomBytes(32),
        ...(lock && { mustStop: () => lock.problem() }),
      });
    } finally {
      await lock?.release();
      requests = { ...client.statistics.byVerb };
      await Promise.all([client.close(), steady.close()]);
    }
  }

  const lockOf = (holder: string, client: KubernetesClient, steady: KubernetesClient) =>
    new SyncLock(set, {
      holder,
      api: leaseApi(client, set),
      steady: leaseApi(steady, set),
      ...(options.lockClock && { clock: options.lockClock }),
      onInfo: (text) => log.push(text),
      onWarning: (text) => log.push(text),
    });

  const rendered = (context: ActionContext, yaml: string) => ({
    ...context,
    manifests: manifestsOf(yaml),
    deployment: { commit: commitOf(yaml), at: new Date().toISOString() },
    merged: true,
  });

  return {
    log,
    sync: (yaml, overrides = {}) => within(overrides, (context) => runSync(rendered(context, yaml))),
    plan: (yaml, overrides = {}) =>
      within({ action: 'plan', ...overrides }, (context) => runPlan(rendered(context, yaml))),
    drift: (yaml, overrides = {}) =>
      within({ action: 'drift', ...overrides }, (context) => runDrift(rendered(context, yaml))),
    apply: (planDigest, overrides = {}) => within({ action: 'apply', planDigest, ...overrides }, runApply),
    rollback: (overrides = {}) => within({ action: 'rollback', ...overrides }, runRollback),
    status: () => within({ action: 'status' }, runStatus),
    destroy: (overrides = {}) => within({ action: 'destroy', ...overrides }, runDestroy),
    requests: () => requests,
  };
}

/** The same text is the same commit. */
export function commitOf(yaml: string): string {
  return createHash('sha1').update(yaml).digest('hex');
}

export function manifestsOf(yaml: string): Manifest[] {
  return loadAll(yaml)
    .filter((document) => document !== null && document !== undefined)
    .map((object, index) => ({ object: object as KubernetesObject, origin: { file: 'test.yaml', line: index + 1 } }));
}

function logTo(lines: string[]): Log {
  const add = (text: string) => {
    lines.push(text);
  };
  return {
    info: add,
    debug: () => undefined,
    warning: add,
    error: add,
    section: add,
    group: add,
    endGroup: () => undefined,
  };
}

/** `create Deployment.apps web`, one for each change that is not `unchanged`, sorted. */
export function summarize(result: ActionResult): string[] {
  return result.changes
    .filter((change) => change.action !== 'unchanged')
    .map((change) => `${change.action} ${change.target.kind} ${change.target.name}`)
    .sort();
}

import { randomBytes } from 'node:crypto';
import type { LoadResult } from '../core/manifests/load.ts';
import { secretValuesOf } from '../core/objects/masking.ts';
import { countChanges, type Outcome, outcomes, type RunResult, type RunSource } from '../core/plan/result.ts';
import type { VerifiedSource } from '../core/source/verify-source.ts';
import { CancelledError, GitOpsError, messageOf, type Problem } from '../errors.ts';
import type { Agent } from '../ports/agent/agent.ts';
import { connect } from '../ports/kubernetes/connect.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { type ActionContext, type ActionResult, counted } from './action-result.ts';
import { afterCancellation } from './after-cancellation.ts';
import { clusterAccess } from './cluster-access.ts';
import { postStatus } from './commit-status.ts';
import { loadDesiredState } from './desired-state.ts';
import { InventoryStore } from './inventory-store.ts';
import { describeHolder } from './lock/holder.ts';
import { leaseApi } from './lock/lease-api.ts';
import { SyncLock } from './lock/lock.ts';
import { describeWait } from './lock/messages.ts';
import { maskResult } from './mask-result.ts';
import { readSyncOptions, type SyncOptions } from './options.ts';
import { runApply } from './run-apply.ts';
import { runDestroy } from './run-destroy.ts';
import { RunGuard } from './run-guard.ts';
import { runDrift, runPlan } from './run-plan.ts';
import { runRollback } from './run-rollback.ts';
import { runStatus } from './run-status.ts';
import { runSync } from './run-sync.ts';
import { checkSource } from './source-check.ts';
import { type SyncSet, syncSet } from './sync-set.ts';

const writingActions: ReadonlySet<SyncOptions['action']> = new Set(['sync', 'apply', 'rollback', 'destroy']);

/** The task GitOpsSync. `version` is the task's own, e.g. `0.1.0`. */
export async function syncTask(agent: Agent, version: string): Promise<void> {
  const options = readSyncOptions(agent);
  const startedAt = new Date();
  const run = new Run(agent, options, version);
  try {
    const result = await run.perform();
    await run.report(startedAt, result);
  } catch (error) {
    // Before the first write an error is the whole result; it is reported like any other.
    if (!(error instanceof GitOpsError)) throw error;
    await run.report(startedAt, failureOf(error));
  } finally {
    await run.close();
  }
}

class Run {
  readonly #agent: Agent;
  readonly #options: SyncOptions;
  readonly #version: string;
  #set: SyncSet;
  #source: VerifiedSource | undefined;
  #previousCommit: string | undefined;
  #clients: KubernetesClient[] = [];
  readonly #displayKey = randomBytes(32);
  /** Values of the Secrets that Git declares. */
  #secrets: readonly string[] = [];
  #serverVersion: string | undefined;
  #guard: RunGuard | undefined;
  #lock: SyncLock | undefined;
  readonly #earlyWarnings: Problem[] = [];
  #isDestroyed = false;

  constructor(agent: Agent, options: SyncOptions, version: string) {
    this.#agent = agent;
    this.#options = options;
    this.#version = version;
    const namespace = options.inventoryNamespace ?? options.namespace ?? 'default';
    this.#set = syncSet(options.syncSet, namespace, options.environment ?? 'default');
  }

  async perform(): Promise<ActionResult> {
    const context = await this.#connect();
    const result = await this.#act(context);
    const problem = this.#lock?.problem();
    return problem === undefined ? result : { ...result, warnings: [...result.warnings, ...problem.problems] };
  }

  async #act(context: ActionContext): Promise<ActionResult> {
    switch (this.#options.action) {
      case 'status':
        return runStatus(context);
      case 'destroy':
        await this.#admit(this.#agent.host.repository?.url, this.#options);
        return runDestroy(context);
      case 'apply':
        return runApply(context);
      case 'rollback':
        return runRollback(context);
      default:
        return this.#render(context);
    }
  }

  async #connect(): Promise<ActionContext> {
    const agent = this.#agent;
    const options = this.#options;
    const access = await clusterAccess(agent, options);
    const namespace = options.namespace ?? access.namespace ?? 'default';
    this.#set = syncSet(options.syncSet, options.inventoryNamespace ?? namespace, options.environment ?? 'default');
    const onRetry = (message: string) => agent.log.info(message);
    const client = connect(access, { network: agent.network, signal: agent.cancelled, onRetry });
    // The record of what was done is written also after a cancellation, within the seconds that are left.
    const steady = connect(access, {
      network: agent.network,
      signal: afterCancellation(agent.cancelled, 5000),
      onRetry,
    });
    this.#clients = [client, steady];
    const server = await client.version();
    this.#serverVersion = server.gitVersion;
    agent.log.info(`Cluster ${client.server}, Kubernetes ${server.gitVersion}, as ${access.identity}`);
    const store = new InventoryStore(steady, this.#set, { toolVersion: this.#version });
    this.#guard = await RunGuard.load(agent, options, this.#set, client);
    // Before the inventory is read, so that what was read is what this run goes on from.
    await this.#takeLock(client, steady);
    const loaded = await store.load();
    const deployed = loaded.inventory.deployed;
    this.#previousCommit = deployed?.commit;
    agent.log.info(
      `Sync set '${this.#set.name}', inventory in namespace ${this.#set.namespace}: ${
        loaded.exists
          ? `${loaded.inventory.entries.size} objects${deployed ? `, commit ${deployed.commit.slice(0, 10)} of ${deployed.at}` : ''}`
          : 'nothing deployed yet'
      }`,
    );
    return {
      client,
      steady,
      set: this.#set,
      store,
      options,
      namespace,
      loaded,
      log: agent.log,
      progress: (percent, text) => agent.progress(percent, text),
      maskSecret: (value) => agent.maskSecret(value),
      signal: agent.cancelled,
      admit: (repository, wanted) => this.#admit(repository, wanted),
      judgeObjects: (targets, deletions) => this.#guard?.judgeObjects(targets, deletions) ?? [],
      mustStop: () => this.#lock?.problem(),
      displayKey: this.#displayKey,
      ...(agent.host.requestedFor !== undefined && { requester: agent.host.requestedFor }),
      ...(agent.host.runUrl !== undefined && { runUrl: agent.host.runUrl }),
    };
  }

  async #admit(repository: string | undefined, wanted: SyncOptions, source?: VerifiedSource): Promise<SyncOptions> {
    if (this.#guard === undefined) return wanted;
    const { options, warnings, breakGlass } = await this.#guard.admit(repository, wanted, source);
    this.#earlyWarnings.push(...warnings);
    if (breakGlass !== undefined) this.#agent.log.info(`Break-glass: ${JSON.stringify(breakGlass)}`);
    return options;
  }

  /** One run at a time for those that write; the others look on. */
  async #takeLock(client: KubernetesClient, steady: KubernetesClient): Promise<void> {
    const agent = this.#agent;
    if (!writingActions.has(this.#options.action)) return;
    const lock = new SyncLock(this.#set, {
      holder: describeHolder(agent.host),
      api: leaseApi(client, this.#set),
      steady: leaseApi(steady, this.#set),
      onInfo: (text) => agent.log.info(text),
      onWarning: (text) => this.#earlyWarnings.push({ message: text, code: 'lock' }),
    });
    this.#lock = lock;
    await lock.acquire({
      signal: agent.cancelled,
      timeoutMs: this.#options.lockTimeout,
      onWait: (wait) => agent.log.info(describeWait(this.#set.name, wait)),
    });
  }

  async #render(context: ActionContext): Promise<ActionResult> {
    const agent = this.#agent;
    const { deployed } = context.loaded.inventory;
    // A source that may not be deployed must not get to run the programs that render it.
    this.#source = await checkSource(agent, this.#options, deployed);
    const options = await this.#admit(this.#source.repository, this.#options, this.#source);
    const loaded = await loadDesiredState(agent, this.#options, context);
    tellDesiredState(agent, loaded);
    this.#secrets = loaded.manifests.flatMap(({ object }) => secretValuesOf(object));
    const rendered = {
      ...context,
      options,
      manifests: loaded.manifests,
      deployment: {
        commit: this.#source.commit,
        ...(this.#source.ref !== undefined && { ref: this.#source.ref }),
        repository: this.#source.repository,
        at: new Date().toISOString(),
        ...(agent.host.runUrl && { run: agent.host.runUrl }),
        ...(agent.host.requestedFor && { by: agent.host.requestedFor }),
      },
      merged: this.#source.ancestry !== 'none',
      ...(this.#source.info && { subject: this.#source.info.subject, author: this.#source.info.author }),
    };
    const result = await this.#runRendered(rendered);
    return {
      ...result,
      warnings: [...this.#source.warnings.map((message) => ({ message })), ...loaded.warnings, ...result.warnings],
    };
  }

  #runRendered(context: Parameters<typeof runSync>[0]): Promise<ActionResult> {
    if (this.#options.action === 'plan') return runPlan(context);
    if (this.#options.action === 'drift') return runDrift(context);
    return runSync(context);
  }

  async report(startedAt: Date, found: ActionResult): Promise<void> {
    this.#isDestroyed = found.outcome === 'destroyed' && found.changes.every((change) => change.action === 'prune');
    const unmasked = { ...found, warnings: [...this.#earlyWarnings, ...found.warnings] };
    const result = maskResult(unmasked, { digestKey: this.#displayKey, known: this.#secrets });
    const client = this.#clients[0];
    const source = this.#source === undefined ? result.source : runSource(this.#source, this.#previousCommit);
    const statistics = this.#clients.map((one) => one.statistics);
    const full: RunResult = {
      apiVersion: 'gitops.pipelines/v1',
      kind: 'SyncResult',
      action: this.#options.action,
      outcome: result.outcome,
      summary: result.summary,
      set: { name: this.#set.name, namespace: this.#set.namespace, environment: this.#set.environment },
      cluster: { server: client?.server ?? '', ...(this.#serverVersion && { version: this.#serverVersion }) },
      ...(source && { source }),
      ...(result.plan && { plan: result.plan }),
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      counts: countChanges(result.changes),
      changes: result.changes,
      warnings: result.warnings,
      errors: result.errors,
      requests: {
        total: statistics.reduce((sum, one) => sum + one.total, 0),
        retries: statistics.reduce((sum, one) => sum + one.retries, 0),
        byVerb: sumByVerb(statistics.map((one) => one.byVerb)),
      },
    };
    const { publishReports } = await import('../core/reporting/publish.ts');
    if (this.#options.commitStatus && this.#source !== undefined) await postStatus(this.#agent, full, this.#source);
    const taskResult =
      result.taskResult ??
      (result.outcome === 'driftDetected' && this.#options.failOnDrift ? 'Failed' : outcomes[result.outcome]);
    await publishReports(this.#agent, full, { taskResult });
  }

  async close(): Promise<void> {
    await this.#lock?.release({ remove: this.#isDestroyed });
    await Promise.all(this.#clients.map((client) => client.close().catch(() => undefined)));
  }
}

function failureOf(error: GitOpsError): ActionResult {
  const outcome: Outcome = error.outcome in outcomes ? (error.outcome as Outcome) : 'applyFailed';
  const [first] = error.problems;
  const more = error.problems.length > 1 ? ` (and ${error.problems.length - 1} more problems)` : '';
  return {
    outcome,
    summary:
      error instanceof CancelledError
        ? 'The run was cancelled before anything was changed.'
        : `${first?.message ?? messageOf(error)}${more}`,
    changes: [],
    warnings: [],
    errors: error instanceof CancelledError ? [] : error.problems,
  };
}

function runSource(source: VerifiedSource, previousCommit: string | undefined): RunSource {
  return {
    commit: source.commit,
    branch: source.branch,
    repository: source.repository,
    ...(source.info && { subject: source.info.subject, author: source.info.author }),
    ...(previousCommit !== undefined && { previousCommit }),
  };
}

function tellDesiredState(agent: Agent, loaded: LoadResult): void {
  const files = new Set(loaded.manifests.map((manifest) => manifest.origin.file));
  const renderer =
    loaded.kind === 'manifests'
      ? ''
      : ` rendered by ${loaded.renderer.name}${loaded.renderer.version ? ` ${loaded.renderer.version}` : ''}`;
  agent.log.info(
    `Git declares ${counted(loaded.manifests.length, 'object')} in ${counted(files.size, 'file')}${renderer}`,
  );
}

function sumByVerb(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const one of all) for (const [verb, count] of Object.entries(one)) sum[verb] = (sum[verb] ?? 0) + count;
  return sum;
}

import type { VerifiedSource } from '../core/source/verify-source.ts';
import { GitOpsError, messageOf, NotPermittedError, type Problem } from '../errors.ts';
import type { Agent } from '../ports/agent/agent.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { isChanging } from './changing-actions.ts';
import { reposOf } from './commit-status.ts';
import { activeFreezes } from './freeze/active.ts';
import { type BreakGlassRecord, decideFreeze } from './freeze/decide.ts';
import { type GuardedRequest, type GuardedTarget, type Judgement, judge } from './guardrails/judge.ts';
import { type LoadedProtection, loadProtection } from './guardrails/load.ts';
import type { SyncOptions } from './options.ts';
import type { SyncSet } from './sync-set.ts';

/** The time is one in which nothing is deployed. */
export class FrozenError extends GitOpsError {
  override readonly outcome = 'frozen';
}

/** What was let through, and how. */
export interface Admission {
  /** The inputs, narrowed by the rules. */
  readonly options: SyncOptions;
  readonly warnings: readonly Problem[];
  readonly breakGlass?: BreakGlassRecord;
}

/**
 * Holds one run to the rules that its author cannot change: the guardrails and freeze windows of the cluster, and those of a protected
 * repository. Actions that only look are told what a sync would be refused for.
 */
export class RunGuard {
  readonly #agent: Agent;
  readonly #options: SyncOptions;
  readonly #set: SyncSet;
  readonly #protection: LoadedProtection;
  #repository: string | undefined;
  /** With those of an approved plan or a revision. */
  #effective: SyncOptions;

  private constructor(agent: Agent, options: SyncOptions, set: SyncSet, protection: LoadedProtection) {
    this.#agent = agent;
    this.#options = options;
    this.#set = set;
    this.#protection = protection;
    this.#effective = options;
  }

  static async load(agent: Agent, options: SyncOptions, set: SyncSet, client: KubernetesClient): Promise<RunGuard> {
    const { guardrails: path, requireGuardrails: required } = options;
    let file: { text: string; name: string } | undefined;
    if (path !== undefined) {
      const { readProtectedFile } = await import('../core/source/protected-file.ts');
      file = await readProtectedFile(agent, path, 'guardrails');
    }
    const protection = await loadProtection({ client, required, ...(file && { file }) });
    // Most clusters have none, and then there is nothing to say.
    const isNone = protection.guardrails.length === 0 && protection.windows.length === 0;
    for (const note of protection.notes) {
      if (isNone && note.endsWith('does not exist.')) agent.log.debug(note);
      else agent.log.info(note);
    }
    return new RunGuard(agent, options, set, protection);
  }

  /**
   * Before any program renders. `repository` is the address of what is deployed, `options` are those that will have effect, `source` is
   * there when it was checked out. Throws
   * NotPermittedError for what the rules refuse and FrozenError in a freeze window.
   */
  async admit(repository: string | undefined, options: SyncOptions, source?: VerifiedSource): Promise<Admission> {
    this.#repository = repository;
    this.#effective = options;
    const { windows } = this.#protection;
    let judgement = this.#judge({});
    if (judgement.requiredStatuses.length > 0) {
      judgement = this.#judge({ statuses: await this.#statuses(source) });
    }
    const warnings = this.#refuseOrWarn(judgement.problems);
    const { environment, name } = this.#set;
    const run = { environment, set: name, action: this.#options.action };
    const freeze = decideFreeze(activeFreezes(windows, new Date(), run), {
      breakGlass: this.#options.breakGlass,
      breakGlassAllowed: judgement.breakGlass,
      by: this.#agent.host.requestedFor ?? 'unknown',
      run: this.#agent.host.runUrl,
      now: new Date(),
    });
    if (!freeze.go) throw new FrozenError(freeze.problems);
    if (freeze.warning !== undefined) warnings.push({ message: freeze.warning, code: 'break-glass' });
    return {
      options: narrowed(options, judgement),
      warnings,
      ...(freeze.record && { breakGlass: freeze.record }),
    };
  }

  /** What the rules say of the objects themselves; thrown for actions that change the cluster, returned as warnings for others. */
  judgeObjects(targets: readonly GuardedTarget[], deletions: number): Problem[] {
    return this.#refuseOrWarn(this.#judge({ targets, deletions }).problems);
  }

  #judge(asked: Pick<GuardedRequest, 'targets' | 'deletions' | 'statuses'>): Judgement {
    const { name, namespace, environment } = this.#set;
    const { action } = this.#options;
    return judge(this.#protection.guardrails, {
      ...asked,
      repository: this.#repository,
      set: { name, namespace, environment },
      action,
      options: this.#effective,
    });
  }

  #refuseOrWarn(problems: readonly Problem[]): Problem[] {
    if (problems.length === 0) return [];
    if (isChanging(this.#options.action)) throw new NotPermittedError(problems);
    return problems.map((problem) => ({ ...problem, message: `A sync would be refused: ${problem.message}` }));
  }

  async #statuses(source: VerifiedSource | undefined): Promise<NonNullable<GuardedRequest['statuses']>> {
    const repos = reposOf(this.#agent);
    if (source?.azureRepository === undefined || repos === undefined) {
      return { unreadable: 'the commit is in no repository of Azure Repos that this run can ask' };
    }
    try {
      return await repos.commitStatuses(source.azureRepository, source.commit);
    } catch (error) {
      if (!(error instanceof GitOpsError)) throw error;
      return { unreadable: messageOf(error) };
    }
  }
}

/** A rule can only take away. */
function narrowed(options: SyncOptions, { prune, maxPrune }: Judgement): SyncOptions {
  return {
    ...options,
    prune,
    ...(maxPrune !== undefined && options.maxPrune !== undefined && { maxPrune: Math.min(maxPrune, options.maxPrune) }),
  };
}

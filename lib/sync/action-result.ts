import type { Manifest } from '../core/manifests/manifest.ts';
import type { ChangeResult, Outcome, PlanReference, RunSource } from '../core/plan/result.ts';
import type { GitOpsError, Problem } from '../errors.ts';
import type { Log, TaskResult } from '../ports/agent/agent.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import type { GuardedTarget } from './guardrails/judge.ts';
import type { Deployment } from './inventory.ts';
import type { InventoryStore, LoadedInventory } from './inventory-store.ts';
import type { SyncOptions } from './options.ts';
import type { SyncSet } from './sync-set.ts';

/** What an action works with. */
export interface ActionContext {
  readonly client: KubernetesClient;
  readonly set: SyncSet;
  /** The same cluster, for what has to be brought to an end also after a cancellation: it is cut off some seconds later. */
  readonly steady: KubernetesClient;
  readonly store: InventoryStore;
  readonly options: SyncOptions;
  /** Of namespaced objects that name none. */
  readonly namespace: string;
  readonly loaded: LoadedInventory;
  readonly log: Log;
  readonly progress: (percent: number, text: string) => void;
  readonly maskSecret: (value: string) => void;
  readonly signal: AbortSignal;
  /** Why this run must begin nothing more though nobody cancelled it: its lock was lost. */
  /** Asks the rules outside of the repository; returns the inputs that may have effect, throws what the rules refuse. */
  readonly admit?: (repository: string | undefined, options: SyncOptions) => Promise<SyncOptions>;
  /** What those rules say of the objects; throws, or warns for actions that only look. */
  readonly judgeObjects?: (targets: readonly GuardedTarget[], deletions: number) => readonly Problem[];
  readonly mustStop?: () => GitOpsError | undefined;
  /** Keys the digests that stand for secrets in what people read. */
  readonly displayKey: Buffer;
  /** Who asked for the run, and its page, when they are known. */
  readonly requester?: string;
  readonly runUrl?: string;
}

/** The context of actions that render. */
export interface RenderedContext extends ActionContext {
  readonly manifests: readonly Manifest[];
  /** What will be recorded as deployed. */
  readonly deployment: Deployment;
  /** The protected branch contains the commit. */
  readonly merged: boolean;
  /** First line of the commit's message, and who wrote it. */
  readonly subject?: string;
  readonly author?: string;
}

/** What an action did, before it becomes a report. */
export interface ActionResult {
  readonly outcome: Outcome;
  /** One sentence. */
  readonly summary: string;
  readonly changes: readonly ChangeResult[];
  readonly warnings: readonly Problem[];
  readonly errors: readonly Problem[];
  /** A plan that was stored, or the one that was applied. */
  readonly plan?: PlanReference;
  /** When it is another than the outcome's own: a rollback that a failure caused leaves the run failed. */
  readonly taskResult?: TaskResult;
  /** What is deployed now, when the run did not render it itself. */
  readonly source?: RunSource;
}

/** `3 objects`, `1 object` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

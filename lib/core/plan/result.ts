import type { Problem } from '../../errors.ts';
import type { Change } from './change.ts';

/** What happened to one thing: its change, and how that went. */
export interface ChangeResult extends Change {
  readonly state: 'planned' | 'done' | 'failed' | 'notReached';
  /** `Healthy`, `Progressing`, `Degraded`, ...; absent when health was not asked for. */
  readonly health?: string;
  /** What the health or the failure is about, in one line. */
  readonly message?: string;
  /** Lines for a person who has to find out why it failed: owner chain, container states, log lines, events. Masked. */
  readonly details?: readonly string[];
  /** Milliseconds until it was healthy, or until it was given up. */
  readonly durationMs?: number;
}

/** The outcomes of a run and what each means for the task's result. */
export const outcomes = {
  applied: 'Succeeded',
  noChanges: 'Succeeded',
  planHasChanges: 'Succeeded',
  /** An approved plan is not what would happen any more. */
  planStale: 'Failed',
  noDrift: 'Succeeded',
  driftDetected: 'SucceededWithIssues',
  driftCorrected: 'Succeeded',
  pruneHeld: 'Failed',
  status: 'Succeeded',
  destroyed: 'Succeeded',
  /** This commit was rolled back; it is not deployed again until it is released. */
  held: 'SucceededWithIssues',
  /** A freeze window is open. */
  frozen: 'Failed',
  rolledBack: 'Succeeded',
  rollbackFailed: 'Failed',
  healthTimeout: 'Failed',
  healthFailed: 'Failed',
  applyFailed: 'Failed',
  partiallyApplied: 'Failed',
  invalidInput: 'Failed',
  forbidden: 'Failed',
  conflict: 'Failed',
  ownershipConflict: 'Failed',
  olderCommit: 'Failed',
  lockTimeout: 'Failed',
  canceled: 'Failed',
  connectionLost: 'Failed',
} as const satisfies Record<string, 'Succeeded' | 'SucceededWithIssues' | 'Failed'>;

export type Outcome = keyof typeof outcomes;

/** What a run leaves behind, as JSON in the attachment `gitops-result`. Versioned; fields are only ever added. */
export interface RunResult {
  readonly apiVersion: 'gitops.pipelines/v1';
  readonly kind: 'SyncResult';
  readonly action: string;
  readonly outcome: Outcome;
  /** One sentence: what happened and, after a failure, what to do next. */
  readonly summary: string;
  readonly set: { readonly name: string; readonly namespace: string; readonly environment: string };
  readonly cluster: { readonly server: string; readonly version?: string };
  readonly source?: RunSource;
  /** A plan that was stored for approval, or the one that was applied. */
  readonly plan?: PlanReference;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly counts: Counts;
  readonly changes: readonly ChangeResult[];
  readonly warnings: readonly Problem[];
  readonly errors: readonly Problem[];
  readonly requests: {
    readonly total: number;
    readonly retries: number;
    readonly byVerb: Readonly<Record<string, number>>;
  };
  /** Only in the JSON report, when the whole would have been too large. The counts are of everything. */
  readonly truncated?: Truncation;
}

/** How much a report left out. */
export interface Truncation {
  readonly changes: number;
  readonly fields: number;
}

/** Where an approved plan is found again. */
export interface PlanReference {
  /** 64 hex digits: what is approved, and what action apply takes. */
  readonly digest: string;
  readonly revision: number;
}

export interface RunSource {
  readonly commit: string;
  readonly branch?: string;
  readonly repository?: string;
  /** First line of the commit's message. */
  readonly subject?: string;
  readonly author?: string;
  /** The commit that was deployed before this run. */
  readonly previousCommit?: string;
}

export interface Counts {
  readonly created: number;
  readonly configured: number;
  readonly unchanged: number;
  readonly pruned: number;
  readonly kept: number;
  readonly failed: number;
}

/** Counts what was done; of a plan: what would be. */
export function countChanges(changes: readonly ChangeResult[]): Counts {
  const counted = (test: (change: ChangeResult) => boolean) => changes.filter(test).length;
  const reached = (change: ChangeResult) => change.state === 'done' || change.state === 'planned';
  return {
    created: counted((c) => c.action === 'create' && reached(c)),
    configured: counted((c) => (c.action === 'configure' || c.action === 'adopt') && reached(c)),
    unchanged: counted((c) => c.action === 'unchanged'),
    pruned: counted((c) => c.action === 'prune' && reached(c)),
    kept: counted((c) => c.action === 'keep' || c.action === 'skip'),
    failed: counted((c) => c.state === 'failed'),
  };
}

import type { Host } from '../../ports/agent/agent.ts';
import { canonicalJson } from '../objects/canonical-json.ts';
import type { Action } from '../plan/change.ts';
import type { ChangeResult, Counts, RunResult } from '../plan/result.ts';
import { type Person, samePerson } from './people.ts';

/**
 * What one run changed, who asked for it and who agreed to it. Kept for years, so it holds names and actions only: no value of an object,
 * no message of a server. `run-record.schema.json` describes it; fields are only ever added.
 */
export interface RunRecord {
  readonly apiVersion: 'gitops.pipelines/v1';
  readonly kind: 'RunRecord';
  readonly task: { readonly name: string; readonly version: string };
  readonly action: string;
  readonly outcome: string;
  readonly set: RunResult['set'];
  readonly cluster: RunResult['cluster'];
  readonly run: RecordedRun;
  readonly requester?: Person;
  readonly approvals: Approvals;
  /** Whether who asked for the run also approved it; absent when either is not known. */
  readonly requesterIsApprover?: boolean;
  readonly planDigest?: string;
  readonly source?: {
    readonly commit: string;
    readonly branch?: string;
    readonly repository?: string;
    readonly previousCommit?: string;
  };
  readonly pullRequest?: RecordedPullRequest;
  /** A rule was overridden on purpose. */
  readonly breakGlass?: { readonly reason: string };
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly counts: Counts;
  readonly changes: readonly RecordedChange[];
}

export interface RecordedRun {
  readonly type: Host['type'];
  readonly id?: string;
  readonly name?: string;
  readonly pipeline?: string;
  readonly project?: string;
  readonly stage?: string;
  readonly attempt?: string;
  readonly url?: string;
}

export interface Approver extends Person {
  /** ISO 8601. */
  readonly at?: string;
}

/** The approvals of the run's stage. Without approvers and known: the stage has no approval. */
export interface Approvals {
  readonly known: boolean;
  readonly unknownBecause?: string;
  readonly approvers: readonly Approver[];
}

export type Vote = 'approved' | 'approvedWithSuggestions' | 'none' | 'waitingForAuthor' | 'rejected';

export interface Reviewer extends Person {
  readonly vote: Vote;
}

export interface RecordedPullRequest {
  readonly id: number;
  readonly url?: string;
  readonly author?: Person;
  readonly reviewers?: readonly Reviewer[];
}

export interface RecordedChange {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly action: Action;
  readonly state: ChangeResult['state'];
}

/** What a record is made of beside the run's result. */
export interface RecordFacts {
  readonly task: RunRecord['task'];
  readonly host: Host;
  readonly requester?: Person;
  readonly approvals: Approvals;
  readonly planDigest?: string;
  readonly pullRequest?: RecordedPullRequest;
  readonly breakGlassReason?: string;
}

/** Makes the record of a run from its (masked) result. Unchanged objects are only counted. Pure. */
export function runRecord(result: RunResult, facts: RecordFacts): RunRecord {
  const { requester, approvals } = facts;
  const { source } = result;
  const own = requester === undefined ? undefined : requesterIsApprover(requester, approvals);
  return {
    apiVersion: 'gitops.pipelines/v1',
    kind: 'RunRecord',
    task: facts.task,
    action: result.action,
    outcome: result.outcome,
    set: result.set,
    cluster: result.cluster,
    run: recordedRun(facts.host),
    ...(requester && { requester }),
    approvals,
    ...(own !== undefined && { requesterIsApprover: own }),
    ...(facts.planDigest !== undefined && { planDigest: facts.planDigest }),
    ...(source && {
      source: {
        commit: source.commit,
        ...(source.branch !== undefined && { branch: source.branch }),
        ...(source.repository !== undefined && { repository: source.repository }),
        ...(source.previousCommit !== undefined && { previousCommit: source.previousCommit }),
      },
    }),
    ...(facts.pullRequest && { pullRequest: facts.pullRequest }),
    ...(facts.breakGlassReason !== undefined && { breakGlass: { reason: facts.breakGlassReason } }),
    startedAt: result.startedAt,
    finishedAt: result.finishedAt,
    counts: result.counts,
    changes: result.changes
      .filter(({ action, state }) => action !== 'unchanged' || state === 'failed')
      .map(recordedChange),
  };
}

/**
 * Whether the requester is among the approvers. Undefined when the approvals are not known, or when it cannot be told for one of them and no
 * other is the requester for sure.
 */
export function requesterIsApprover(requester: Person, approvals: Approvals): boolean | undefined {
  if (!approvals.known) return undefined;
  const same = approvals.approvers.map((approver) => samePerson(requester, approver));
  if (same.includes(true)) return true;
  return same.includes(undefined) ? undefined : false;
}

/** The record as the text of a file: one change a line, keys in a fixed order, so that two records can be compared by any tool. */
export function recordText(record: RunRecord): string {
  const { changes, ...rest } = record;
  const head = canonicalJson(rest);
  const lines = changes.map((change) => `\n${canonicalJson(change)}`).join(',');
  return `${head.slice(0, -1)},"changes":[${lines}\n]}\n`;
}

function recordedRun(host: Host): RecordedRun {
  return {
    type: host.type,
    ...(host.runId !== undefined && { id: host.runId }),
    ...(host.runName !== undefined && { name: host.runName }),
    ...(host.pipelineName !== undefined && { pipeline: host.pipelineName }),
    ...(host.project !== undefined && { project: host.project }),
    ...(host.stageName !== undefined && { stage: host.stageName }),
    ...(host.attempt !== undefined && { attempt: host.attempt }),
    ...(host.runUrl !== undefined && { url: host.runUrl }),
  };
}

function recordedChange({ target, action, state }: ChangeResult): RecordedChange {
  const { kind, namespace, name } = target;
  return { kind, ...(namespace !== undefined && { namespace }), name, action, state };
}

import type { Agent, TaskResult } from './agent.ts';
import type { Cancellation } from './cancellation.ts';
import type { Output } from './output.ts';
import type { SecretRegistry } from './secrets.ts';

/** An agent together with what only the entry of a task may do with it. */
export interface AgentSession {
  readonly agent: Agent;
  /** Says what is left to say and waits until it has left the process. The exit code is the answer. */
  finish(): Promise<number>;
}

/** What every adapter stands on. */
export interface SessionParts {
  readonly output: Output;
  readonly secrets: SecretRegistry;
  readonly cancellation: Cancellation;
}

const RANK: Record<TaskResult, number> = { Succeeded: 0, SucceededWithIssues: 1, Failed: 2 };

/** The worse of two results. Never `Cancelled`: task-lib spells it so, the agent reads `Canceled` and fails the step. */
export function worse(a: TaskResult | undefined, b: TaskResult): TaskResult {
  return a === undefined || RANK[b] > RANK[a] ? b : a;
}

import type { AgentResult, TaskResult } from './result.ts';
import type { Violation } from './rules/index.ts';
import type { Issue } from './step.ts';

export interface UploadedFile {
  readonly type: string;
  readonly name: string;
  /** The copy that was made when the task queued it. */
  readonly path: string;
}

/** What a run of a task came to; the command line writes it as JSON. Log, issues and progress are masked as the agent masks them. */
export interface TaskRun {
  readonly task: string;
  readonly version: string;
  readonly result: TaskResult;
  /** The agent's own word, which is also Canceled, Skipped or Abandoned. */
  readonly agentResult: AgentResult;
  /** The run was cancelled before the task ended. */
  readonly canceled: boolean;
  /** 128 + number for a signal; null when the process was not started or the agent did not wait for its end. */
  readonly exitCode: number | null;
  /** At most ten errors and ten warnings. */
  readonly issues: readonly Issue[];
  /** All that there were. */
  readonly issueCounts: { readonly error: number; readonly warning: number };
  /** As later steps read them; `***` for secret ones. */
  readonly variables: Readonly<Record<string, string>>;
  readonly outputVariables: Readonly<Record<string, string>>;
  readonly attachments: readonly UploadedFile[];
  readonly summaries: readonly UploadedFile[];
  readonly testResults: readonly string[];
  readonly progress: readonly { readonly percent: number; readonly text: string }[];
  readonly log: string;
  readonly durationMs: number;
  readonly host: string;
  readonly node: { readonly handler: string; readonly folder: string; readonly program: string };
  /** The signals that the agent sent. */
  readonly signals: readonly string[];
  readonly violations: readonly Violation[];
  /** Holds the copies of uploaded files; it need not exist when there are none. */
  readonly outputDirectory: string;
}

/** A run broke rules of the harness. */
export class HarnessViolation extends Error {
  readonly run: TaskRun;

  constructor(run: TaskRun) {
    const list = run.violations.map((violation) => `- ${violation.rule}: ${violation.message}`);
    super(`The run of ${run.task} broke rules of the agent harness:\n${list.join('\n')}\n\nThe log:\n${tail(run.log)}`);
    this.name = 'HarnessViolation';
    this.run = run;
  }
}

function tail(log: string): string {
  const lines = log.split('\n');
  return lines.length <= 60 ? log : ['...', ...lines.slice(-60)].join('\n');
}

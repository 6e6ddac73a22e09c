/**
 * The few kinds of failure a task can have. Each leads to one outcome and one message; only a task's entry catches them.
 * This file is the ground on which ports, core and the domains all stand.
 */

/** Where in a user's file something stands. Lines and columns count from 1; `line` is left out rather than guessed. */
export interface Place {
  /** As the user would write it: relative to the working directory where possible, with forward slashes. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** One thing that is wrong, in words that say what was found, what was expected and how to put it right. */
export interface Problem {
  readonly message: string;
  readonly at?: Place;
  /** The input's name as YAML shows it. */
  readonly input?: string;
  /** A stable identifier that a search engine finds, e.g. `duplicate-key`. */
  readonly code?: string;
}

export abstract class GitOpsError extends Error {
  /** What the output variable `outcome` says when this error ends a run. */
  abstract readonly outcome: string;
  readonly problems: readonly Problem[];

  constructor(problems: string | Problem | readonly Problem[], options?: ErrorOptions) {
    const list: readonly Problem[] =
      typeof problems === 'string'
        ? [{ message: problems }]
        : Array.isArray(problems)
          ? problems
          : [problems as Problem];
    super(list.map(describeProblem).join('\n'), options);
    this.name = new.target.name;
    this.problems = list;
  }
}

/** Inputs, files or settings that the user has to change. */
export class InputError extends GitOpsError {
  override readonly outcome: string = 'invalidInput';
}

/** A server understood a request and would not do it (4xx other than permission and conflict), or could not (5xx). */
export class RefusedError extends GitOpsError {
  override readonly outcome: string = 'applyFailed';
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;

  constructor(problems: string | Problem | readonly Problem[], status: number, options?: ErrorOptions) {
    super(problems, options);
    this.status = status;
  }
}

/** Somebody else owns what would be changed, or it changed under our hands. */
export class ConflictError extends GitOpsError {
  override readonly outcome: string;

  constructor(
    problems: string | Problem | readonly Problem[],
    outcome: 'conflict' | 'ownershipConflict' | 'olderCommit' | 'lockTimeout' = 'conflict',
    options?: ErrorOptions,
  ) {
    super(problems, options);
    this.outcome = outcome;
  }
}

/** The identity may not do what is asked (401, 403, or a rule of the set). */
export class NotPermittedError extends GitOpsError {
  override readonly outcome: string = 'forbidden';
}

/** No answer came: the result is unknown, never a pass. */
export class UnreachableError extends GitOpsError {
  override readonly outcome: string = 'connectionLost';
}

/** The pipeline run was cancelled. */
export class CancelledError extends GitOpsError {
  override readonly outcome: string = 'canceled';

  constructor(message = 'The run was cancelled.') {
    super(message);
  }
}

/** `file:line: message`, the form that editors and log annotations understand. */
export function describeProblem(problem: Problem): string {
  const at = problem.at;
  if (at === undefined) return problem.message;
  const line = at.line === undefined ? '' : `:${at.line}`;
  const column = at.line === undefined || at.column === undefined ? '' : `:${at.column}`;
  return `${at.file}${line}${column}: ${problem.message}`;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

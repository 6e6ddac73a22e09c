/** What became of a line that holds `##vso`. */
export type CommandOutcome =
  | 'done'
  /** `##vso` without the form of a command: printed as text, with a warning. */
  | 'malformed'
  /** No such area, or no such event in it. */
  | 'unknown'
  /** The agent has it but not on this kind of host, or it threw: the step fails. */
  | 'failed'
  /** It names a file that does not exist: the step fails. */
  | 'missing-file'
  /** Blocked by `restrictions.commands`, or by `restrictions.settableVariables`. */
  | 'restricted'
  | 'blocked-variable'
  /** It sets a variable that the agent owns. */
  | 'read-only-variable';

export interface CommandRecord {
  /** The line as it was written. */
  readonly line: string;
  /** `area.event` in lower case, aliases resolved; empty when malformed. */
  readonly name: string;
  readonly outcome: CommandOutcome;
  readonly detail: string;
}

/** Thrown by a command's handler; anything else that is thrown counts as `failed`. */
export class CommandError extends Error {
  readonly outcome: CommandOutcome;

  constructor(message: string, outcome: CommandOutcome = 'failed') {
    super(message);
    this.name = 'CommandError';
    this.outcome = outcome;
  }
}

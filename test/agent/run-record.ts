import type { CommandRecord } from './command-record.ts';
import type { InputProblem } from './inputs.ts';
import type { KnownSecret } from './known-secrets.ts';
import type { OutputLine } from './line-splitter.ts';
import type { ProcessOutcome } from './process.ts';
import type { SetVariable, Upload } from './step.ts';

/** All that was seen of a run; the rules judge it. */
export interface RunRecord {
  readonly inputProblems: readonly InputProblem[];
  /** As the task wrote them, not masked. */
  readonly lines: readonly OutputLine[];
  readonly commands: readonly CommandRecord[];
  /** As the agent showed it, masked. */
  readonly log: readonly string[];
  readonly knownSecrets: readonly KnownSecret[];
  /** What the task itself registered. */
  readonly registeredSecrets: readonly string[];
  readonly setVariables: readonly SetVariable[];
  readonly uploads: readonly (Upload & { readonly state: 'same' | 'changed' | 'gone'; readonly text: string })[];
  /** Paths in the temp folders that nobody accounts for. */
  readonly leftovers: readonly string[];
  /** Files of the task's own folder that were added, changed or removed. */
  readonly taskFolderChanges: readonly string[];
  /** Undefined when the task was not started. */
  readonly process: ProcessOutcome | undefined;
  readonly timedOutAfterMs: number | undefined;
  readonly fixtureMarkers: readonly string[];
  readonly allowedCommands: readonly string[];
}

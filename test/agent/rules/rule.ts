import type { RunRecord } from '../run-record.ts';

/** Something that must hold of every run. */
export interface Rule {
  readonly name: string;
  readonly description: string;
  /** One message for each time it is broken. */
  check(run: RunRecord): string[];
}

/** A line for a message: short, and without characters that a terminal obeys. */
export function quote(line: string): string {
  const text = JSON.stringify(line.length > 160 ? `${line.slice(0, 160)}...` : line);
  // A message that is printed in a pipeline must not itself be a command.
  return text.replaceAll('##', '# #');
}

import type { RunRecord } from '../run-record.ts';
import { commandRules } from './command-rules.ts';
import { processRules } from './process-rules.ts';
import type { Rule } from './rule.ts';
import { secretRules } from './secret-rules.ts';

const all = [...secretRules, ...commandRules, ...processRules] as const;

/** Every rule of the harness. */
export const rules: readonly Rule[] = all;

export type RuleName = (typeof all)[number]['name'];

export interface Violation {
  readonly rule: string;
  readonly message: string;
}

/** Judges a run by all rules but those taken out. */
export function findViolations(run: RunRecord, without: readonly string[] = []): Violation[] {
  return rules
    .filter((rule) => !without.includes(rule.name))
    .flatMap((rule) => rule.check(run).map((message) => ({ rule: rule.name, message })));
}

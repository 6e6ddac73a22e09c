import { readOwnFile } from '../../core/own-files/read.ts';
import type { Schema } from '../../core/own-files/schema.ts';
import type { Place, Problem } from '../../errors.ts';
import schema from '../schemas/health-rules.schema.json' with { type: 'json' };
import { compileExpression, type Expression, type ResultType } from './expression.ts';

/** How to tell whether objects of a kind are healthy. */
export interface HealthRule {
  readonly at: Place;
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  /** Undefined: every version. */
  readonly version?: string;
  readonly inProgress?: Expression;
  readonly failed?: Expression;
  readonly current: Expression;
  readonly message?: string;
  readonly messageExpression?: Expression;
}

interface WrittenRule {
  readonly group: string;
  readonly kind: string;
  readonly version?: string;
  readonly inProgress?: string;
  readonly failed?: string;
  readonly current: string;
  readonly message?: string;
  readonly messageExpression?: string;
}

export interface HealthRuleFile {
  readonly rules: readonly HealthRule[];
  readonly problems: readonly Problem[];
}

/** Reads documents of kind HealthRules and compiles their expressions; what is wrong with them is a problem with its line. Pure. */
export function compileHealthRules(text: string, file: string): HealthRuleFile {
  const read = readOwnFile(text, file, { HealthRules: schema as Schema });
  const problems = [...read.problems];
  const rules: HealthRule[] = [];
  for (const document of read.documents) {
    for (const [index, written] of (document.value['rules'] as readonly WrittenRule[]).entries()) {
      const found = compileRule(written, (field) => document.place(['rules', index, ...field]));
      if ('rule' in found) rules.push(found.rule);
      else problems.push(...found.problems);
    }
  }
  return { rules, problems: [...problems, ...duplicates(rules)] };
}

/** Rules of which it would hang on their order which one counts. */
export function duplicates(rules: readonly HealthRule[]): Problem[] {
  const seen = new Map<string, HealthRule>();
  return rules.flatMap((rule): Problem[] => {
    const key = `${rule.group}/${rule.version ?? ''}/${rule.kind}`;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, rule);
      return [];
    }
    const line = first.at.line === undefined ? '' : `:${first.at.line}`;
    const what = `${rule.kind} of group ${rule.group === '' ? 'core' : rule.group}`;
    const message = `There is a rule for ${what} already, in ${first.at.file}${line}. Remove one of them, or give them different versions.`;
    return [{ message, at: rule.at, code: 'duplicate-rule' }];
  });
}

function compileRule(
  written: WrittenRule,
  place: (field: readonly string[]) => Place,
): { readonly rule: HealthRule } | { readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const compile = (field: keyof WrittenRule, wanted: ResultType): Expression | undefined => {
    const text = written[field];
    if (text === undefined) return undefined;
    const result = compileExpression(text, wanted);
    if ('expression' in result) return result.expression;
    problems.push({
      at: place([field]),
      code: 'invalid-expression',
      message: `\`${field}\` of the rule for ${written.kind} is no CEL expression that can be used: ${result.flaw}.`,
    });
    return undefined;
  };
  const inProgress = compile('inProgress', 'bool');
  const failed = compile('failed', 'bool');
  const current = compile('current', 'bool');
  const messageExpression = compile('messageExpression', 'string');
  if (written.message !== undefined && written.messageExpression !== undefined) {
    const message = 'A rule has either `message` or `messageExpression`.';
    problems.push({ message, at: place(['messageExpression']), code: 'invalid-field' });
  }
  if (problems.length > 0 || current === undefined) return { problems };
  const { kind, version, message } = written;
  const rule = {
    at: place([]),
    group: written.group === 'core' ? '' : written.group,
    kind,
    ...(version !== undefined && { version }),
    ...(inProgress && { inProgress }),
    ...(failed && { failed }),
    current,
    ...(message !== undefined && { message }),
    ...(messageExpression && { messageExpression }),
  };
  return { rule };
}

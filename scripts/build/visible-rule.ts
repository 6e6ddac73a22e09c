/** One comparison of a visibleRule: `input = literal` or `input != literal`. */
export interface VisibleRuleClause {
  readonly input: string;
  readonly operator: '=' | '!=';
  readonly literal: string;
}

export type VisibleRule =
  | { readonly ok: true; readonly clauses: readonly VisibleRuleClause[] }
  | { readonly ok: false; readonly reason: string };

/** Letters, digits and spaces: the Marketplace's check of an upload refuses more (azure-pipelines-task-lib#658, #1023). */
const LITERAL = /^[A-Za-z0-9]+( [A-Za-z0-9]+)*$/;
const INPUT_NAME = /^[A-Za-z][A-Za-z0-9]*$/;

/**
 * Reads a visibleRule. The service knows comparisons joined by `&&` or by `||`, never both in one rule and no parentheses
 * (azure-pipelines-task-lib#871, azure-pipelines-tasks#12649); a rule it cannot read is found out at upload only.
 */
export function parseVisibleRule(rule: string): VisibleRule {
  if (/[()]/.test(rule)) return { ok: false, reason: 'parentheses are not supported' };
  const and = rule.includes('&&');
  const or = rule.includes('||');
  if (and && or) return { ok: false, reason: '&& and || cannot stand in one rule' };
  const clauses: VisibleRuleClause[] = [];
  for (const part of rule.split(and ? '&&' : '||')) {
    const match = /^\s*([^=!\s]+)\s*(=|!=)\s*([^=!&|]*?)\s*$/.exec(part);
    const [, input = '', operator, literal = ''] = match ?? [];
    if (operator !== '=' && operator !== '!=') {
      return { ok: false, reason: `'${part.trim()}' is not of the form 'input = value' or 'input != value'` };
    }
    if (!INPUT_NAME.test(input)) return { ok: false, reason: `'${input}' is not the name of an input` };
    if (!LITERAL.test(literal)) {
      return { ok: false, reason: `the value '${literal}' may hold letters, digits and single spaces only` };
    }
    clauses.push({ input, operator, literal });
  }
  return { ok: true, clauses };
}

/**
 * Visibility rules of task.json: `a = x && b != y || c = z`. The editor knows `=`, `!=`, `&&` and `||` between an input's
 * name and a literal; `&&` binds stronger.
 */
export function isVisible(rule: string | undefined, lookup: (input: string) => string | undefined): boolean {
  if (rule === undefined || rule.trim() === '') return true;
  return rule.split('||').some((part) => part.split('&&').every((condition) => holds(condition, rule, lookup)));
}

function holds(condition: string, rule: string, lookup: (input: string) => string | undefined): boolean {
  const match = /^\s*([\w.-]+)\s*(!=|==?)\s*(.*?)\s*$/.exec(condition);
  const [, input, operator, literal] = match ?? [];
  if (input === undefined || literal === undefined) {
    throw new Error(
      `The visibleRule "${rule}" of task.json cannot be read: expected "input = value" or "input != value", found "${condition.trim()}".`,
    );
  }
  const value = lookup(input);
  if (value === undefined)
    throw new Error(`The visibleRule "${rule}" of task.json names the unknown input "${input}".`);
  const equal = value.toLowerCase() === literal.toLowerCase();
  return operator === '!=' ? !equal : equal;
}

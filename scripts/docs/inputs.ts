import type { TaskInput, TaskManifest } from '../build/task-manifest.ts';
import { parseVisibleRule } from '../build/visible-rule.ts';
import { cell } from './section.ts';

/** `required` counts only while the input is shown. */
type DocumentedInput = TaskInput & { readonly required?: boolean };

/** The inputs of a task as Markdown: one table a group, in the order of task.json. */
export function inputTables(task: TaskManifest): string {
  const groups = [{ name: undefined, displayName: 'General' }, ...(task.groups ?? [])];
  return groups
    .map(({ name, displayName }) => {
      const inputs = task.inputs.filter((input) => input.groupName === name);
      if (inputs.length === 0) return '';
      return [
        `### ${displayName}`,
        '',
        '| input | default | when | meaning |',
        '| --- | --- | --- | --- |',
        ...inputs.map(row),
      ].join('\n');
    })
    .filter((table) => table !== '')
    .join('\n\n');
}

function row(input: DocumentedInput): string {
  const aliases = input.aliases ?? [];
  const also = aliases.length === 0 ? '' : `<br>also ${aliases.map(code).join(', ')}`;
  const value = String(input.defaultValue ?? '');
  const cells = [
    `${code(input.name)}${also}`,
    value !== '' ? code(value) : input.required === true ? '*required*' : '',
    whenText(input.visibleRule),
    `${input.helpMarkDown}${options(input)}`,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** Options that the help does not name. */
function options(input: DocumentedInput): string {
  const names = Object.keys(input.options ?? {});
  const missing = names.some((name) => !input.helpMarkDown.includes(`**${name}**`));
  return missing && names.length > 0 ? ` Values: ${names.map(code).join(', ')}.` : '';
}

/** `action = sync || action = plan` as a reader takes it in: `action` sync, plan. */
function whenText(rule: string | undefined): string {
  if (rule === undefined) return '';
  const parsed = parseVisibleRule(rule);
  if (!parsed.ok) throw new Error(`visibleRule "${rule}": ${parsed.reason}`);
  const values = new Map<string, string[]>();
  for (const { input, operator, literal } of parsed.clauses) {
    const name = operator === '=' ? code(input) : `${code(input)} not`;
    values.set(name, [...(values.get(name) ?? []), literal]);
  }
  const joint = rule.includes('&&') ? ' and ' : ' or ';
  return [...values].map(([name, literals]) => `${name} ${literals.join(', ')}`).join(joint);
}

function code(text: string): string {
  return `\`${text}\``;
}

import { gte } from 'semver';
import type { Problem } from '../../lib/errors.ts';
import type { Handlers, TaskInput, TaskManifest } from './task-manifest.ts';
import { parseVisibleRule } from './visible-rule.ts';

/** The first agent that knows the handler Node20_1 (azure-pipelines-tasks docs/migrateNode24.md). */
const OLDEST_AGENT = '4.248.0';

type Report = (code: string, message: string) => void;
type Rule = (task: TaskManifest, report: Report) => void;

/** What a JSON schema cannot say of a task.json that already fits ours. `file` is how problems name it. */
export function checkRules(task: TaskManifest, file: string): Problem[] {
  const problems: Problem[] = [];
  for (const rule of RULES) {
    rule(task, (code, message) => problems.push({ message, at: { file }, code }));
  }
  return problems;
}

const uniqueNames: Rule = (task, report) => {
  // The agent hands inputs over as upper-cased environment variables, so case does not tell two names apart.
  const seen = new Map<string, string>();
  for (const input of task.inputs) {
    for (const name of [input.name, ...(input.aliases ?? [])]) {
      const other = seen.get(name.toLowerCase());
      if (other !== undefined) {
        report('input-name', `input '${input.name}': the name or alias '${name}' is already taken by input '${other}'`);
      }
      seen.set(name.toLowerCase(), input.name);
    }
  }
};

const groups: Rule = (task, report) => {
  const names = (task.groups ?? []).map((group) => group.name);
  for (const name of names.filter((name, index) => names.indexOf(name) !== index)) {
    report('group', `group '${name}' is declared twice`);
  }
  for (const input of task.inputs) {
    if (input.groupName !== undefined && !names.includes(input.groupName)) {
      report('group', `input '${input.name}': there is no group '${input.groupName}'`);
    }
  }
  for (const name of names) {
    if (!task.inputs.some((input) => input.groupName === name)) report('group', `group '${name}' has no input`);
  }
};

const options: Rule = (task, report) => {
  for (const input of task.inputs) {
    const choice = input.type === 'pickList' || input.type === 'radio';
    // A pick list may be filled by a data source instead.
    const filled = (task.dataSourceBindings ?? []).some((binding) => binding.target === input.name);
    if (choice && input.options === undefined && !filled) {
      report('options', `input '${input.name}': a ${input.type} needs options or a data source`);
    }
    if (!choice && input.options !== undefined) {
      report('options', `input '${input.name}': only a pickList or radio has options, not a ${input.type}`);
    }
    if (input.type === 'pickList' && input.properties?.['EditableOptions'] !== 'True') {
      report(
        'editable-options',
        `input '${input.name}': a pickList needs properties.EditableOptions "True", so that it takes $(variables)`,
      );
    }
    checkDefault(input, report);
  }
};

function checkDefault(input: TaskInput, report: Report): void {
  const value = String(input.defaultValue ?? '');
  if (input.type === 'boolean' && value !== 'true' && value !== 'false') {
    report('default', `input '${input.name}': the default of a boolean is "true" or "false", not "${value}"`);
  }
  if (input.options !== undefined && value !== '' && !(value in input.options)) {
    report('default', `input '${input.name}': the default "${value}" is not one of its options`);
  }
}

const visibleRules: Rule = (task, report) => {
  const byName = new Map(task.inputs.map((input) => [input.name, input]));
  const owners = [
    ...task.inputs.map((input) => ({ kind: 'input', ...input })),
    ...(task.groups ?? []).map((group) => ({ kind: 'group', ...group })),
  ];
  for (const owner of owners) {
    if (owner.visibleRule === undefined) continue;
    const fail = (reason: string) =>
      report('visible-rule', `${owner.kind} '${owner.name}': visibleRule '${owner.visibleRule}': ${reason}`);
    const rule = parseVisibleRule(owner.visibleRule);
    if (!rule.ok) {
      fail(rule.reason);
      continue;
    }
    for (const { input: name, literal } of rule.clauses) {
      const input = byName.get(name);
      if (input === undefined) fail(`there is no input '${name}' (aliases do not count)`);
      else if (owner.kind === 'input' && name === owner.name) fail('an input cannot decide about itself');
      else if (input.options !== undefined && !(literal in input.options))
        fail(`'${literal}' is no option of '${name}'`);
      else if (input.type === 'boolean' && !/^(true|false)$/.test(literal)) fail(`'${name}' is true or false`);
    }
  }
};

const outputVariables: Rule = (task, report) => {
  const declared = task.outputVariables.map((variable) => variable.name);
  const settable = task.restrictions.settableVariables.allowed;
  for (const name of declared.filter((name, index) => declared.indexOf(name) !== index)) {
    report('output-variables', `output variable '${name}' is declared twice`);
  }
  for (const name of declared.filter((name) => !settable.includes(name))) {
    report('output-variables', `output variable '${name}' is missing in restrictions.settableVariables.allowed`);
  }
  for (const name of settable.filter((name) => !declared.includes(name))) {
    report('output-variables', `restrictions.settableVariables.allowed names '${name}', which is no output variable`);
  }
};

const instanceName: Rule = (task, report) => {
  const names = new Set(task.inputs.map((input) => input.name));
  for (const [, name = ''] of task.instanceNameFormat.matchAll(/\$\(([^)]*)\)/g)) {
    if (!names.has(name)) report('instance-name', `instanceNameFormat: there is no input '${name}'`);
  }
};

const dataSources: Rule = (task, report) => {
  const names = new Set(task.inputs.map((input) => input.name));
  for (const binding of task.dataSourceBindings ?? []) {
    if (!names.has(binding.target)) report('data-source', `dataSourceBindings: there is no input '${binding.target}'`);
    const texts = [binding.endpointId, binding.endpointUrl ?? '', ...Object.values(binding.parameters ?? {})];
    for (const [, name = ''] of texts.join(' ').matchAll(/\$\(([^)]*)\)/g)) {
      if (!names.has(name))
        report('data-source', `dataSourceBindings of '${binding.target}': there is no input '${name}'`);
    }
  }
};

const handlers: Rule = (task, report) => {
  for (const [block, handlers] of handlerBlocks(task)) {
    const targets = new Set(Object.values(handlers).map((handler) => handler.target));
    if (targets.size > 1)
      report('handler', `${block}: all handlers start the same file, not ${[...targets].join(', ')}`);
  }
  if (!gte(task.minimumAgentVersion, OLDEST_AGENT)) {
    report(
      'agent-version',
      `minimumAgentVersion ${task.minimumAgentVersion} is older than ${OLDEST_AGENT}, the first agent with Node20_1`,
    );
  }
};

const RULES: readonly Rule[] = [
  uniqueNames,
  groups,
  options,
  visibleRules,
  outputVariables,
  instanceName,
  dataSources,
  handlers,
];

function handlerBlocks(task: TaskManifest): [string, Handlers][] {
  const blocks = {
    prejobexecution: task.prejobexecution,
    execution: task.execution,
    postjobexecution: task.postjobexecution,
  };
  return Object.entries(blocks).filter((entry): entry is [string, Handlers] => entry[1] !== undefined);
}

/** The files that the task's handlers start; each has to be in the package. */
export function handlerFiles(task: TaskManifest): string[] {
  return [
    ...new Set(handlerBlocks(task).flatMap(([, handlers]) => Object.values(handlers).map(({ target }) => target))),
  ];
}

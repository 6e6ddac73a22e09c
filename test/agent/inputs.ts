import path from 'node:path';
import { expandMacros } from './macros.ts';
import { findInput, type TaskDefinition, type TaskInput } from './task-definition.ts';
import type { Variables } from './variables.ts';
import { isVisible } from './visible-rule.ts';

export type InputProblem = { readonly rule: 'unknown-input' | 'required-input'; readonly message: string };

export interface ResolvedInputs {
  /** Every declared input by its declared name, empty ones included. */
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly InputProblem[];
}

export interface InputOptions {
  readonly definition: TaskDefinition;
  /** As in a pipeline: names or aliases. */
  readonly given: Readonly<Record<string, string>>;
  readonly variables: Variables;
  /** The agent's own environment, the last source of macros. */
  readonly agentEnvironment: Readonly<Record<string, string>>;
  /** Where relative `filePath` inputs begin. */
  readonly pathRoot: string;
}

/**
 * The inputs as the agent sends them (TaskRunner.RunAsyncInternal): all defaults, also of hidden inputs, overlaid by what was
 * given, trimmed, macros from variables and then from the agent's environment, and `filePath` inputs made absolute, so that
 * an empty one arrives as a directory.
 */
export function resolveInputs(options: InputOptions): ResolvedInputs {
  const { definition, variables } = options;
  const inputs = definition.inputs ?? [];
  const trim = variables.flag('DISABLE_INPUT_TRIMMING') !== true;
  const clean = (value: string): string => (trim ? value.trim() : value);
  const raw = new Map(inputs.map((input) => [input.name, clean(input.defaultValue ?? '')]));
  const problems = overlay(raw, options, clean);

  const values = new Map<string, string>();
  for (const [name, value] of raw) {
    const fromVariables = expandMacros(value, (macro) => variables.get(macro));
    values.set(
      name,
      expandMacros(fromVariables, (macro) => options.agentEnvironment[macro]),
    );
  }
  problems.push(...missingInputs(definition, values));

  for (const input of inputs) {
    if (input.type.toLowerCase() !== 'filepath') continue;
    values.set(input.name, path.resolve(options.pathRoot, values.get(input.name) ?? ''));
  }
  return { values, problems };
}

function overlay(raw: Map<string, string>, options: InputOptions, clean: (value: string) => string): InputProblem[] {
  const problems: InputProblem[] = [];
  const given = new Map<string, string>();
  for (const [name, value] of Object.entries(options.given)) {
    const input = findInput(options.definition, name);
    if (input === undefined) {
      problems.push({ rule: 'unknown-input', message: `The task ${options.definition.name} has no input "${name}".` });
      continue;
    }
    const other = given.get(input.name);
    if (other !== undefined)
      throw new Error(`The inputs "${other}" and "${name}" are the same input; give one of them.`);
    given.set(input.name, name);
    raw.set(input.name, clean(value));
  }
  return problems;
}

/** The server asks for a required input only where its visibility rules, its own and its group's, show it. */
function missingInputs(definition: TaskDefinition, values: ReadonlyMap<string, string>): InputProblem[] {
  const lookup = (name: string): string | undefined => {
    const input = findInput(definition, name);
    return input === undefined ? undefined : (values.get(input.name) ?? '');
  };
  const isShown = (input: TaskInput): boolean =>
    isVisible(definition.groups?.find((group) => group.name === input.groupName)?.visibleRule, lookup) &&
    isVisible(input.visibleRule, lookup);

  return (definition.inputs ?? [])
    .filter((input) => String(input.required).toLowerCase() === 'true' && (values.get(input.name) ?? '') === '')
    .filter(isShown)
    .map((input) => ({ rule: 'required-input', message: `The input "${input.name}" is required and was not given.` }));
}

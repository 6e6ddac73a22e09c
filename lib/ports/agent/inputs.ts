import { InputError, type Problem } from '../../errors.ts';
import type { Agent } from './agent.ts';

/** What a field may look at besides its own text. */
export interface InputContext {
  /** The name as YAML shows it. */
  readonly name: string;
  readonly agent: Pick<Agent, 'workingDirectory' | 'variable'>;
}

/** One input of a task: how its text becomes a value. Made by the functions of input-fields.ts. */
export interface InputField<T> {
  /** Reads the trimmed text, undefined when there is none. Throws an InvalidInput to refuse it. */
  read(text: string | undefined, context: InputContext): T;
  /** The value is never repeated in a message. */
  readonly secret?: boolean;
  /** `$(name)` means something else here than a variable that the agent did not know. */
  readonly allowMacros?: boolean;
}

/** Why a text is refused: what was expected, and how to put it right. Only between a field and `readInputs`. */
export class InvalidInput extends Error {
  readonly expected: string;
  readonly hint: string | undefined;

  constructor(expected: string, hint?: string) {
    super(expected);
    this.expected = expected;
    this.hint = hint;
  }
}

export type InputShape = Readonly<Record<string, InputField<unknown>>>;

/** The values of a shape: a property for each input, of the type that its field reads. */
export type InputsOf<Shape extends InputShape> = {
  readonly [Name in keyof Shape]: Shape[Name] extends InputField<infer Value> ? Value : never;
};

/**
 * Reads every input of a task once. All that is wrong is reported together, in one InputError, so that nobody has to run a pipeline once
 * for each mistake. `check` sees the values when all could be read, and tells what is wrong between them.
 *
 * @example const inputs = readInputs(agent, { action: pickList(['sync', 'plan']), timeout: duration({ default: '10m' }) });
 */
export function readInputs<Shape extends InputShape>(
  agent: Pick<Agent, 'input' | 'workingDirectory' | 'variable'>,
  shape: Shape,
  check?: (inputs: InputsOf<Shape>) => readonly Problem[],
): InputsOf<Shape> {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(shape)) {
    const text = agent.input(name);
    const unexpanded = field.allowMacros === true ? undefined : unexpandedMacro(name, text);
    if (unexpanded !== undefined) {
      problems.push(unexpanded);
      continue;
    }
    try {
      values[name] = field.read(text, { name, agent });
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      problems.push(describeInvalid(name, text, field, error));
    }
  }
  const inputs = values as InputsOf<Shape>;
  if (problems.length === 0 && check !== undefined) problems.push(...check(inputs));
  if (problems.length > 0) throw new InputError(problems);
  return inputs;
}

function describeInvalid(
  name: string,
  text: string | undefined,
  field: InputField<unknown>,
  { expected, hint }: InvalidInput,
): Problem {
  const found =
    text === undefined ? 'is empty' : field.secret === true ? 'has a value that cannot be used' : `is ${quoted(text)}`;
  return {
    input: name,
    message: `Input \`${name}\` ${found}; expected ${expected}.${hint === undefined ? '' : ` ${hint}`}`,
    code: text === undefined ? 'input-required' : 'input-invalid',
  };
}

/** A value as it was written, short enough for a message. */
export function quoted(text: string): string {
  return `\`${text.length > 200 ? `${text.slice(0, 200)}...` : text}\``;
}

/**
 * The agent replaces `$(name)` in inputs by variables and leaves a name that it does not know as it is (azure-pipelines-agent
 * `TaskRunner`), so what is left is a mistake: to go on would, for instance, deploy into a namespace called `$(namespace)`.
 */
function unexpandedMacro(name: string, text: string | undefined): Problem | undefined {
  const macro = text === undefined ? null : /\$\(([^()\r\n]+)\)/.exec(text);
  if (macro !== null) {
    return {
      input: name,
      message:
        `Input \`${name}\` contains \`${macro[0]}\`, and this run has no variable \`${macro[1]}\`. ` +
        'Define the variable, correct its name, or map it into the stage or job in which this task runs.',
      code: 'undefined-variable',
    };
  }
  if (text !== undefined && /^\$\[.*\]$|\$\{\{.*\}\}/s.test(text)) {
    return {
      input: name,
      message:
        `Input \`${name}\` is the expression ${quoted(text)}, which nobody evaluates here: Azure Pipelines evaluates such expressions ` +
        'only in variables, conditions and YAML files. Give the value to a variable and write `$(variable)`.',
      code: 'unevaluated-expression',
    };
  }
  return undefined;
}

import { createContext, Script } from 'node:vm';
import { Environment, EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import { messageOf } from '../../errors.ts';

/** A CEL expression over one object that passed the type checker. */
export interface Expression {
  readonly text: string;
  /** Never throws. `error` is a sentence part without the expression: `No such key: phase`. */
  evaluate(object: unknown): { readonly value: boolean | string } | { readonly error: string };
}

export type ResultType = 'bool' | 'string';

/** Variables beside `self`, so that expressions written for Flux' healthCheckExprs work as they are. */
const topLevelFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status', 'data'] as const;

const timeoutMs = 200;
/** A busy machine can make a harmless expression late once or twice; one that is late every time is not tried for ever. */
const mostTimeouts = 3;
/** Far above any object that etcd takes in practice. */
const mostValues = 300_000;
const longestText = 1_000;

const environment = new Environment({
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 1_000, maxDepth: 60, maxListElements: 200, maxMapEntries: 200 },
})
  .registerVariable('self', 'map<string, dyn>')
  .registerVariable('apiVersion', 'string')
  .registerVariable('kind', 'string')
  .registerVariable('metadata', 'dyn')
  .registerVariable('spec', 'dyn')
  .registerVariable('status', 'dyn')
  .registerVariable('data', 'dyn');

/**
 * Parses and type-checks an expression. What only the object can tell (fields of `self` are of any type) is found out when it is
 * evaluated.
 */
export function compileExpression(
  text: string,
  wanted: ResultType,
): { readonly expression: Expression } | { readonly flaw: string } {
  let parsed: ParseResult;
  try {
    parsed = environment.parse(text);
    const { valid, type, error } = parsed.check();
    if (!valid) return { flaw: describe(error, text) };
    if (type !== wanted && type !== 'dyn') {
      return { flaw: `it gives ${type}, and ${wanted === 'bool' ? 'true or false' : 'text'} is expected` };
    }
  } catch (error) {
    return { flaw: describe(error, text) };
  }
  return { expression: { text, evaluate: bounded(parsed, wanted) } };
}

/** The engine offers no limit of time, and `matches` takes regular expressions that can take for ever; a script of node:vm can be stopped. */
function bounded(parsed: ParseResult, wanted: ResultType): Expression['evaluate'] {
  const context = createContext({ run: undefined as unknown });
  const script = new Script('run()');
  let timeouts = 0;
  return (object) => {
    if (timeouts >= mostTimeouts) return { error: `It took longer than ${timeoutMs} ms ${mostTimeouts} times` };
    try {
      context['run'] = () => parsed(variablesOf(object));
      const value: unknown = script.runInContext(context, { timeout: timeoutMs });
      if (wanted === 'bool' && typeof value === 'boolean') return { value };
      if (wanted === 'string' && typeof value === 'string') return { value: shorten(value) };
      return { error: `It gave ${typeName(value)}, not ${wanted === 'bool' ? 'true or false' : 'text'}` };
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
        timeouts += 1;
        return { error: `It took longer than ${timeoutMs} ms` };
      }
      return { error: error instanceof EvaluationError ? error.summary : messageOf(error) };
    } finally {
      context['run'] = undefined;
    }
  };
}

function variablesOf(object: unknown): Record<string, unknown> {
  const left = { values: mostValues };
  const self = toCel(object, left);
  const variables: Record<string, unknown> = { self };
  if (self instanceof Map) {
    for (const name of topLevelFields) if (self.has(name)) variables[name] = self.get(name);
  }
  return variables;
}

/** JSON as CEL knows it: whole numbers are `int`, mappings have no inherited keys. */
function toCel(value: unknown, left: { values: number }): unknown {
  left.values -= 1;
  if (left.values < 0) throw new Error(`The object has more than ${mostValues} values`);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => toCel(item, left));
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, entry]) => [key, toCel(entry, left)]));
}

function describe(error: unknown, text: string): string {
  const { summary, range } = error as { summary?: string; range?: { start: number; end: number } };
  const what = (summary ?? messageOf(error)).replace(/\.$/, '');
  if (range === undefined) return what;
  const before = text.slice(0, range.start).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return before.length === 1
    ? `${what}, at character ${column}`
    : `${what}, in its line ${before.length} at character ${column}`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint' || typeof value === 'number') return 'a number';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'true or false';
  if (Array.isArray(value)) return 'a list';
  return value instanceof Map ? 'a mapping' : 'another type';
}

function shorten(text: string): string {
  // Never half a character.
  const characters = [...text.slice(0, 2 * longestText + 2)];
  return characters.length > longestText ? `${characters.slice(0, longestText).join('')}…` : text;
}

import { nearest } from '../../ports/agent/nearest.ts';
import type { YamlPath } from '../manifests/yaml/node.ts';

/**
 * The part of JSON Schema (draft 7) that the schemas of our own files use. The schemas ship for editors; the same files check at run
 * time, so that the two cannot differ. This reader of them costs 3 kB of a bundle where ajv costs 120 kB; a test compares the two.
 */
export interface Schema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly $ref?: string;
  /** What is expected, in words that continue "must be": `the name of a namespace`. */
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly type?: 'object' | 'array' | 'string' | 'boolean' | 'integer';
  readonly const?: unknown;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: false;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

export const schemaKeywords: ReadonlySet<string> = new Set<keyof Schema>([
  '$schema',
  '$id',
  '$ref',
  'title',
  'description',
  'default',
  'examples',
  'definitions',
  'type',
  'const',
  'enum',
  'required',
  'properties',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
]);

export interface Misfit {
  readonly path: YamlPath;
  readonly message: string;
  readonly code: 'unknown-field' | 'missing-field' | 'invalid-field';
}

/** Everything in which plain data does not fit a schema. Pure. */
export function checkAgainst(schema: Schema, value: unknown): Misfit[] {
  return check(value, schema, { root: schema, path: [] });
}

interface Position {
  readonly root: Schema;
  readonly path: YamlPath;
}

function check(value: unknown, given: Schema, at: Position): Misfit[] {
  const schema = resolve(given, at.root);
  if (schema.type !== undefined && typeOf(value, schema.type) !== schema.type) {
    return [misfit(at, `${expected(schema)}; it is ${describeValue(value)}`)];
  }
  if (schema.const !== undefined && value !== schema.const) {
    return [misfit(at, `\`${String(schema.const)}\`; it is ${describeValue(value)}`)];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value as string)) {
    return [misfit(at, `one of ${schema.enum.join(', ')}; it is ${describeValue(value)}`, hint(value, schema.enum))];
  }
  if (typeof value === 'string') return checkText(value, schema, at);
  if (typeof value === 'number') return checkNumber(value, schema, at);
  if (Array.isArray(value)) return checkList(value, schema, at);
  if (typeof value === 'object' && value !== null) return checkObject(value as Record<string, unknown>, schema, at);
  return [];
}

/** `#/definitions/<name>` only. */
function resolve(schema: Schema, root: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.replace('#/definitions/', '');
  const found = root.definitions?.[name];
  if (found === undefined) throw new Error(`The schema ${root.$id ?? ''} has no ${schema.$ref}`);
  return found;
}

function checkText(value: string, schema: Schema, at: Position): Misfit[] {
  const length = [...value].length;
  const fits =
    length >= (schema.minLength ?? 0) &&
    length <= (schema.maxLength ?? Number.POSITIVE_INFINITY) &&
    (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value));
  return fits ? [] : [misfit(at, `${expected(schema)}; it is ${describeValue(value)}`)];
}

function checkNumber(value: number, schema: Schema, at: Position): Misfit[] {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  return value >= minimum && value <= maximum ? [] : [misfit(at, `${expected(schema)}; it is ${value}`)];
}

function checkList(value: readonly unknown[], schema: Schema, at: Position): Misfit[] {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items } = schema;
  const own =
    value.length >= minItems && value.length <= maxItems
      ? []
      : [misfit(at, `${expected(schema)}; it has ${value.length} entries`)];
  if (items === undefined) return own;
  return [...own, ...value.flatMap((item, index) => check(item, items, { ...at, path: [...at.path, index] }))];
}

function checkObject(value: Readonly<Record<string, unknown>>, schema: Schema, at: Position): Misfit[] {
  const { properties = {}, required = [] } = schema;
  const misfits: Misfit[] = [];
  for (const name of required) {
    if (Object.hasOwn(value, name)) continue;
    const wanted = resolve(properties[name] ?? {}, at.root);
    misfits.push({
      path: at.path,
      code: 'missing-field',
      message: `${nameOf(at.path)} needs \`${name}\`${wanted.title === undefined ? '' : `: ${wanted.title}`}.`,
    });
  }
  for (const [name, entry] of Object.entries(value)) {
    const path = [...at.path, name];
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property !== undefined) misfits.push(...check(entry, property, { ...at, path }));
    else if (schema.additionalProperties === false) misfits.push(unknownField(name, Object.keys(properties), at));
  }
  return misfits;
}

function unknownField(name: string, known: readonly string[], at: Position): Misfit {
  const near = nearest(name, known);
  const advice = near === undefined ? `Known are ${known.join(', ')}.` : `Did you mean \`${near}\`?`;
  return {
    path: [...at.path, name],
    code: 'unknown-field',
    message: `${nameOf(at.path)} has no field \`${name.slice(0, 100)}\`. ${advice}`,
  };
}

function misfit(at: Position, what: string, advice = ''): Misfit {
  return { path: at.path, code: 'invalid-field', message: `${nameOf(at.path)} must be ${what}.${advice}` };
}

function hint(value: unknown, known: readonly string[]): string {
  const near = typeof value === 'string' ? nearest(value, known) : undefined;
  return near === undefined ? '' : ` Did you mean ${near}?`;
}

const typeNames = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  boolean: 'true or false',
  integer: 'a whole number',
} as const;

function expected(schema: Schema): string {
  return schema.title ?? (schema.type === undefined ? 'something else' : typeNames[schema.type]);
}

function typeOf(value: unknown, wanted: Schema['type']): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  if (typeof value === 'number') return wanted === 'integer' && Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function describeValue(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return `'${value.length > 100 ? `${value.slice(0, 100)}…` : value}'`;
  return String(value);
}

/** `rules[0].namespaces[2]`; `The document` at the top. */
function nameOf(path: YamlPath): string {
  if (path.length === 0) return 'The document';
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return `\`${text.replace(/^\./, '').slice(0, 200)}\``;
}

/** Checks requests and answers against the tables of facts that distil.ts makes. */
import { readFileSync } from 'node:fs';
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import { type Facts, factsFile, type OperationFacts, type ParameterFacts, type Schema } from './distil.ts';

export interface Match {
  readonly operation: OperationFacts;
  readonly path: Readonly<Record<string, string>>;
}

export interface Contract {
  readonly facts: Facts;
  /** The operation of a method and a path such as `/org/project/_apis/git/...`; the project may be left out where the table says so. */
  find(method: string, path: string): Match | undefined;
  /** What is wrong with the query of a request. */
  queryProblems(operation: OperationFacts, query: URLSearchParams): string[];
  /** What is wrong with the body of a request: wrong types and, other than in answers, properties that the table does not know. */
  bodyProblems(operation: OperationFacts, body: unknown): string[];
  /** What is wrong with an answer. Lists come in `{count, value}`, which the specification does not say. */
  answerProblems(operation: OperationFacts, status: number, body: unknown): string[];
}

export function loadContract(area: string, version: string): Contract {
  return contractOf(JSON.parse(readFileSync(factsFile(area, version), 'utf8')) as Facts);
}

export function contractOf(facts: Facts): Contract {
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  ajv.addFormat('int16', { type: 'number', validate: (n: number) => Number.isInteger(n) && Math.abs(n) <= 2 ** 15 });
  ajv.addFormat('int32', { type: 'number', validate: (n: number) => Number.isInteger(n) && Math.abs(n) <= 2 ** 31 });
  ajv.addFormat('int64', { type: 'number', validate: (n: number) => Number.isInteger(n) });
  ajv.addFormat('double', true);
  ajv.addFormat(
    'date-time',
    (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
  );
  ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
  for (const open of ['T', 'byte', 'binary']) ajv.addFormat(open, true);
  ajv.addSchema({ $id: 'facts', $defs: schemasOf(facts) });
  const compiled = new Map<string, ValidateFunction>();
  const problems = (schema: Schema, strict: boolean, value: unknown): string[] => {
    const key = `${strict}${JSON.stringify(schema)}`;
    const validate = compiled.get(key) ?? ajv.compile(pointed(schema, strict) as object);
    compiled.set(key, validate);
    return validate(value)
      ? []
      : (validate.errors ?? []).map((error) => `${error.instancePath || '/'} ${error.message}`);
  };
  return {
    facts,
    find: (method, path) => find(facts, method, path),
    queryProblems: (operation, query) => queryProblems(operation, query),
    bodyProblems: (operation, body) => {
      if (operation.body === undefined) return body === undefined ? [] : ['the operation takes no body'];
      return body === undefined ? ['the body is missing'] : problems(operation.body, true, body);
    },
    answerProblems: (operation, status, body) => {
      // The specification says 200 for every success; its own examples, and the service, answer 201 to what creates something.
      const schema = operation.responses[String(status)] ?? (status === 201 ? operation.responses['200'] : undefined);
      if (schema === undefined) return [`status ${status} is not in the table`];
      if (schema === null) return [];
      if (schema.type !== 'array') return problems(schema, false, body);
      const { count, value } = (body ?? {}) as { count?: unknown; value?: unknown };
      if (!Array.isArray(value) || count !== value.length) return ['a list must come as {count, value}'];
      return problems(schema, false, value);
    },
  };
}

function find(facts: Facts, method: string, path: string): Match | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  for (const operation of facts.operations) {
    if (operation.method !== method) continue;
    const template = operation.path.split('/').filter((part) => part !== '');
    for (const one of templatesOf(template, operation)) {
      const values = valuesOf(one, parts);
      if (values !== undefined) return { operation, path: values };
    }
  }
  return undefined;
}

/** The template, and it without the project, or without a parameter at its end, where the table says that these may be left out. */
function templatesOf(template: readonly string[], operation: OperationFacts): (readonly string[])[] {
  const leftOut = operation.parameters
    .filter((one) => one.in === 'path' && !one.required)
    .map((one) => `{${one.name}}`)
    .filter((part) => part === '{project}' || part === template.at(-1));
  return [template, ...leftOut.map((part) => template.filter((other) => other !== part))];
}

/** Paths are compared without letter case, as the service does. */
function valuesOf(template: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (template.length !== parts.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, wanted] of template.entries()) {
    const part = parts[index] ?? '';
    if (wanted.startsWith('{')) values[wanted.slice(1, -1)] = part;
    else if (wanted.toLowerCase() !== part.toLowerCase()) return undefined;
  }
  return values;
}

function queryProblems(operation: OperationFacts, query: URLSearchParams): string[] {
  const known = new Map(
    operation.parameters.filter((one) => one.in === 'query').map((one) => [one.name.toLowerCase(), one]),
  );
  const problems: string[] = [];
  for (const [name, value] of query) {
    const parameter = known.get(name.toLowerCase());
    if (parameter === undefined) problems.push(`query parameter ${name} is not in the table`);
    else if (!parameterFits(parameter, value))
      problems.push(`query parameter ${name}: "${value}" is no ${parameter.format ?? parameter.type}`);
  }
  for (const parameter of known.values()) {
    // api-version may come in the Accept header; the server looks at both.
    if (parameter.required && parameter.name !== 'api-version' && !query.has(parameter.name)) {
      problems.push(`query parameter ${parameter.name} is missing`);
    }
  }
  return problems;
}

function parameterFits(parameter: ParameterFacts, value: string): boolean {
  if (parameter.enum !== undefined) return parameter.enum.some((one) => one.toLowerCase() === value.toLowerCase());
  if (parameter.type === 'boolean') return /^(?:true|false)$/i.test(value);
  if (parameter.type === 'integer') return /^-?\d+$/.test(value);
  if (parameter.format === 'uuid') return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
  return true;
}

/** Each definition twice: as it stands, and in a strict form that refuses properties it does not know. */
function schemasOf(facts: Facts): Record<string, unknown> {
  const schemas: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(facts.definitions)) {
    schemas[name] = pointed(schema, false);
    schemas[`strict:${name}`] = pointed(schema, true);
  }
  return schemas;
}

/** A schema whose references lead into the table; what it is combined of (`allOf`) stays open, the whole is closed. */
function pointed(schema: Schema, strict: boolean): unknown {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/definitions/', '');
    return { $ref: `facts#/$defs/${strict ? 'strict:' : ''}${name}` };
  }
  const closed = strict && schema.properties !== undefined;
  return {
    ...schema,
    ...(schema.items === undefined ? {} : { items: pointed(schema.items, strict) }),
    ...(schema.allOf === undefined ? {} : { allOf: schema.allOf.map((one) => pointed(one, false)) }),
    ...(schema.additionalProperties === undefined
      ? {}
      : { additionalProperties: pointed(schema.additionalProperties, strict) }),
    ...(schema.properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([name, one]) => [name, pointed(one, strict)]),
          ),
        }),
    ...(closed ? { unevaluatedProperties: false } : {}),
  };
}

/**
 * Distils the official specifications of the Azure DevOps REST API to compact tables of facts: paths, methods, versions, parameters and
 * the shapes of bodies, of the operations that the product uses; no descriptions. The tables are committed, so a clone without the
 * specifications checks as much.
 *
 * Source: https://github.com/MicrosoftDocs/vsts-rest-api-specs (MIT), specification/<area>/<version>/<area>.json
 *
 *   npx tsx test/azure-devops/distil.ts <folder of the specifications>
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface Facts {
  readonly area: string;
  readonly version: string;
  readonly resourceAreaId: string;
  readonly operations: readonly OperationFacts[];
  readonly definitions: Readonly<Record<string, Schema>>;
}

export interface OperationFacts {
  readonly id: string;
  readonly method: string;
  /** `/{organization}/{project}/_apis/git/repositories/{repositoryId}` */
  readonly path: string;
  /** The resource's name in the service's own table of locations. */
  readonly resource: string;
  /** `7.1` or `7.2-preview.2` */
  readonly apiVersion: string;
  readonly parameters: readonly ParameterFacts[];
  readonly body?: Schema;
  readonly responses: Readonly<Record<string, Schema | null>>;
}

export interface ParameterFacts {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly type: string;
  readonly format?: string;
  readonly enum?: readonly string[];
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
}

/** The operations that the product uses today. */
export const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  git: [
    'Repositories_Get Repository',
    'Refs_List',
    'Merge Bases_List',
    'Statuses_Create',
    'Statuses_List',
    'Pull Request Query_Get',
    'Pull Requests_Create',
    'Pull Requests_Get Pull Request',
    'Pull Requests_Get Pull Requests',
  ],
  build: ['Timeline_Get'],
  approvalsAndChecks: ['Approvals_Query'],
  release: ['Approvals_List'],
};
export const VERSIONS = ['7.1', '7.2'] as const;

/** Documents that are not called as their area; a version that an area does not have. */
const DOCUMENTS: Readonly<Record<string, string>> = { approvalsAndChecks: 'pipelinesapproval' };
const MISSING: readonly string[] = ['release 7.2'];

/** Every table that there is. */
export function tables(): { readonly area: string; readonly version: string; readonly ids: readonly string[] }[] {
  return Object.entries(OPERATIONS).flatMap(([area, ids]) =>
    VERSIONS.filter((version) => !MISSING.includes(`${area} ${version}`)).map((version) => ({ area, version, ids })),
  );
}

type Json = Record<string, unknown>;

/** Reads one specification; the files begin with a byte order mark. */
export async function readSpecification(folder: string, area: string, version: string): Promise<Json> {
  const text = await readFile(join(folder, area, version, `${DOCUMENTS[area] ?? area}.json`), 'utf8');
  return JSON.parse(text.replace(/^\uFEFF/, '')) as Json;
}

/** Keeps of a specification what can be checked, for the given operations and everything they refer to. */
export function distil(area: string, version: string, specification: Json, operationIds: readonly string[]): Facts {
  const paths = specification['paths'] as Record<string, Record<string, Json>>;
  const shared = specification['parameters'] as Record<string, Json>;
  const operations: OperationFacts[] = [];
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operationIds.includes(operation['operationId'] as string)) {
        operations.push(distilOperation(path, method, operation, shared));
      }
    }
  }
  const missing = operationIds.filter((id) => !operations.some((operation) => operation.id === id));
  if (missing.length > 0) throw new Error(`${area} ${version} has no operation ${missing.join(', ')}`);
  return {
    area,
    version,
    resourceAreaId: specification['x-ms-vss-resource-area-id'] as string,
    operations,
    definitions: reachable(operations, specification['definitions'] as Record<string, Json>),
  };
}

function distilOperation(path: string, method: string, operation: Json, shared: Record<string, Json>): OperationFacts {
  const all = (operation['parameters'] as Json[]).map((parameter) => {
    const ref = parameter['$ref'] as string | undefined;
    return ref === undefined ? parameter : (shared[ref.replace('#/parameters/', '')] as Json);
  });
  const body = all.find((parameter) => parameter['in'] === 'body');
  const responses = operation['responses'] as Record<string, Json>;
  return {
    id: operation['operationId'] as string,
    method: method.toUpperCase(),
    path,
    resource: operation['x-ms-vss-resource'] as string,
    apiVersion: operation['x-ms-docs-override-version'] as string,
    parameters: all.filter((parameter) => parameter['in'] !== 'body').map(distilParameter),
    ...(body === undefined ? {} : { body: distilSchema(body['schema'] as Json) }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, answer]) => [
        status,
        answer['schema'] === undefined ? null : distilSchema(answer['schema'] as Json),
      ]),
    ),
  };
}

function distilParameter(parameter: Json): ParameterFacts {
  return {
    name: parameter['name'] as string,
    in: parameter['in'] as 'path' | 'query',
    // `project` is required in the path and optional on the wire.
    required: parameter['required'] === true && parameter['x-ms-required'] !== false,
    type: parameter['type'] as string,
    ...(parameter['format'] === undefined ? {} : { format: parameter['format'] as string }),
    ...(parameter['enum'] === undefined ? {} : { enum: parameter['enum'] as string[] }),
  };
}

function distilSchema(schema: Json): Schema {
  const kept: Json = {};
  for (const key of ['$ref', 'type', 'format', 'enum', 'required'])
    if (schema[key] !== undefined) kept[key] = schema[key];
  if (schema['items'] !== undefined) kept['items'] = distilSchema(schema['items'] as Json);
  if (schema['allOf'] !== undefined) kept['allOf'] = (schema['allOf'] as Json[]).map(distilSchema);
  if (typeof schema['additionalProperties'] === 'object') {
    kept['additionalProperties'] = distilSchema(schema['additionalProperties'] as Json);
  }
  if (schema['properties'] !== undefined) {
    kept['properties'] = Object.fromEntries(
      Object.entries(schema['properties'] as Record<string, Json>).map(([name, one]) => [name, distilSchema(one)]),
    );
  }
  return kept;
}

/** The definitions that the operations refer to, directly or not. */
function reachable(operations: readonly OperationFacts[], definitions: Record<string, Json>): Record<string, Schema> {
  const found = new Map<string, Schema>();
  const queue = refsIn(operations);
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const definition = definitions[name];
    if (found.has(name) || definition === undefined) continue;
    const schema = distilSchema(definition);
    found.set(name, schema);
    queue.push(...refsIn(schema));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function refsIn(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/"#\/definitions\/([^"]+)"/g)].map((match) => match[1] as string);
}

/** The table's text as it is committed: one operation or definition a line, so that a change can be read. */
export function factsText(facts: Facts): string {
  const { operations, definitions, ...head } = facts;
  const lines = (entries: readonly string[]) => entries.map((entry) => `    ${entry}`).join(',\n');
  return [
    JSON.stringify(head).replace(/\}$/, ','),
    `  "operations": [\n${lines(operations.map((one) => JSON.stringify(one)))}\n  ],`,
    `  "definitions": {\n${lines(Object.entries(definitions).map(([name, one]) => `${JSON.stringify(name)}: ${JSON.stringify(one)}`))}\n  }`,
    '}\n',
  ].join('\n');
}

export function factsFile(area: string, version: string): string {
  return fileURLToPath(new URL(`facts/${area}-${version}.json`, import.meta.url));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = process.argv[2];
  if (folder === undefined)
    throw new Error('Name the folder of the specifications, the one that holds git/7.1/git.json.');
  for (const { area, version, ids } of tables()) {
    const facts = distil(area, version, await readSpecification(folder, area, version), ids);
    await writeFile(factsFile(area, version), factsText(facts));
  }
}

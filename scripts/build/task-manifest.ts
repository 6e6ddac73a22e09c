import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject } from 'ajv';
import type { Problem } from '../../lib/errors.ts';
import taskSchema from './task.schema.json' with { type: 'json' };

/** The parts of a task.json that the build looks at. */
export interface TaskManifest {
  readonly id: string;
  readonly name: string;
  readonly friendlyName: string;
  readonly description: string;
  readonly helpMarkDown: string;
  readonly releaseNotes: string;
  readonly version: TaskVersion;
  readonly minimumAgentVersion: string;
  readonly instanceNameFormat: string;
  readonly groups?: readonly TaskGroup[];
  readonly inputs: readonly TaskInput[];
  readonly dataSourceBindings?: readonly DataSourceBinding[];
  readonly outputVariables: readonly { readonly name: string }[];
  readonly restrictions: { readonly settableVariables: { readonly allowed: readonly string[] } };
  readonly prejobexecution?: Handlers;
  readonly execution: Handlers;
  readonly postjobexecution?: Handlers;
  readonly messages?: Readonly<Record<string, string>>;
}

export interface TaskVersion {
  readonly Major: number;
  readonly Minor: number;
  readonly Patch: number;
}

export interface TaskGroup {
  readonly name: string;
  readonly displayName: string;
  readonly visibleRule?: string;
}

export interface TaskInput {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly helpMarkDown: string;
  readonly defaultValue?: string | boolean;
  readonly groupName?: string;
  readonly visibleRule?: string;
  readonly aliases?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
}

export interface DataSourceBinding {
  readonly target: string;
  readonly endpointId: string;
  readonly endpointUrl?: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Handler keys the agent would give the task to, and the file that each starts. */
export type Handlers = Readonly<Record<string, { readonly target: string }>>;

const validate = new Ajv({
  allErrors: true,
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
}).compile<TaskManifest>(taskSchema);

/** What a task.json says against the schema; empty when it fits. `file` is how problems name it. */
export function checkSchema(manifest: unknown, file: string): Problem[] {
  if (validate(manifest)) return [];
  return (validate.errors ?? []).map((error) => ({ message: schemaMessage(error), at: { file }, code: 'task-schema' }));
}

/**
 * Reads a task.json.
 * @throws when the file is missing or is not JSON; the message names the file.
 */
export function readTaskManifest(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON`, { cause: error });
  }
}

export function versionText(version: TaskVersion): string {
  return `${version.Major}.${version.Minor}.${version.Patch}`;
}

function schemaMessage(error: ErrorObject): string {
  const where = error.instancePath === '' ? 'task.json' : error.instancePath.slice(1).replaceAll('/', '.');
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params['additionalProperty']);
    if (/execution$/.test(where)) {
      return `${where}: unknown handler key '${key}'; the agent ignores it without a word. Known: Node20_1, Node24`;
    }
    return `${where}: unknown property '${key}'`;
  }
  if (error.keyword === 'enum') {
    return `${where}: must be one of ${(error.params['allowedValues'] as unknown[]).join(', ')}`;
  }
  return `${where}: ${error.message ?? 'is not valid'}`;
}

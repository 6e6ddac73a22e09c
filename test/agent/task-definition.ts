import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TaskRestrictions } from './restrictions.ts';

/** What the agent reads of a task.json. */
export interface TaskDefinition {
  readonly id: string;
  readonly name: string;
  readonly friendlyName?: string;
  readonly version: {
    readonly Major: number | string;
    readonly Minor: number | string;
    readonly Patch: number | string;
  };
  readonly inputs?: readonly TaskInput[];
  readonly groups?: readonly { readonly name: string; readonly visibleRule?: string }[];
  readonly outputVariables?: readonly { readonly name: string }[];
  readonly restrictions?: TaskRestrictions;
  readonly execution?: Readonly<Record<string, HandlerData>>;
}

export interface TaskInput {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly type: string;
  readonly label?: string;
  readonly defaultValue?: string;
  readonly required?: boolean | string;
  readonly visibleRule?: string;
  readonly groupName?: string;
}

export interface HandlerData {
  readonly target: string;
  readonly workingDirectory?: string;
}

export async function readTaskDefinition(folder: string): Promise<TaskDefinition> {
  const file = path.join(folder, 'task.json');
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`A task's folder holds a task.json: ${file} cannot be read.`, { cause: error });
  });
  return JSON.parse(text) as TaskDefinition;
}

/** The input that a pipeline's author means by a name or an alias; names are compared without regard to case. */
export function findInput(definition: TaskDefinition, name: string): TaskInput | undefined {
  const wanted = name.trim().toLowerCase();
  return definition.inputs?.find((input) =>
    [input.name, ...(input.aliases ?? [])].some((candidate) => candidate.toLowerCase() === wanted),
  );
}

/** The connection type that an input takes, e.g. `kubernetes` for `connectedService:kubernetes`. */
export function connectionTypeOf(input: TaskInput): string | undefined {
  return /^connectedService:(.*)$/i.exec(input.type)?.[1]?.toLowerCase();
}

import { InputError, type Problem } from '../../lib/errors.ts';
import type { TaskManifest } from '../build/task-manifest.ts';
import type { ExtensionManifest } from './extension-manifest.ts';

/** What a private package is called, so that it lives beside the public one in one organisation (scripts/dev-identities.json). */
export interface DevIdentities {
  readonly extension: { readonly id: string; readonly name: string };
  readonly tasks: Readonly<Record<string, Pick<TaskManifest, 'id' | 'name' | 'friendlyName'>>>;
}

export const DEV_IDENTITIES_FILE = 'scripts/dev-identities.json';

/** Both lists have to have their own ids and names throughout: a task of the same id would replace the public one. */
export function checkDevIdentities(
  dev: DevIdentities,
  extension: ExtensionManifest,
  tasks: readonly TaskManifest[],
): Problem[] {
  const problems: Problem[] = [];
  const report = (message: string) =>
    problems.push({ message, at: { file: DEV_IDENTITIES_FILE }, code: 'dev-identity' });
  if (dev.extension.id === extension.id) report(`the extension id '${extension.id}' is the public one`);
  const taken = new Set(tasks.flatMap((task) => [task.id, task.name, task.friendlyName]));
  for (const task of tasks) {
    const identity = dev.tasks[task.name];
    if (identity === undefined) {
      report(`there is no entry for the task ${task.name}`);
      continue;
    }
    for (const value of [identity.id, identity.name, identity.friendlyName]) {
      if (taken.has(value)) report(`'${value}' of ${task.name} is taken already`);
      taken.add(value);
    }
  }
  for (const name of Object.keys(dev.tasks)) {
    if (!tasks.some((task) => task.name === name)) report(`there is no task ${name}`);
  }
  return problems;
}

/**
 * The private twin of a task. Its patch number is the build's, because agents keep a task that they have under the same version.
 */
export function devTask(task: TaskManifest, dev: DevIdentities, build: number): TaskManifest {
  const identity = dev.tasks[task.name];
  if (identity === undefined)
    throw new InputError(`${DEV_IDENTITIES_FILE}: there is no entry for the task ${task.name}`);
  return { ...task, ...identity, version: { ...task.version, Patch: build } };
}

/** The private twin of the extension; the fourth part of its version is the build, as the Marketplace takes a version only once. */
export function devExtension(extension: ExtensionManifest, dev: DevIdentities, build: number): ExtensionManifest {
  return { ...extension, ...dev.extension, version: `${extension.version}.${build}`, public: false };
}

/** Minutes since 2026: rises from build to build and stays below the 2147483647 that a part of a version may have. */
export function buildNumber(now: Date): number {
  return Math.floor((now.getTime() - Date.UTC(2026, 0, 1)) / 60_000);
}

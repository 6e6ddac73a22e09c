import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError, type Problem } from '../../lib/errors.ts';
import { DIGESTS_FILE, type ReleaseDigests } from './digest.ts';
import { runtimes } from './load-check.ts';
import { type BuiltTask, buildTask, checkIcon, taskFolders } from './task.ts';

/** Builds every task under `tasks/` into `dist/tasks/<Task>`. @throws InputError with the problems of all of them. */
export async function buildExtension(root: string, log: (line: string) => void): Promise<BuiltTask[]> {
  const { present, missing } = runtimes(root);
  for (const label of missing)
    log(`skipped: loading on ${label}, whose optional package is not installed on ${process.platform}`);
  const released = await readDigests(root);
  const problems: Problem[] = await checkIcon(join(root, 'images'), 'images', 128);
  const tasks: BuiltTask[] = [];
  for (const source of await taskFolders(root)) {
    const outDir = join(root, 'dist', 'tasks', basename(source));
    try {
      const task = await buildTask({ root, source, outDir, runtimes: present, released });
      log(summary(task));
      tasks.push(task);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.push(...error.problems);
    }
  }
  problems.push(...checkIdentities(tasks));
  if (problems.length > 0) throw new InputError(problems);
  return tasks;
}

/** Digests of the last release; empty before the first one. */
export async function readDigests(root: string): Promise<ReleaseDigests> {
  const file = join(root, DIGESTS_FILE);
  return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : { extension: '0.0.0', tasks: {} };
}

/** Two tasks of one id or name would replace one another in an organisation. */
export function checkIdentities(tasks: readonly Pick<BuiltTask, 'manifest'>[]): Problem[] {
  const problems: Problem[] = [];
  for (const key of ['id', 'name', 'friendlyName'] as const) {
    const values = tasks.map(({ manifest }) => manifest[key].toLowerCase());
    for (const value of values.filter((value, index) => values.indexOf(value) !== index)) {
      problems.push({ message: `two tasks have the ${key} '${value}'`, code: 'identity' });
    }
  }
  return problems;
}

function summary(task: BuiltTask): string {
  const lazy = Object.entries(task.bundle.outputs).filter(([, output]) => output.entryPoint !== undefined).length - 1;
  const kilobytes = Math.round(task.startBytes / 1000);
  return `${task.manifest.name}: ${kilobytes} kB at start, ${lazy} lazily loaded ${lazy === 1 ? 'file' : 'files'}, ${task.digest.slice(0, 19)}`;
}

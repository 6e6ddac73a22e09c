import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { minimatch } from 'minimatch';
import type { TaskDefinition } from './task-definition.ts';

/** The folders of an agent that was set up for one run. */
export interface RunFolder {
  readonly root: string;
  readonly work: string;
  /** Agent.BuildDirectory, or Agent.ReleaseDirectory in a release. */
  readonly job: string;
  /** Agent.TempDirectory. */
  readonly temp: string;
  readonly tools: string;
  readonly home: string;
  /** What os.tmpdir() answers in the task. */
  readonly systemTemp: string;
  readonly task: string;
  /** A folder of its own in the system's temp folder that holds the task. */
  readonly taskRoot: string;
}

export interface RunFolderOptions {
  readonly taskFolder: string;
  readonly definition: TaskDefinition;
  readonly release: boolean;
  /** Where the agent's folder is made. Default: the system's temp folder. */
  readonly parent?: string;
}

/** Copies the task to where an agent keeps tasks, away from the repository and its node_modules. */
export async function createRunFolder(options: RunFolderOptions): Promise<RunFolder> {
  const { taskFolder, definition, release, parent = tmpdir() } = options;
  await mkdir(parent, { recursive: true });
  const root = await realpath(await mkdtemp(path.join(parent, 'agent-')));
  const taskRoot = await realpath(await mkdtemp(path.join(tmpdir(), 'agent-tasks-')));
  const { Major, Minor, Patch } = definition.version;
  const folder: RunFolder = {
    root,
    work: path.join(root, '_work'),
    job: path.join(root, '_work', release ? 'r1' : '1'),
    temp: path.join(root, '_work/_temp'),
    tools: path.join(root, '_work/_tool'),
    home: path.join(root, 'home'),
    systemTemp: path.join(root, 'tmp'),
    taskRoot,
    task: path.join(taskRoot, '_work/_tasks', `${definition.name}_${definition.id}`, `${Major}.${Minor}.${Patch}`),
  };
  for (const part of [folder.job, folder.temp, folder.tools, folder.home, folder.systemTemp]) {
    await mkdir(part, { recursive: true });
  }
  for (const part of release ? ['a'] : ['a', 'b', 's', 'TestResults']) await mkdir(path.join(folder.job, part));
  await cp(taskFolder, folder.task, { recursive: true });
  return folder;
}

/** What is kept is the agent's folder, so that paths that the task told stay valid; never the copy of the task. */
export async function removeRunFolder(folder: RunFolder, keep: boolean): Promise<void> {
  await rm(folder.taskRoot, { recursive: true, force: true });
  if (!keep) await rm(folder.root, { recursive: true, force: true });
}

/** azure-pipelines-task-lib keeps the keys of its vault and of the proxy's and certificate's passwords there. */
const taskLibFiles = ['.taskkey', 'proxy', 'cert'];

/** Files and links in the temp folders that are neither task-lib's nor in `accounted`; patterns are relative to a temp folder. */
export async function findLeftovers(
  folder: RunFolder,
  accounted: readonly string[],
  allowed: readonly string[],
): Promise<string[]> {
  const own = taskLibFiles.map((name) => path.join(folder.temp, name));
  const leftovers: string[] = [];
  for (const root of [folder.temp, folder.systemTemp]) {
    for (const file of await listFiles(root)) {
      const relative = path.relative(root, file);
      if (own.includes(file) || accounted.includes(file)) continue;
      if (allowed.some((pattern) => minimatch(relative, pattern, { dot: true }))) continue;
      leftovers.push(root === folder.temp ? relative : path.join('(system temp)', relative));
    }
  }
  return leftovers;
}

/** SHA-256 by relative path. */
export async function folderDigests(folder: string): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const file of await listFiles(folder)) {
    digests.set(
      path.relative(folder, file),
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    );
  }
  return digests;
}

export function describeChanges(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [
    ...[...after.keys()].filter((file) => !before.has(file)).map((file) => `${file} was added`),
    ...[...before].filter(([file]) => !after.has(file)).map(([file]) => `${file} was removed`),
    ...[...before]
      .filter(([file, digest]) => after.has(file) && after.get(file) !== digest)
      .map(([file]) => `${file} was changed`),
  ];
}

/** Empty folders count too, by their own path: they are left behind as well. */
async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (!entry.isDirectory()) files.push(file);
    else {
      const inside = await listFiles(file);
      files.push(...(inside.length === 0 ? [`${file}${path.sep}`] : inside));
    }
  }
  return files.sort();
}

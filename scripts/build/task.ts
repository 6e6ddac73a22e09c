import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { InputError, type Problem } from '../../lib/errors.ts';
import { type Bundle, bundleTask } from './bundle.ts';
import { checkDuplicates, checkEngines, checkStartSize, startFiles } from './bundle-checks.ts';
import { checkReleased, contentDigest, type ReleaseDigests } from './digest.ts';
import { checkLoads, type Runtime } from './load-check.ts';
import { copyInto, declaredFiles } from './package-files.ts';
import { bundledPackages } from './packages.ts';
import { pngSize } from './png.ts';
import { STRINGS_FILE, stringsOf } from './strings.ts';
import { checkSchema, readTaskManifest, type TaskManifest, versionText } from './task-manifest.ts';
import { checkRules, handlerFiles } from './task-rules.ts';

export interface TaskBuildOptions {
  /** The repository; problems name files relative to it. */
  readonly root: string;
  /** The task's folder: task.json, icon.png, Strings, main.ts, perhaps package-files.json. */
  readonly source: string;
  /** Emptied first; then holds what goes into the package and nothing else. */
  readonly outDir: string;
  readonly runtimes: readonly Runtime[];
  readonly released: ReleaseDigests;
}

export interface BuiltTask {
  readonly manifest: TaskManifest;
  readonly folder: string;
  readonly bundle: Bundle;
  readonly digest: string;
  /** Bytes that node reads before the first line is printed. */
  readonly startBytes: number;
}

/** Builds one task. @throws InputError with every problem that was found, before or after bundling. */
export async function buildTask(options: TaskBuildOptions): Promise<BuiltTask> {
  const { root, source, outDir } = options;
  const name = relative(root, source).replaceAll('\\', '/');
  const manifest = await checkedManifest(source, name);

  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  const bundle = await bundleTask({ root, entry: join(source, 'main.ts'), outDir });
  for (const file of ['task.json', 'icon.png', STRINGS_FILE]) await copyInto(outDir, join(source, file), file);
  for (const { from, to } of declaredFiles(source)) await copyInto(outDir, join(root, from), to);

  const packages = bundledPackages([bundle], root);
  const digest = await contentDigest(outDir);
  const version = versionText(manifest.version);
  const start = startFiles(bundle);
  const problems: Problem[] = [
    ...handlerFiles(manifest)
      .filter((file) => !existsSync(join(outDir, file)))
      .map((file) => ({ message: `execution: there is no file ${file} to start`, at: { file: `${name}/task.json` } })),
    ...checkStartSize(bundle, name),
    ...checkDuplicates(bundle, packages, name),
    ...checkEngines(packages, name),
    ...checkReleased({ name: manifest.name, version, digest }, options.released, `${name}/task.json`),
  ];
  const lazyFiles = Object.keys(bundle.outputs).filter((file) => file.endsWith('.mjs') && !start.includes(file));
  for (const runtime of options.runtimes) {
    problems.push(...(await checkLoads({ runtime, folder: outDir, lazyFiles, file: name })));
  }
  if (problems.length > 0) throw new InputError(problems);
  const startBytes = start.reduce((sum, file) => sum + (bundle.outputs[file]?.bytes ?? 0), 0);
  return { manifest, folder: outDir, bundle, digest, startBytes };
}

/** The folders under `tasks/`. */
export async function taskFolders(root: string): Promise<string[]> {
  const entries = await readdir(join(root, 'tasks'), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(root, 'tasks', entry.name));
}

/** Everything that can be said of a task before it is bundled. @throws InputError */
export async function checkedManifest(source: string, name: string): Promise<TaskManifest> {
  const manifest = readTaskManifest(join(source, 'task.json'));
  const file = `${name}/task.json`;
  const misfits = checkSchema(manifest, file);
  if (misfits.length > 0) throw new InputError(misfits);
  const task = manifest as TaskManifest;
  const problems = checkRules(task, file);
  problems.push(...(await checkIcon(source, name, 32)), ...(await checkStrings(task, source, name)));
  if (problems.length > 0) throw new InputError(problems);
  return task;
}

/** The icon's size is fixed: 32x32 for a task, 128x128 for an extension. */
export async function checkIcon(folder: string, name: string, size: number): Promise<Problem[]> {
  const at = { file: `${name}/icon.png` };
  const path = join(folder, 'icon.png');
  if (!existsSync(path)) return [{ message: 'is missing', at, code: 'icon' }];
  const found = pngSize(await readFile(path));
  if (found === undefined) return [{ message: 'is not a PNG file', at, code: 'icon' }];
  if (found.width === size && found.height === size) return [];
  return [{ message: `is ${found.width}x${found.height} pixels, must be ${size}x${size}`, at, code: 'icon' }];
}

async function checkStrings(task: TaskManifest, source: string, name: string): Promise<Problem[]> {
  const path = join(source, STRINGS_FILE);
  const found = existsSync(path) ? await readFile(path, 'utf8') : '';
  if (found === stringsOf(task)) return [];
  return [
    {
      message: 'does not say what task.json says; run: npm run strings',
      at: { file: `${name}/${STRINGS_FILE}` },
      code: 'strings',
    },
  ];
}

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { runtimes } from '../../scripts/build/load-check.ts';
import { type BuiltTask, buildTask } from '../../scripts/build/task.ts';
import type { TaskManifest } from '../../scripts/build/task-manifest.ts';

export const NOTHING_RELEASED = { extension: '0.0.0', tasks: {} };
export const REPOSITORY = resolve(import.meta.dirname, '..', '..');

/** A small project like ours: one task, bundled from the packages that the real tasks use. */
export const PROBE_PROJECT = join(import.meta.dirname, 'fixtures', 'good');
export const PROBE_TASK = join(PROBE_PROJECT, 'tasks', 'ProbeTask');

let built: Promise<BuiltTask> | undefined;

/** The probe task as `npm run build` makes it, tried on the runtimes that are here; built once for all tests of a process. */
export function builtProbe(): Promise<BuiltTask> {
  built ??= buildProbe();
  return built;
}

function buildProbe(): Promise<BuiltTask> {
  const { folder, remove } = tempFolder();
  process.once('exit', remove);
  return buildTask({
    root: PROBE_PROJECT,
    source: PROBE_TASK,
    outDir: join(folder, 'ProbeTask'),
    runtimes: runtimes(REPOSITORY).present,
    released: NOTHING_RELEASED,
  });
}

/** A task.json without fault, to break in one place. */
export function probeManifest(): TaskManifest & Record<string, unknown> {
  return JSON.parse(readFileSync(join(PROBE_TASK, 'task.json'), 'utf8'));
}

/** A folder with these files by path, and a function that removes it. */
export function tempFolder(files: Readonly<Record<string, string | Buffer>> = {}): {
  folder: string;
  remove: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'gitops-scripts-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Files of a package in a project's node_modules. */
export function fakePackage(
  name: string,
  packageJson: object,
  files: Readonly<Record<string, string>>,
): Record<string, string> {
  const folder = `node_modules/${name}`;
  const entries = Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]);
  return {
    [`${folder}/package.json`]: JSON.stringify({
      name: name.replace(/^.*node_modules\//, ''),
      version: '1.0.0',
      ...packageJson,
    }),
    ...Object.fromEntries(entries),
  };
}

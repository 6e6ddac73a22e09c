import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { glob } from 'tinyglobby';
import { STRINGS_FILE, stringsOf } from '../build/strings.ts';
import type { BuiltTask } from '../build/task.ts';
import type { TaskManifest } from '../build/task-manifest.ts';
import type { ExtensionManifest } from './extension-manifest.ts';

export interface StageOptions {
  readonly root: string;
  /** Emptied first. */
  readonly folder: string;
  readonly extension: ExtensionManifest;
  readonly tasks: readonly BuiltTask[];
  /** The manifest under which a task goes into the package: its own, or that of its private twin. */
  readonly manifestOf: (task: TaskManifest) => TaskManifest;
  /** Generated files by name. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Stated for every file, since tfx would otherwise ask the machine it runs on. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.map': 'application/json',
  '.md': 'text/markdown',
  '.mjs': 'text/javascript',
  '.png': 'image/png',
  '.resjson': 'application/json',
  '.txt': 'text/plain',
  '.wasm': 'application/wasm',
};

/** Files that the Marketplace page shows; tfx takes them by their own keys of the manifest. */
const SHOWN = ['overview.md', 'LICENSE.txt', 'images/icon.png'];

/**
 * Lays out everything that goes into the package, with the manifest that tfx reads. Returns the names of the files, manifest
 * excluded, as they have to appear in the VSIX.
 */
export async function stage(options: StageOptions): Promise<string[]> {
  const { root, folder } = options;
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'images'), { recursive: true });
  await cp(join(root, 'overview.md'), join(folder, 'overview.md'));
  await cp(join(root, 'LICENSE'), join(folder, 'LICENSE.txt'));
  await cp(join(root, 'images', 'icon.png'), join(folder, 'images', 'icon.png'));
  for (const [name, text] of Object.entries(options.texts)) await writeFile(join(folder, name), text);
  for (const task of options.tasks) {
    // The folder is the contribution's `properties.name`; it may keep the public name in a private package.
    const target = join(folder, task.manifest.name);
    await cp(task.folder, target, { recursive: true });
    const manifest = options.manifestOf(task.manifest);
    if (manifest === task.manifest) continue;
    await writeFile(join(target, 'task.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await writeFile(join(target, STRINGS_FILE), stringsOf(manifest));
  }
  const names = (await glob('**', { cwd: folder, dot: true })).sort();
  const files = names
    .filter((name) => !SHOWN.includes(name))
    .map((name) => ({ path: name, contentType: contentType(name) }));
  await writeFile(join(folder, 'vss-extension.json'), JSON.stringify({ ...options.extension, files }, null, 2));
  return names;
}

function contentType(name: string): string {
  const type = CONTENT_TYPES[extname(name)];
  if (type === undefined)
    throw new Error(`${name}: which content type has a file of this kind? Add it to CONTENT_TYPES`);
  return type;
}

/** Reads the committed vss-extension.json. */
export async function readExtension(root: string): Promise<ExtensionManifest> {
  return JSON.parse(await readFile(join(root, 'vss-extension.json'), 'utf8'));
}

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { inc } from 'semver';
import { InputError } from '../lib/errors.ts';
import { main } from './build/main.ts';
import { taskFolders } from './build/task.ts';
import { type BumpLevel, bumpTask, setVersion } from './release/version.ts';

/**
 * `npm run bump -- patch | minor | major`: raises the version of the extension (vss-extension.json, package.json and its lockfile)
 * and of every task. Agents keep a task as long as its version stays.
 */
await main(async () => {
  const root = resolve(import.meta.dirname, '..');
  const level = process.argv[2];
  if (level !== 'patch' && level !== 'minor' && level !== 'major')
    throw new InputError('Say which part to raise: patch, minor or major');
  const version = await bumpExtension(root, level);
  for (const folder of await taskFolders(root)) {
    await edit(join(folder, 'task.json'), (text) => bumpTask(text, level));
  }
  console.log(`The extension is ${version} now. Describe it in CHANGELOG.md.`);
});

async function bumpExtension(root: string, level: BumpLevel): Promise<string> {
  const manifest = join(root, 'vss-extension.json');
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const next = inc(version, level);
  if (next === null)
    throw new InputError({ message: `'${version}' is no version`, at: { file: 'vss-extension.json' } });
  await edit(manifest, (text) => setVersion(text, next));
  await promisify(execFile)('npm', ['version', next, '--no-git-tag-version', '--allow-same-version'], { cwd: root });
  return next;
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, 'utf8')));
}

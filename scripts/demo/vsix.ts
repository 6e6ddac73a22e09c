import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

/** The packed extension: the one that a test run packed already, or a fresh one. */
export async function newestVsix(): Promise<string> {
  const given = process.env['GITOPS_TEST_VSIX'];
  if (given !== undefined && given !== '') return given;
  await run(process.execPath, ['--import', 'tsx', join(root, 'scripts', 'package.ts')], { cwd: root });
  const folder = join(root, 'dist');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.vsix')).map((file) => join(folder, file));
  const times = await Promise.all(files.map(async (file) => ({ file, at: (await stat(file)).mtimeMs })));
  const newest = times.sort((a, b) => b.at - a.at)[0];
  if (newest === undefined) throw new Error('npm run package made no VSIX in dist/.');
  return newest.file;
}

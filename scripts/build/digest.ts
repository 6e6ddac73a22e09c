import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compare } from 'semver';
import { glob } from 'tinyglobby';
import type { Problem } from '../../lib/errors.ts';

/** What was last released: written by `npm run release`, committed, never edited by hand. */
export interface ReleaseDigests {
  /** Version of the extension. */
  readonly extension: string;
  readonly tasks: Readonly<Record<string, { readonly version: string; readonly digest: string }>>;
}

export const DIGESTS_FILE = 'scripts/release-digests.json';

/**
 * Digest of a built task: of each file's name and content. Source maps are left out, as they change with every comment and change
 * nothing that runs.
 */
export async function contentDigest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await glob('**', { cwd: folder, dot: true })).sort()) {
    if (file.endsWith('.map')) continue;
    const content = createHash('sha256')
      .update(await readFile(join(folder, file)))
      .digest('hex');
    hash.update(`${file}\0${content}\n`);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** Agents cache a task by its version: other content under a released version would never reach them. */
export function checkReleased(
  task: { name: string; version: string; digest: string },
  released: ReleaseDigests,
  file: string,
): Problem[] {
  const last = released.tasks[task.name];
  if (last === undefined) return [];
  const problem = (message: string): Problem[] => [{ message, at: { file }, code: 'version' }];
  const order = compare(task.version, last.version);
  if (order < 0) return problem(`version ${task.version} is older than ${last.version}, which is released`);
  if (order === 0 && task.digest !== last.digest) {
    return problem(`the task changed since ${last.version} was released; raise the version: npm run bump -- patch`);
  }
  return [];
}

import { lstat } from 'node:fs/promises';
import { sep } from 'node:path';
import picomatch from 'picomatch';
import { InputError } from '../../errors.ts';
import { pathInside, type Repository } from '../../ports/git/repository.ts';
import { workingTreeChanges } from '../../ports/git/working-tree.ts';

/**
 * Checks that what will be read is what the commit holds. Every path must lie in the repository; files below them must be
 * unchanged, and known to Git. Returns warnings to print; throws InputError unless `allow` is set.
 *
 * @param paths the files, folders and globs that the inputs name; absolute
 * @param allow whether a difference is only a warning (`allowUnmerged`)
 */
export async function checkWorkingCopy(
  repository: Repository,
  paths: readonly string[],
  allow: boolean,
  signal?: AbortSignal,
): Promise<string[]> {
  if (repository.bare) {
    throw new InputError({
      message: `${repository.folder} is a bare repository, without files. Set the input repositoryPath to a checkout.`,
      input: 'repositoryPath',
    });
  }
  const inside: string[] = [];
  for (const path of paths) {
    const relative = await pathInside(repository, await baseOf(path));
    if (relative === undefined) {
      throw new InputError({
        message: `"${path}" of the input manifests lies outside of the repository ${repository.folder}, so no commit vouches for it. Set the input repositoryPath to the checkout that holds it.`,
        input: 'manifests',
      });
    }
    inside.push(relative);
  }
  if (inside.length === 0) return [];
  const { changed, untracked } = await workingTreeChanges(repository, inside, signal);
  const differences: string[] = [];
  if (untracked.length > 0) {
    differences.push(
      `Git does not know ${count(untracked)} among the manifests: what would be deployed is more than the commit holds.`,
    );
  }
  if (changed.length > 0) {
    differences.push(
      `The checkout differs from its commit in ${count(changed)}: what would be deployed is not what Git says. A step before this one changed it.`,
    );
  }
  if (differences.length === 0 || allow) return differences;
  throw new InputError(
    differences.map((message) => ({
      message: `${message} Remove that step, or commit the change; for development only, set allowUnmerged.`,
      input: 'allowUnmerged',
      code: 'dirty-checkout',
    })),
  );
}

/** The folder that a glob looks into; a path that exists as it is written is no glob. */
async function baseOf(path: string): Promise<string> {
  const exists = await lstat(path).then(
    () => true,
    () => false,
  );
  return exists ? path : picomatch.scan(path.split(sep).join('/')).base;
}

/** `3 files (a.yaml, b.yaml, ...)` */
function count(files: readonly string[]): string {
  const shown = files.slice(0, 5).join(', ');
  return `${files.length} file${files.length === 1 ? '' : 's'} (${shown}${files.length > 5 ? ', ...' : ''})`;
}

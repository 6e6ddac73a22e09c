import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import type { GitConfig } from './git-program.ts';
import { withoutCredentials } from './remote-url.ts';
import { type Repository, repositoryAt } from './repository.ts';

/** How the files of a checkout differ from the commit that is checked out. Paths are relative to the repository's top, with forward slashes. */
export interface WorkingTreeChanges {
  /** Tracked files that were changed, added to the index, renamed or deleted. */
  readonly changed: readonly string[];
  /** Files that Git neither tracks nor ignores. */
  readonly untracked: readonly string[];
}

/**
 * Compares files and folders of the working tree with the commit that is checked out, also inside submodules. Files that were hidden from
 * git by `assume-unchanged` or `skip-worktree` count as changed, because git would not look at them; a file that a sparse checkout left out
 * does not. Drivers of `filter` attributes that only the repository's own configuration defines do not run, except Git LFS.
 *
 * @param paths relative to the repository's top; `.` is all of it
 */
export async function workingTreeChanges(
  repository: Repository,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<WorkingTreeChanges> {
  const tree = repositoryAt(repository.folder, repository.bare, signal, await withoutLocalFilters(repository));
  const status = await list(tree, [
    'status',
    '--porcelain=v2',
    '-z',
    '--no-renames',
    '--untracked-files=all',
    // Looking into a submodule would run git there under the submodule's own configuration; it is opened apart below.
    '--ignore-submodules=dirty',
    '--',
    ...paths,
  ]);
  const changed = new Set<string>();
  const untracked: string[] = [];
  for (const entry of status) {
    if (entry.startsWith('? ')) untracked.push(entry.slice(2));
    else if (entry.startsWith('1 ')) changed.add(entry.split(' ').slice(8).join(' '));
    else if (entry.startsWith('u ')) changed.add(entry.split(' ').slice(10).join(' '));
  }
  for (const file of await hiddenFiles(tree, paths)) changed.add(file);
  for (const folder of await submodules(tree, paths)) {
    const inner = repositoryAt(join(repository.folder, folder), false, signal);
    const below = await workingTreeChanges(inner, ['.'], signal);
    for (const file of below.changed) changed.add(`${folder}/${file}`);
    untracked.push(...below.untracked.map((file) => `${folder}/${file}`));
  }
  return { changed: [...changed].sort(), untracked: untracked.sort() };
}

/** Files with the bits `assume-unchanged` (lower-case tag) or `skip-worktree` (`S`) that do exist in the working tree. */
async function hiddenFiles(tree: Repository, paths: readonly string[]): Promise<string[]> {
  const hidden: string[] = [];
  for (const entry of await list(tree, ['ls-files', '-v', '-z', '--', ...paths])) {
    const tag = entry.charAt(0);
    const file = entry.slice(2);
    if (/[a-z]/.test(tag) || (tag === 'S' && (await exists(join(tree.folder, file))))) hidden.push(file);
  }
  return hidden;
}

/** Submodules under the paths that are checked out. */
async function submodules(tree: Repository, paths: readonly string[]): Promise<string[]> {
  const folders: string[] = [];
  for (const entry of await list(tree, ['ls-files', '--stage', '-z', '--', ...paths])) {
    if (!entry.startsWith('160000 ')) continue;
    const folder = entry.slice(entry.indexOf('\t') + 1);
    if (await exists(join(tree.folder, folder, '.git'))) folders.push(folder);
  }
  return folders;
}

/** What `git lfs install --local` writes; git runs the value in a shell, so nothing else may follow. */
const GIT_LFS = /^git-lfs (?:clean -- %f|smudge (?:--skip )?-- %f|filter-process(?: --skip)?)$/;

async function withoutLocalFilters(repository: Repository): Promise<GitConfig[]> {
  const { stdout } = await repository.git(['config', '--local', '--includes', '--null', '--get-regexp', '^filter\\.']);
  const config: GitConfig[] = [];
  for (const entry of stdout.split('\0')) {
    const [key = '', value = ''] = entry.split('\n');
    const found = /^(filter\..*)\.(clean|smudge|process|required)$/s.exec(key);
    if (found?.[1] === undefined || GIT_LFS.test(value)) continue;
    config.push([key, found[2] === 'required' ? 'false' : '']);
  }
  return config;
}

async function list(tree: Repository, args: readonly string[]): Promise<string[]> {
  const result = await tree.git(args);
  if (result.code !== 0) {
    throw new InputError(
      `git ${args[0]} failed in ${tree.folder}, so the files there cannot be compared with Git: ${withoutCredentials(result.stderr.trim())}`,
    );
  }
  return result.stdout.split('\0').filter((entry) => entry !== '');
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

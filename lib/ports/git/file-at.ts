import { InputError } from '../../errors.ts';
import { requireCommitId } from './names.ts';
import type { Repository } from './repository.ts';

/**
 * The text of a file as a commit holds it, whatever the working tree says. Undefined when the commit has no such file, or when it is not
 * here. Throws InputError for what is no plain file (a folder, a link, a submodule) and for what is not UTF-8.
 *
 * @param path from the repository's top, with forward slashes
 */
export async function fileAt(repository: Repository, commit: string, path: string): Promise<string | undefined> {
  requireCommitId(commit, 'commit');
  const listed = await repository.git(['ls-tree', '-z', '--full-tree', commit, '--', path]);
  const [entry = ''] = listed.stdout.split('\0');
  if (listed.code !== 0 || entry === '') return undefined;
  const [mode = '', type = '', id = ''] = entry.slice(0, entry.indexOf('\t')).split(' ');
  if (type !== 'blob' || mode === '120000') {
    throw new InputError(`${path} is no file in commit ${commit.slice(0, 10)}, but ${nameOf(mode)}.`);
  }
  const content = await repository.git(['cat-file', 'blob', id]);
  if (content.code !== 0) return undefined;
  if (content.stdout.includes('\u{fffd}')) {
    throw new InputError(`${path} in commit ${commit.slice(0, 10)} is not UTF-8 text.`);
  }
  return content.stdout.replace(/^\u{feff}/u, '');
}

function nameOf(mode: string): string {
  if (mode === '120000') return 'a link, which could point anywhere';
  return mode === '160000' ? 'a submodule' : 'a folder';
}

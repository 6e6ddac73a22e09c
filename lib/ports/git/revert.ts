import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { requireCommitId } from './names.ts';
import type { ScratchRepository } from './scratch.ts';

/** What is to be taken back. */
export interface RevertRange {
  /** The head of the branch that gets the revert. */
  readonly head: string;
  /** The commit whose changes are taken back. */
  readonly commit: string;
  /** The commit to whose content it goes back. The first parent takes back of a merge everything that it merged. */
  readonly backTo: string;
  /** Files and folders from the repository's top, with forward slashes; default: everything. */
  readonly paths?: readonly string[];
}

export type RevertedTree =
  /** The index holds the reverted tree. */
  | { readonly state: 'reverted'; readonly files: readonly string[] }
  /** The branch has none of the changes any more. */
  | { readonly state: 'nothing' }
  /** Later commits changed the same lines. */
  | { readonly state: 'conflict'; readonly files: readonly string[] };

/** A file in a tree; mode `000000`: there is none. */
interface Entry {
  readonly mode: string;
  readonly id: string;
}

interface ChangedFile {
  readonly path: string;
  readonly before: Entry;
  readonly after: Entry;
}

const ABSENT = '000000';

/**
 * Puts the tree of a revert into the index: the head with the changes from `backTo` to `commit` taken back, file by file, and inside of a
 * file by Git's three-way merge. Works without a working tree, for merge commits, and for a part of the repository.
 */
export async function revertInIndex(scratch: ScratchRepository, range: RevertRange): Promise<RevertedTree> {
  const [before, after] = [requireCommitId(range.backTo, 'commit'), requireCommitId(range.commit, 'commit')];
  const changed = await changedFiles(scratch, before, after, range.paths ?? []);
  await scratch.git(['read-tree', requireCommitId(range.head, 'commit')]);
  const now = await indexEntries(scratch);
  const lines: string[] = [];
  const files: string[] = [];
  const conflicts: string[] = [];
  for (const file of changed) {
    const present = now.get(file.path) ?? { mode: ABSENT, id: file.after.id };
    const wanted = await revertFile(scratch, file, present);
    // A name that is not UTF-8 cannot be written back as it was.
    if (wanted === 'conflict' || file.path.includes('\u{fffd}')) conflicts.push(file.path);
    else if (!same(wanted, present)) {
      files.push(file.path);
      lines.push(`${wanted.mode === ABSENT ? '0' : wanted.mode} ${wanted.id}\t${file.path}\0`);
    }
  }
  if (conflicts.length > 0) return { state: 'conflict', files: conflicts };
  if (files.length === 0) return { state: 'nothing' };
  // What goes away first: a folder may take the place of a file.
  const ordered = lines.sort((a, b) => Number(b.startsWith('0 ')) - Number(a.startsWith('0 ')));
  await scratch.git(['update-index', '-z', '--index-info'], { stdin: ordered.join('') });
  return { state: 'reverted', files };
}

/** Throws InputError for a first commit, which nothing comes before. The commit must have been fetched with a depth of 2, and last. */
export async function firstParent(scratch: ScratchRepository, commit: string): Promise<string> {
  const found = await scratch.git(['rev-parse', '--verify', '--quiet', `${requireCommitId(commit, 'commit')}^1`], {
    codes: [1, 128],
  });
  if (found.code === 0) return found.stdout.trim();
  throw new InputError(`Commit ${commit.slice(0, 10)} is the first of its repository: there is nothing to go back to.`);
}

/** What of a file the branch should have; `conflict` when both sides changed it in ways that do not go together. */
async function revertFile(
  scratch: ScratchRepository,
  { before, after }: ChangedFile,
  present: Entry,
): Promise<Entry | 'conflict'> {
  if (same(present, before)) return present;
  if (same(present, after)) return before;
  if (![present, before, after].every(({ mode }) => mode === '100644' || mode === '100755')) return 'conflict';
  const id = await mergeContents(scratch, present.id, after.id, before.id);
  if (id === undefined) return 'conflict';
  return { mode: present.mode === after.mode ? before.mode : present.mode, id };
}

/** Git's merge of one file's contents; undefined when they conflict. Binary files conflict. */
async function mergeContents(
  scratch: ScratchRepository,
  ours: string,
  base: string,
  theirs: string,
): Promise<string | undefined> {
  if (ours === base) return theirs;
  if (base === theirs || ours === theirs) return ours;
  const names: string[] = [];
  try {
    for (const id of [ours, base, theirs]) names.push((await scratch.git(['unpack-file', id])).stdout.trim());
    // The exit code is the number of conflicts, at most 127, or 255 for what cannot be merged at all.
    const codes = [...Array.from({ length: 127 }, (_, index) => index + 1), 128, 255];
    const merged = await scratch.git(['merge-file', '--quiet', ...names], { codes });
    if (merged.code !== 0) return undefined;
    return (await scratch.git(['hash-object', '-w', '--no-filters', '--', names[0] ?? ''])).stdout.trim();
  } finally {
    for (const name of names) await rm(join(scratch.folder, name), { force: true });
  }
}

async function changedFiles(
  scratch: ScratchRepository,
  before: string,
  after: string,
  paths: readonly string[],
): Promise<ChangedFile[]> {
  const where = paths.includes('.') || paths.length === 0 ? [] : ['--', ...paths];
  const { stdout } = await scratch.git([
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-renames',
    '--no-abbrev',
    before,
    after,
    ...where,
  ]);
  const fields = stdout.split('\0');
  const files: ChangedFile[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode = '', newMode = '', oldId = '', newId = ''] = (fields[at] ?? '').slice(1).split(' ');
    files.push({
      path: fields[at + 1] ?? '',
      before: { mode: oldMode, id: oldId },
      after: { mode: newMode, id: newId },
    });
  }
  return files;
}

async function indexEntries(scratch: ScratchRepository): Promise<Map<string, Entry>> {
  const { stdout } = await scratch.git(['ls-files', '--stage', '-z']);
  const entries = new Map<string, Entry>();
  for (const line of stdout.split('\0')) {
    const tab = line.indexOf('\t');
    const [mode = '', id = ''] = line.slice(0, tab).split(' ');
    if (tab > 0) entries.set(line.slice(tab + 1), { mode, id });
  }
  return entries;
}

function same(a: Entry, b: Entry): boolean {
  return a.mode === b.mode && (a.mode === ABSENT || a.id === b.id);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, ConflictError } from '../../errors.ts';
import { branchRef, shortBranch } from './names.ts';
import type { RemoteAccess } from './network-config.ts';
import { readRemote } from './remote.ts';
import { parseRemoteUrl } from './remote-url.ts';
import { type CommitPerson, type ScratchRepository, scratchRepository } from './scratch.ts';

export interface AppendFile {
  readonly access: RemoteAccess;
  /** `audit` or `refs/heads/audit`; made, without any history, when the remote does not have it. */
  readonly branch: string;
  /** The input that named the branch, for messages. */
  readonly input: string;
  /** From the top of the branch, with forward slashes. When it is taken by another content, `-2` and so on goes before its extension. */
  readonly path: string;
  readonly text: string;
  readonly message: string;
  readonly author: CommitPerson;
  readonly committer: CommitPerson;
  /** How often a race with others is run. Default 10. */
  readonly tries?: number;
}

export interface AppendedFile {
  readonly commit: string;
  readonly path: string;
  /** False when the branch already had this very file. */
  readonly appended: boolean;
}

/**
 * Adds one file to a branch of a remote by one commit and pushes it. The branch is never rewritten and no file of it is changed or removed;
 * nothing is checked out. When others push at the same time it starts again from what they pushed.
 *
 * Throws InputError for a branch's name that Git does not take, ConflictError when the branch takes no pushes or others were always first,
 * NotPermittedError, UnreachableError and RefusedError.
 */
export async function appendFile(options: AppendFile): Promise<AppendedFile> {
  const ref = branchRef(options.branch, options.input);
  const tries = options.tries ?? 10;
  for (let attempt = 1; ; attempt++) {
    const appended = await appendOnce(options, ref);
    if (appended !== undefined) return appended;
    if (attempt >= tries) {
      throw new ConflictError(
        `The branch ${shortBranch(ref)} of ${parseRemoteUrl(options.access.url).display} was moved by others at each of ${tries} tries to add ${options.path}.`,
      );
    }
    await pause(attempt, options.access.signal);
  }
}

/** Undefined when somebody else's push came first. */
async function appendOnce(options: AppendFile, ref: string): Promise<AppendedFile | undefined> {
  const exists = (await readRemote(options.access, [ref])).commits.has(ref);
  const scratch = await scratchRepository(options.access);
  try {
    const [head] = exists ? await scratch.fetch([ref], { filter: 'blob:none' }) : [];
    if (head !== undefined) await scratch.git(['read-tree', head]);
    const blob = (
      await scratch.git(['hash-object', '-w', '-t', 'blob', '--stdin', '--no-filters'], { stdin: options.text })
    ).stdout.trim();
    const { path, present } = await freePath(scratch, options.path, blob);
    if (present && head !== undefined) return { commit: head, path, appended: false };
    await scratch.git(['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`]);
    const commit = await scratch.commit({ ...options, ...(head === undefined ? {} : { parent: head }) });
    const { pushed } = await scratch.push(commit, ref);
    return pushed ? { commit, path, appended: true } : undefined;
  } finally {
    await scratch.dispose();
  }
}

async function freePath(
  scratch: ScratchRepository,
  wanted: string,
  blob: string,
): Promise<{ path: string; present: boolean }> {
  for (let number = 1; ; number++) {
    const path = number === 1 ? wanted : wanted.replace(/(\.[^./]*)?$/, `-${number}$1`);
    const listed = (await scratch.git(['ls-files', '--stage', '-z', '--', path])).stdout;
    if (listed === '') return { path, present: false };
    if (listed.split(' ')[1] === blob) return { path, present: true };
  }
}

/** Longer at each try, and of a random length, so that two that met do not meet again. */
async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(Math.random() * 100 * Math.min(attempt, 10), undefined, signal === undefined ? {} : { signal });
  } catch {
    throw new CancelledError();
  }
}

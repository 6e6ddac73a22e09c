import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RefusedError } from '../../errors.ts';
import { type GitResult, runGit } from './git-program.ts';
import { requireCommitId } from './names.ts';
import { type RemoteAccess, withNetwork } from './network-config.ts';
import { isRace, pushError } from './push-answer.ts';
import { BARE_HERE, forgetPromise, lastLine, network, remoteError } from './remote.ts';
import { withoutCredentials } from './remote-url.ts';

/** Who a commit is said to be made by. */
export interface CommitPerson {
  readonly name: string;
  readonly email: string;
}

/** How a push ended. `race`: somebody else's push came first, and nothing was changed. */
export type PushAnswer = { readonly pushed: true } | { readonly pushed: false; readonly race: true };

/**
 * A bare repository of its own in the temp folder, in which commits are made without any checkout: the user's is neither read nor touched.
 * Files get into a tree through an index of its own, so there is no working tree at all.
 */
export interface ScratchRepository {
  readonly folder: string;
  /** Fetches refs or commits of the remote and answers their commits. */
  fetch(wants: readonly string[], options?: FetchOptions): Promise<string[]>;
  /** Runs git in it; a failure throws RefusedError unless `codes` allows its exit code. */
  git(args: readonly string[], options?: ScratchOptions): Promise<GitResult>;
  /** Commits the index. Answers the commit's id. */
  commit(options: {
    readonly parent?: string;
    readonly message: string;
    readonly author: CommitPerson;
    readonly committer: CommitPerson;
  }): Promise<string>;
  /** Puts a branch (full ref name) of the remote on a commit: only forwards, never over what somebody else pushed. */
  push(commit: string, ref: string): Promise<PushAnswer>;
  dispose(): Promise<void>;
}

export interface FetchOptions {
  /** How many commits of each history; default: the commit alone. */
  readonly depth?: number;
  /** `blob:none` leaves the content of files out. */
  readonly filter?: 'blob:none';
}

export interface ScratchOptions {
  readonly stdin?: string;
  /** Exit codes other than 0 that are an answer. */
  readonly codes?: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Makes the repository; dispose() removes it. */
export async function scratchRepository(access: RemoteAccess): Promise<ScratchRepository> {
  const folder = await mkdtemp(join(access.tempDirectory, 'git-scratch-'));
  const signal = access.signal === undefined ? {} : { signal: access.signal };
  const index = { GIT_INDEX_FILE: join(folder, 'gitops-index') };
  let fetched = 0;

  const git: ScratchRepository['git'] = async (args, options = {}) => {
    const result = await runGit({
      args,
      cwd: folder,
      config: [BARE_HERE],
      environment: { ...index, ...options.environment },
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
      ...signal,
    });
    if (result.code !== 0 && !(options.codes ?? []).includes(result.code)) {
      throw new RefusedError(`git ${args[0]} failed: ${lastLine(withoutCredentials(result.stderr))}`, 0);
    }
    return result;
  };

  const dispose = () => rm(folder, { recursive: true, force: true });
  try {
    await git(['init', '--quiet', '--bare', '--template=', '.']);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    folder,
    git,
    dispose,
    fetch: async (wants, { depth = 1, filter } = {}) => {
      const refs = wants.map(() => `refs/gitops/${fetched++}`);
      const specs = wants.map((want, at) => `+${want}:${refs[at]}`);
      const options = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', `--depth=${depth}`];
      const args = ['fetch', ...options, ...(filter === undefined ? [] : [`--filter=${filter}`]), 'gitops', ...specs];
      const got = await withNetwork(access, (settings) => network(access, folder, args, settings));
      if (got.code !== 0) throw remoteError(access, got);
      await forgetPromise(folder, access);
      const commits = await git(['rev-parse', ...refs.map((ref) => `${ref}^{commit}`)]);
      return commits.stdout.trim().split('\n');
    },
    commit: async ({ parent, message, author, committer }) => {
      const tree = (await git(['write-tree', '--missing-ok'])).stdout.trim();
      const parents = parent === undefined ? [] : ['-p', requireCommitId(parent, 'commit')];
      const made = await git(['commit-tree', ...parents, '-F', '-', tree], {
        stdin: message,
        environment: { ...personEnvironment('AUTHOR', author), ...personEnvironment('COMMITTER', committer) },
      });
      return made.stdout.trim();
    },
    push: async (commit, ref) => {
      requireCommitId(commit, 'commit');
      // Without `+` or --force: the server moves the branch only from the commit that ours follows, and compares before it writes.
      const options = ['--porcelain', '--no-follow-tags', '--no-signed', '--no-verify', '--recurse-submodules=no'];
      const args = ['push', ...options, 'gitops', `${commit}:${ref}`];
      const result = await withNetwork(access, (settings) => network(access, folder, args, settings));
      if (result.code === 0) return { pushed: true };
      if (isRace(result)) return { pushed: false, race: true };
      throw pushError(access, result, ref);
    },
  };
}

/** Git refuses names and addresses that are empty or hold angle brackets or line ends. */
function personEnvironment(role: 'AUTHOR' | 'COMMITTER', person: CommitPerson): Record<string, string> {
  return {
    [`GIT_${role}_NAME`]: clean(person.name) || 'unknown',
    [`GIT_${role}_EMAIL`]: clean(person.email),
  };
}

function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in a commit's header.
  return text.replace(/[<>\u0000-\u001f\u007f]/g, ' ').trim();
}

import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** What a run's variables say of a Git repository on disk. */
export interface GitCheckout {
  readonly folder: string;
  readonly commit: string;
  /** `refs/heads/main`; undefined when HEAD is detached, as after an agent's checkout. */
  readonly branch?: string;
  readonly message: string;
  readonly author: string;
  /** The remote `origin`. */
  readonly remoteUrl?: string;
  readonly name: string;
}

const run = promisify(execFile);

/** Reads a folder that is itself the top of a Git work tree; undefined for any other. */
export async function readGitCheckout(folder: string): Promise<GitCheckout | undefined> {
  const git = async (...args: string[]): Promise<string | undefined> =>
    run('git', ['-C', folder, ...args]).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
  // Inside of some other repository, e.g. a test's data folder, is not a checkout. Empty at the top.
  if ((await git('rev-parse', '--show-prefix')) !== '') return undefined;
  const [commit, message, author] = (await git('log', '-1', '--format=%H%n%s%n%an'))?.split('\n') ?? [];
  if (commit === undefined || commit === '') return undefined;
  const branch = await git('symbolic-ref', '-q', 'HEAD');
  const remoteUrl = await git('config', '--get', 'remote.origin.url');
  return {
    folder,
    commit,
    message: message ?? '',
    author: author ?? '',
    name: path.basename(remoteUrl ?? folder).replace(/\.git$/, ''),
    ...(branch === undefined ? {} : { branch }),
    ...(remoteUrl === undefined ? {} : { remoteUrl }),
  };
}

/** Real repositories in temporary folders, for tests. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Nothing of the machine's own configuration, and the same author everywhere. */
export const TEST_GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: devNull,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A. Author',
  GIT_AUTHOR_EMAIL: 'author@example.com',
  GIT_COMMITTER_NAME: 'C. Committer',
  GIT_COMMITTER_EMAIL: 'committer@example.com',
};

export interface WorkRepository {
  readonly folder: string;
  git(...args: string[]): Promise<string>;
  write(file: string, text: string): Promise<void>;
  /** Writes files, commits them and answers the commit's id. */
  commit(subject: string, files?: Readonly<Record<string, string>>): Promise<string>;
}

export async function gitIn(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: folder, env: { ...process.env, ...TEST_GIT_ENVIRONMENT } });
  return stdout.trim();
}

export function workRepository(folder: string): WorkRepository {
  const git = (...args: string[]) => gitIn(folder, ...args);
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  };
  let count = 0;
  return {
    folder,
    git,
    write,
    commit: async (subject, files = { 'app/config.yaml': `revision: ${subject} ${++count}\n` }) => {
      for (const [file, text] of Object.entries(files)) await write(file, text);
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', subject);
      return await git('rev-parse', 'HEAD');
    },
  };
}

/** A folder with links resolved, and what to call when the test is over. */
export async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'git-test-')));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

export async function newRepository(folder: string, branch = 'main'): Promise<WorkRepository> {
  await mkdir(folder, { recursive: true });
  await gitIn(folder, 'init', '--quiet', `--initial-branch=${branch}`, '.');
  return workRepository(folder);
}

/** A clone as an agent makes it: cut off at `depth`, its head detached at one commit. */
export async function checkOut(
  url: string,
  folder: string,
  options: {
    readonly commit?: string;
    readonly ref?: string;
    readonly depth?: number;
    readonly config?: readonly string[];
  } = {},
): Promise<WorkRepository> {
  await mkdir(folder, { recursive: true });
  await gitIn(folder, 'init', '--quiet', '.');
  await gitIn(folder, 'remote', 'add', 'origin', url);
  const depth = options.depth === undefined ? [] : [`--depth=${options.depth}`];
  const config = (options.config ?? []).flatMap((one) => ['-c', one]);
  const want = options.commit ?? options.ref ?? '+refs/heads/*:refs/remotes/origin/*';
  await gitIn(folder, ...config, 'fetch', '--quiet', '--no-tags', ...depth, 'origin', want);
  await gitIn(folder, 'checkout', '--quiet', '--detach', options.commit ?? 'FETCH_HEAD');
  return workRepository(folder);
}

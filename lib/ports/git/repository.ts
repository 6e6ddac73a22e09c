import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { InputError, RefusedError } from '../../errors.ts';
import { type GitConfig, type GitResult, runGit } from './git-program.ts';
import { requireCommitId } from './names.ts';
import { withoutCredentials } from './remote-url.ts';

/** A Git repository on this machine. Read only: nothing here writes to it. */
export interface Repository {
  /** The top of the working tree, or the folder of a bare repository; absolute, links resolved. */
  readonly folder: string;
  readonly bare: boolean;
  /** Runs git in it. */
  git(args: readonly string[], stdin?: string): Promise<GitResult>;
}

export type Answer = 'yes' | 'no' | 'unknown';

export interface CommitInfo {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly email: string;
  /** ISO 8601 with the committer's offset. */
  readonly date: string;
  readonly subject: string;
}

export interface Remote {
  readonly name: string;
  /** As configured, possibly with a user name or a password in it: never print it, use parseRemoteUrl(url).display. */
  readonly url: string;
}

/** The folder is in no Git repository. */
export class NotARepositoryError extends InputError {}

/**
 * Opens the repository that contains a folder. Throws NotARepositoryError when the folder is in none, InputError when git is older than
 * 2.31, or when git refuses the folder because another user owns it.
 */
export async function openRepository(folder: string, signal?: AbortSignal): Promise<Repository> {
  const cwd = await realpath(folder).catch((cause: unknown) => {
    throw new InputError(`The repository's folder ${folder} does not exist.`, { cause });
  });
  await requireGit(cwd, signal);
  const seen = await run(cwd, ['rev-parse', '--is-bare-repository', '--git-dir'], signal);
  if (seen.code !== 0) throw openError(folder, seen);
  const bare = seen.stdout.split('\n')[0] === 'true';
  if (bare) return repositoryAt(cwd, true, signal);
  const top = await run(cwd, ['rev-parse', '--show-toplevel'], signal);
  const line = top.stdout.replace(/\r?\n$/, '');
  if (top.code !== 0 || line === '') throw openError(folder, top);
  return repositoryAt(await realpath(line), false, signal);
}

/** A repository whose folder is known to be one, for example because it was just made. */
export function repositoryAt(
  folder: string,
  bare: boolean,
  signal?: AbortSignal,
  config: readonly GitConfig[] = [],
): Repository {
  return { folder, bare, git: (args, stdin) => run(folder, args, signal, stdin, config) };
}

/** The commit that is checked out. Throws InputError when there is none yet. */
export async function headCommit(repository: Repository): Promise<string> {
  const id = await resolveCommit(repository, 'HEAD');
  if (id === undefined) throw new InputError(`The repository ${repository.folder} has no commit yet.`);
  return id;
}

/** The commit that a ref of this checkout names. Local refs are written by whoever prepared the checkout: do not trust them with a decision. */
export async function resolveCommit(repository: Repository, ref: string): Promise<string | undefined> {
  const { code, stdout } = await repository.git([
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${ref}^{commit}`,
  ]);
  return code === 0 ? stdout.trim() : undefined;
}

export async function hasCommit(repository: Repository, id: string): Promise<boolean> {
  requireCommitId(id, 'commit');
  const { code } = await repository.git(['cat-file', '-e', `${id}^{commit}`]);
  return code === 0;
}

/** Whether a part of the history is cut off, as in a checkout with `fetchDepth`. */
export async function isShallow(repository: Repository): Promise<boolean> {
  return (await ok(repository, ['rev-parse', '--is-shallow-repository'])).trim() === 'true';
}

/**
 * Whether `descendant` contains `ancestor` (a commit contains itself). `unknown` when this repository has too little of the history to
 * say no.
 */
export async function isAncestor(repository: Repository, ancestor: string, descendant: string): Promise<Answer> {
  requireCommitId(ancestor, 'commit');
  requireCommitId(descendant, 'commit');
  if (!(await hasCommit(repository, descendant))) return 'unknown';
  if (ancestor === descendant) return 'yes';
  if (await hasCommit(repository, ancestor)) {
    const { code } = await repository.git(['merge-base', '--is-ancestor', ancestor, descendant]);
    if (code === 0) return 'yes';
    if (code !== 1) return 'unknown';
  }
  return (await historyIsWhole(repository, descendant)) ? 'no' : 'unknown';
}

/** Whether every ancestor of a commit is here: none of the commits at which the history was cut is among them. */
async function historyIsWhole(repository: Repository, commit: string): Promise<boolean> {
  const cuts = await shallowCommits(repository);
  if (cuts.length === 0) return (await repository.git(['rev-list', '--count', commit])).code === 0;
  const all = await repository.git(['rev-list', '--count', '--stdin'], `${commit}\n`);
  const uncut = await repository.git(
    ['rev-list', '--count', '--stdin'],
    [commit, ...cuts.map((id) => `^${id}`), ''].join('\n'),
  );
  return all.code === 0 && uncut.code === 0 && all.stdout === uncut.stdout;
}

async function shallowCommits(repository: Repository): Promise<string[]> {
  if (!(await isShallow(repository))) return [];
  // `--boundary` is no help here: git treats a cut commit as one without parents. Its own list names them.
  const path = (await ok(repository, ['rev-parse', '--git-path', 'shallow'])).trim();
  const text = await readFile(resolve(repository.folder, path), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}

/** Author, date, subject and parents; undefined when the repository does not have the commit. */
export async function commitInfo(repository: Repository, id: string): Promise<CommitInfo | undefined> {
  requireCommitId(id, 'commit');
  const format = '%H%x00%P%x00%an%x00%ae%x00%cI%x00%s';
  const { code, stdout } = await repository.git(['log', '-1', '-s', '--no-decorate', `--format=${format}`, id]);
  if (code !== 0) return undefined;
  const [hash = id, parents = '', author = '', email = '', date = '', subject = ''] = stdout
    .replace(/\n$/, '')
    .split('\0');
  return { id: hash, parents: parents.split(' ').filter((one) => one !== ''), author, email, date, subject };
}

/** The remote `origin`, else the only remote; undefined when there is none. */
export async function remoteOf(repository: Repository): Promise<Remote | undefined> {
  const { stdout } = await repository.git(['config', '--null', '--get-regexp', '^remote\\..*\\.url$']);
  const remotes = new Map<string, string>();
  for (const entry of stdout.split('\0')) {
    const [key = '', url] = entry.split('\n');
    const name = /^remote\.(.*)\.url$/.exec(key)?.[1];
    if (name !== undefined && url !== undefined && !remotes.has(name)) remotes.set(name, url);
  }
  const name = remotes.has('origin') ? 'origin' : remotes.size === 1 ? [...remotes.keys()][0] : undefined;
  const url = name === undefined ? undefined : remotes.get(name);
  if (name !== undefined && url !== undefined) return { name, url };
  if (remotes.size === 0) return undefined;
  throw new InputError(
    `The repository ${repository.folder} has several remotes (${[...remotes.keys()].join(', ')}) and none is named origin. Name the one whose branches count: git remote rename <name> origin.`,
  );
}

/**
 * The http headers that a checkout with `persistCredentials: true` keeps for an address; they hold a secret. Undefined when there is none.
 */
export async function persistedHeader(repository: Repository, url: string): Promise<string | undefined> {
  const { code, stdout } = await repository.git(['config', '--get-urlmatch', 'http.extraheader', url]);
  const header = stdout.trim();
  return code === 0 && header !== '' ? header : undefined;
}

/** Where a path lies inside the repository, with forward slashes; undefined when it lies outside. `.` is the whole repository. */
export async function pathInside(repository: Repository, path: string): Promise<string | undefined> {
  const real = await realOf(resolve(repository.folder, path));
  const inside = relative(repository.folder, real);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined;
  return inside === '' ? '.' : inside.split(sep).join('/');
}

/** Links resolved as far as the path exists. */
async function realOf(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined || dirname(path) === path) return real ?? path;
  return join(await realOf(dirname(path)), basename(path));
}

async function requireGit(cwd: string, signal: AbortSignal | undefined): Promise<void> {
  const { stdout } = await run(cwd, ['version'], signal);
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  if (Number(major) < 2 || (Number(major) === 2 && Number(minor) < 31)) {
    throw new InputError(`git 2.31 or newer is needed on the agent; this is "${stdout.trim()}".`);
  }
}

function openError(folder: string, result: GitResult): InputError {
  const said = withoutCredentials(result.stderr.trim());
  if (/dubious ownership|unsafe repository/i.test(said)) {
    return new InputError(
      `git refuses the repository ${folder} because another user of the agent owns its files. Run the job as the user that made the checkout, or trust the folder in a step before this one: git config --global --add safe.directory "${folder}"`,
    );
  }
  if (/not a git repository/i.test(said)) {
    return new NotARepositoryError({
      message: `The folder ${folder} is in no Git repository. Set the input repositoryPath to the checkout that the manifests come from.`,
      input: 'repositoryPath',
    });
  }
  return new InputError(`git cannot open the repository ${folder}: ${said}`);
}

function run(
  cwd: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
  stdin?: string,
  config: readonly GitConfig[] = [],
): Promise<GitResult> {
  return runGit({ args, cwd, config, ...(signal ? { signal } : {}), ...(stdin === undefined ? {} : { stdin }) });
}

async function ok(repository: Repository, args: readonly string[]): Promise<string> {
  const result = await repository.git(args);
  if (result.code !== 0) {
    throw new RefusedError(
      `git ${args[0]} failed in ${repository.folder}: ${withoutCredentials(result.stderr.trim())}`,
      0,
    );
  }
  return result.stdout;
}

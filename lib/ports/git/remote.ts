import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type GitOpsError, NotPermittedError, RefusedError, UnreachableError } from '../../errors.ts';
import { type GitConfig, type GitResult, runGit } from './git-program.ts';
import { isCommitId, requireCommitId } from './names.ts';
import { type GitNetwork, type RemoteAccess, secretsOf, withNetwork } from './network-config.ts';
import { parseRemoteUrl, withoutCredentials } from './remote-url.ts';
import { type Repository, repositoryAt } from './repository.ts';

/** What a remote says of itself at one moment. */
export interface RemoteRefs {
  /** `refs/heads/main`; undefined when the remote does not tell where its HEAD points. */
  readonly defaultBranch?: string;
  /** Commits by full ref name, of the refs that were asked for and exist. */
  readonly commits: ReadonlyMap<string, string>;
}

/**
 * Asks a remote for its default branch and for the commits of refs (`git ls-remote --symref`). Runs outside of any repository, so that no
 * checkout's configuration has a say. Throws NotPermittedError, UnreachableError or RefusedError.
 *
 * @param refs full names; the default branch's own commit is always among the answers
 */
export async function readRemote(access: RemoteAccess, refs: readonly string[] = []): Promise<RemoteRefs> {
  const first = parseSymrefs(await lsRemote(access, ['HEAD', ...refs]));
  const wanted = first.defaultBranch;
  if (wanted === undefined || first.commits.has(wanted)) return first;
  const commit = first.commits.get('HEAD');
  return { ...first, commits: commit === undefined ? first.commits : new Map([...first.commits, [wanted, commit]]) };
}

/** Reads the output of `git ls-remote --symref`. Patterns of ls-remote match the end of a name, so more refs can come than were asked for. */
export function parseSymrefs(text: string): RemoteRefs {
  let defaultBranch: string | undefined;
  const commits = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (left.startsWith('ref: ') && name === 'HEAD') defaultBranch = left.slice('ref: '.length);
    else if (isCommitId(left) && name !== '') commits.set(name, left);
  }
  return { ...(defaultBranch?.startsWith('refs/heads/') === true ? { defaultBranch } : {}), commits };
}

async function lsRemote(access: RemoteAccess, refs: readonly string[]): Promise<string> {
  const result = await withNetwork(access, (settings) =>
    network(access, access.tempDirectory, ['ls-remote', '--symref', '--end-of-options', 'gitops', ...refs], settings),
  );
  if (result.code !== 0) throw remoteError(access, result);
  return result.stdout;
}

/**
 * A copy of a remote's history in a folder of its own: commits without files. Whatever the checkout's configuration, refs, grafts or depth
 * say, it holds what the remote sent.
 */
export interface RemoteHistory {
  readonly repository: Repository;
  /** Fetches the rest of a history that was cut off by `depth`. Answers false when nothing was missing. */
  deepen(): Promise<boolean>;
  /** Fetches one more commit with its history; false when the remote does not have it or does not give it. */
  include(commit: string): Promise<boolean>;
  dispose(): Promise<void>;
}

/** Most deployments look a few commits back: these come first, everything else only when it is asked for. */
const FIRST_DEPTH = 1000;
const FETCH_TIMEOUT = 300_000;
/** The folder of the history is a bare repository, which some machines only accept when told so. */
export const BARE_HERE: GitConfig = ['safe.bareRepository', 'all'];

/**
 * Fetches the history of refs or commits: no tags, and no trees or files when the server can leave them out (`--filter=tree:0`; a server
 * that cannot sends them all, which git only remarks). Throws as readRemote; dispose() removes the folder.
 *
 * @param filter what is left out of it, as `git fetch --filter` names it
 */
export async function fetchHistory(
  access: RemoteAccess,
  wants: readonly string[],
  depth = FIRST_DEPTH,
  filter = 'tree:0',
): Promise<RemoteHistory> {
  const folder = await mkdtemp(join(access.tempDirectory, 'git-history-'));
  const dispose = () => rm(folder, { recursive: true, force: true });
  const fetch = (more: readonly string[], refs: readonly string[]): Promise<GitResult> =>
    withNetwork(access, (settings) =>
      network(
        access,
        folder,
        [
          'fetch',
          '--quiet',
          '--no-tags',
          '--no-write-fetch-head',
          '--no-recurse-submodules',
          `--filter=${filter}`,
          ...more,
          'gitops',
          ...refs,
        ],
        settings,
      ),
    );
  try {
    const made = await runGit({
      args: ['init', '--quiet', '--bare', '--template=', '.'],
      cwd: folder,
      ...signalOf(access),
    });
    if (made.code !== 0) throw new RefusedError(`git init failed in ${folder}: ${made.stderr.trim()}`, 0);
    const specs = wants.map((want, index) => `+${want}:refs/gitops/${index}`);
    const first = await fetch([`--depth=${depth}`], specs);
    if (first.code !== 0) throw remoteError(access, first);
    await forgetPromise(folder, access);
    const repository = repositoryAt(folder, true, access.signal, [BARE_HERE]);
    let extra = specs.length;
    return {
      repository,
      deepen: async () => {
        const shallow = await repository.git(['rev-parse', '--is-shallow-repository']);
        if (shallow.stdout.trim() !== 'true') return false;
        const rest = await fetch(['--unshallow'], specs);
        if (rest.code !== 0) throw remoteError(access, rest);
        await forgetPromise(folder, access);
        return true;
      },
      include: async (commit) => {
        requireCommitId(commit, 'commit');
        const got = await fetch([], [`+${commit}:refs/gitops/${extra++}`]);
        await forgetPromise(folder, access);
        return got.code === 0;
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** After a fetch with a filter, git would try to fetch whatever is missing when it is asked for it; here missing means missing. */
export async function forgetPromise(folder: string, access: RemoteAccess): Promise<void> {
  for (const section of ['remote.gitops', 'extensions']) {
    await runGit({ args: ['config', '--remove-section', section], cwd: folder, ...signalOf(access) });
  }
}

/** Runs git in a folder with everything it needs to reach a remote, which it knows by the name `gitops`. */
export async function network(
  access: RemoteAccess,
  cwd: string,
  args: readonly string[],
  settings: GitNetwork,
): Promise<GitResult> {
  return await runGit({
    args,
    cwd,
    // The address may hold a password, so it is configuration, not an argument.
    config: [...settings.config, BARE_HERE, ['remote.gitops.url', access.url]],
    // Neither the temp folder nor anything above it is taken for a repository.
    environment: { ...settings.environment, GIT_CEILING_DIRECTORIES: dirname(access.tempDirectory) },
    timeout: FETCH_TIMEOUT,
    ...signalOf(access),
  });
}

/** Turns what git says of a remote into one of our errors. No message holds a credential. */
export function remoteError(access: RemoteAccess, result: GitResult): GitOpsError {
  const said = withoutCredentials(result.stderr.trim(), secretsOf(access));
  const where = parseRemoteUrl(access.url).display;
  const status = Number(/returned error: (\d{3})/.exec(said)?.[1] ?? 0);
  const how = 'In Azure Pipelines the checkout step keeps its credentials with persistCredentials: true.';
  if (
    /authentication failed|could not read username|could not read password|permission denied|terminal prompts disabled/i.test(
      said,
    ) ||
    status === 401 ||
    status === 403
  ) {
    const noToken =
      access.token === undefined && access.header === undefined ? ` There were no credentials for it. ${how}` : '';
    return new NotPermittedError(`Git may not read ${where}: ${lastLine(said)}.${noToken}`);
  }
  if (
    /could not resolve host|failed to connect|connection refused|connection reset|timed out|not end in time|operation too slow|could not resolve proxy|empty reply/i.test(
      said,
    )
  ) {
    return new UnreachableError(`The Git server of ${where} did not answer: ${lastLine(said)}.`);
  }
  return new RefusedError(`Git cannot read ${where}: ${lastLine(said)}.`, status);
}

export function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const fatal = lines.findLast((line) => /^(?:fatal|error):/.test(line));
  return (fatal ?? lines.at(-1) ?? 'git gave no reason').replace(/^(?:fatal|error): /, '').replace(/\.$/, '');
}

function signalOf(access: RemoteAccess): { signal?: AbortSignal } {
  return access.signal === undefined ? {} : { signal: access.signal };
}

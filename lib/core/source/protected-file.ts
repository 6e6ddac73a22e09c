import { basename, dirname, resolve } from 'node:path';
import { InputError, messageOf } from '../../errors.ts';
import { fileAt } from '../../ports/git/file-at.ts';
import { shortBranch } from '../../ports/git/names.ts';
import type { RemoteAccess } from '../../ports/git/network-config.ts';
import { fetchHistory, readRemote } from '../../ports/git/remote.ts';
import { parseRemoteUrl } from '../../ports/git/remote-url.ts';
import {
  hasCommit,
  NotARepositoryError,
  openRepository,
  pathInside,
  type Repository,
  remoteOf,
  resolveCommit,
} from '../../ports/git/repository.ts';
import { chooseRemote, protectedRef, short } from './decide.ts';
import { hostFactsOf } from './host-repository.ts';
import { remoteAccess } from './locate-source.ts';
import type { SourceAgent } from './source.ts';

/** A file as the protected branch of its repository has it now. */
export interface ProtectedFile {
  readonly text: string;
  /** As messages name it: `guardrails.yaml of https://dev.azure.com/contoso/platform/_git/guardrails (main, 3f2a91c0d1)`. */
  readonly name: string;
  readonly commit: string;
  /** The repository's address without credentials. */
  readonly repository: string;
}

/** Enough for any file that people write, and it keeps a repository's large files away. */
const largestFile = 'blob:limit=2m';

/**
 * Reads a file that judges the run. The working tree only says which file of which repository is meant: its text comes from the head of
 * the default branch, as the remote has it, so that neither a step of the pipeline, nor a pull request, nor a checkout of an old commit can
 * change it. Throws InputError, naming the input, when that cannot be had.
 *
 * @param path as the input says it, absolute or relative to the working directory
 */
export async function readProtectedFile(agent: SourceAgent, path: string, input: string): Promise<ProtectedFile> {
  const absolute = resolve(agent.workingDirectory, path);
  const checkout = await openRepository(dirname(absolute), agent.cancelled).catch((error: unknown) => {
    if (!(error instanceof InputError)) throw error;
    const why = error instanceof NotARepositoryError ? `${dirname(absolute)} is in no Git checkout.` : messageOf(error);
    throw refuse(
      input,
      path,
      `${why} Check out the protected repository that holds it, and give the file's path there.`,
      error,
    );
  });
  const inside = await pathInside(checkout, absolute);
  if (inside === undefined || inside === '.') throw refuse(input, path, 'it leads out of the checkout.');
  const origin = await remoteOf(checkout);
  const facts = await hostFactsOf(agent.host, checkout.folder, origin?.url);
  const remote = chooseRemote(origin?.url, facts.repository?.url, facts.ownCheckout);
  if (remote.kind === 'none') return await fromLocal(agent, checkout, inside, { input, path });
  const access = await remoteAccess(agent, remote.url, checkout);
  const { defaultBranch, commits } = await readRemote(access);
  const head = defaultBranch === undefined ? undefined : commits.get(defaultBranch);
  const repository = parseRemoteUrl(remote.url).display;
  if (defaultBranch === undefined || head === undefined) {
    throw refuse(input, path, `the repository ${repository} does not tell its default branch.`);
  }
  const text = await textAt(access, checkout, head, inside);
  const where = `${repository} (${shortBranch(defaultBranch)}, ${short(head)})`;
  if (text === undefined) throw refuse(input, path, `${inside} is not in ${where}. Merge it there first.`);
  return { text, name: `${inside} of ${where}`, commit: head, repository };
}

/** From the checkout's objects, which cannot lie about their content, else by a fetch of that one commit. */
async function textAt(
  access: RemoteAccess,
  checkout: Repository,
  head: string,
  inside: string,
): Promise<string | undefined> {
  if (await hasCommit(checkout, head)) {
    const known = await fileAt(checkout, head, inside);
    if (known !== undefined) return known;
  }
  const fetched = await fetchHistory(access, [head], 1, largestFile);
  try {
    return await fileAt(fetched.repository, head, inside);
  } finally {
    await fetched.dispose();
  }
}

/** Without a remote there is nobody to ask; that is for trying things out in a terminal. */
async function fromLocal(
  agent: SourceAgent,
  checkout: Repository,
  inside: string,
  { input, path }: { readonly input: string; readonly path: string },
): Promise<ProtectedFile> {
  if (agent.host.type !== 'terminal') {
    throw refuse(input, path, `the repository ${checkout.folder} has no remote, so nobody vouches for its branch.`);
  }
  const ref = protectedRef(undefined, undefined, false);
  const head = await resolveCommit(checkout, ref);
  const text = head === undefined ? undefined : await fileAt(checkout, head, inside);
  if (head === undefined || text === undefined) {
    throw refuse(input, path, `${inside} is not in the branch ${shortBranch(ref)} of ${checkout.folder}.`);
  }
  const name = `${inside} of ${basename(checkout.folder)} (${shortBranch(ref)}, ${short(head)})`;
  return { text, name, commit: head, repository: checkout.folder };
}

function refuse(input: string, path: string, why: string, cause?: unknown): InputError {
  const message = `Input \`${input}\` is '${path}', and that file cannot be trusted: ${why}`;
  return new InputError({ message, input, code: 'unprotected-file' }, cause === undefined ? undefined : { cause });
}

import { CancelledError, GitOpsError, InputError, messageOf } from '../../errors.ts';
import { isCommitId, shortBranch } from '../../ports/git/names.ts';
import { readRemote } from '../../ports/git/remote.ts';
import { parseRemoteUrl } from '../../ports/git/remote-url.ts';
import { commitInfo, resolveCommit } from '../../ports/git/repository.ts';
import { type AncestryMeans, type AncestrySource, askAncestry, relationOf } from './ancestry.ts';
import { decideOrder, protectedRef, short, undecidableError, unmergedError } from './decide.ts';
import { checkoutMeans, fetchedMeans, restMeans } from './history-means.ts';
import { type LocatedSource, locateSource, orReport } from './locate-source.ts';
import type { VerifiedSource, VerifySourceOptions } from './source.ts';
import { verifyChangeset } from './verify-changeset.ts';

export type { SourceAgent, VerifiedSource, VerifySourceOptions } from './source.ts';

/**
 * Finds out which commit is checked out and whether it may reach the target: the protected branch, as its remote has it now, must contain
 * it; nothing may have changed in the checkout; it must not be older than what is deployed. What cannot be decided is refused.
 *
 * Throws InputError (unmerged, undecidable, changed files, wrong inputs), ConflictError with outcome `olderCommit`, and CancelledError. With
 * `reportOnly` the refusals are among the warnings instead.
 */
export async function verifySource(options: VerifySourceOptions): Promise<VerifiedSource> {
  if (options.agent.host.repository?.provider === 'TfsVersionControl') return verifyChangeset(options);
  const source = await locateSource(options);
  const { commit, checkout, access, azure, warnings } = source;
  const fallback: ProtectedBranch = { ref: namedBranch(options) };
  const branch = await orReport(options, warnings, () => protectedHead(options, source), fallback);
  const fetched = access === undefined ? undefined : fetchedMeans(access, [source.askMerged ? branch.ref : commit]);
  const means: AncestryMeans[] = [
    ...(checkout === undefined ? [] : [checkoutMeans(checkout)]),
    ...(fetched === undefined ? [] : [fetched]),
    ...(azure === undefined || options.azureRepos === undefined ? [] : [restMeans(options.azureRepos, azure)]),
  ];
  try {
    const ancestry = await orReport(options, warnings, () => checkMerged(source, branch, means), 'none');
    const order = await orReport(options, warnings, () => checkOrder(options, source, means), undefined);
    const info = checkout === undefined ? undefined : await commitInfo(checkout, commit);
    return {
      commit,
      branch: shortBranch(branch.ref),
      ...(source.ref === undefined ? {} : { ref: source.ref }),
      repository: source.place,
      ancestry,
      ...(info === undefined ? {} : { info }),
      ...(azure === undefined ? {} : { azureRepository: azure }),
      warnings: order === undefined ? warnings : [...warnings, order],
    };
  } finally {
    await fetched?.dispose();
  }
}

interface ProtectedBranch {
  readonly ref: string;
  /** Undefined only when it was not needed (`allowUnmerged`). */
  readonly head?: string;
}

/** The protected branch and its head, from the remote, else from Azure Repos, and from the checkout only when it has no remote. */
async function protectedHead(options: VerifySourceOptions, source: LocatedSource): Promise<ProtectedBranch> {
  const { access, checkout } = source;
  const { protectedBranch: input, agent } = options;
  if (options.allowUnmerged) {
    source.warnings.push(
      `It is not asked whether commit ${short(source.commit)} was merged, because allowUnmerged is set.`,
    );
  }
  if (!source.askMerged) return { ref: namedBranch(options) };
  if (access === undefined) {
    const ref = protectedRef(input, undefined, false);
    const head = checkout === undefined ? undefined : await resolveCommit(checkout, ref);
    if (head === undefined) throw noBranch(ref, source.place);
    agent.log.info(`The repository has no remote, so its own branch ${shortBranch(ref)} decides what may be deployed.`);
    return { ref, head };
  }
  const wanted = input === undefined ? [] : [protectedRef(input, undefined, true)];
  const reasons: string[] = [];
  const byRemote = await attempt(reasons, async () => {
    const refs = await readRemote(access, wanted);
    const ref = protectedRef(input, refs.defaultBranch, true);
    return { ref, head: refs.commits.get(ref) };
  });
  const found = byRemote ?? (await attempt(reasons, () => headByRest(options, source)));
  if (found === undefined) {
    throw undecidableError(source.commit, input ?? 'that is the default', reasons);
  }
  if (found.head === undefined) throw noBranch(found.ref, source.place);
  return { ref: found.ref, head: found.head };
}

/** The branch to name in reports when nobody was asked for the default one. */
function namedBranch(options: VerifySourceOptions): string {
  return protectedRef(options.protectedBranch, 'refs/heads/main', true);
}

async function headByRest(
  options: VerifySourceOptions,
  source: LocatedSource,
): Promise<{ ref: string; head: string | undefined }> {
  const { azureRepos, protectedBranch } = options;
  if (azureRepos === undefined || source.azure === undefined) {
    throw new InputError('it is not a repository of Azure Repos that this run could ask for by REST');
  }
  const known = protectedBranch === undefined ? (await azureRepos.repository(source.azure)).defaultBranch : undefined;
  const ref = protectedRef(protectedBranch, known, true);
  return { ref, head: await azureRepos.branchHead(source.azure, ref) };
}

/** Runs one means of several; its failure becomes a reason, unless the run was cancelled or the input itself is wrong. */
async function attempt<T>(reasons: string[], action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    const ours = error instanceof GitOpsError && !(error instanceof CancelledError);
    if (!ours || (error instanceof InputError && error.problems[0]?.input !== undefined)) throw error;
    reasons.push(messageOf(error));
    return undefined;
  }
}

async function checkMerged(
  source: LocatedSource,
  branch: ProtectedBranch,
  means: readonly AncestryMeans[],
): Promise<AncestrySource> {
  if (branch.head === undefined) return 'none';
  const { answer, by, reasons } = await askAncestry(means, source.commit, branch.head);
  const name = shortBranch(branch.ref);
  if (answer === 'no') throw unmergedError(source.commit, name, source.place, source.ref);
  if (answer === 'unknown') throw undecidableError(source.commit, name, reasons);
  return by;
}

/** Returns the warning of an allowed step back. */
async function checkOrder(
  options: VerifySourceOptions,
  source: LocatedSource,
  means: readonly AncestryMeans[],
): Promise<string | undefined> {
  const { deployed, allowOlder, allowUnmerged, agent } = options;
  // The same commit is the same content, wherever it was checked out.
  if (deployed === undefined || deployed.commit === source.commit) return undefined;
  const elsewhere =
    deployed.repository !== undefined && parseRemoteUrl(deployed.repository).key !== parseRemoteUrl(source.place).key;
  const comparable = isCommitId(deployed.commit) && !elsewhere;
  const { relation, reasons } = comparable
    ? await relationOf(means, source.commit, deployed.commit)
    : { relation: 'unknown' as const, reasons: elsewhere ? [`it was deployed from ${deployed.repository}`] : [] };
  return decideOrder({
    commit: source.commit,
    deployed,
    relation,
    reasons,
    allowOlder,
    allowUnmerged,
    hostType: agent.host.type,
  });
}

function noBranch(ref: string, place: string): InputError {
  return new InputError({
    message: `The repository ${place} has no branch ${shortBranch(ref)}. Set the input protectedBranch to the branch whose commits may be deployed.`,
    input: 'protectedBranch',
  });
}

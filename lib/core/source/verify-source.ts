import { CancelledError, GitOpsError, InputError, messageOf } from '../../errors.ts';
import type { Agent } from '../../ports/agent/agent.ts';
import type { AzureRepos, RepositoryAddress } from '../../ports/azure-devops/azure-repos.ts';
import { isCommitId, shortBranch } from '../../ports/git/names.ts';
import type { RemoteAccess } from '../../ports/git/network-config.ts';
import { readRemote } from '../../ports/git/remote.ts';
import { azureRepository, parseRemoteUrl, tokenApplies } from '../../ports/git/remote-url.ts';
import {
  type CommitInfo,
  commitInfo,
  headCommit,
  openRepository,
  persistedHeader,
  type Repository,
  remoteOf,
  resolveCommit,
} from '../../ports/git/repository.ts';
import { type AncestryMeans, type AncestrySource, askAncestry, relationOf } from './ancestry.ts';
import {
  chooseRemote,
  type DeployedSource,
  decideOrder,
  protectedRef,
  refusePullRequest,
  undecidableError,
  unmergedError,
} from './decide.ts';
import { checkoutMeans, fetchedMeans, restMeans } from './history-means.ts';
import { type HostFacts, hostFactsOf } from './host-repository.ts';
import { checkWorkingCopy } from './working-copy.ts';

export interface VerifySourceOptions {
  readonly agent: SourceAgent;
  /** A folder of the checkout: the input `repositoryPath`, else the working directory. */
  readonly repositoryFolder: string;
  /** Files and folders that will be read, absolute or relative to the repository's top; charts from a registry are not among them. */
  readonly paths: readonly string[];
  /** The input `protectedBranch`; undefined for the default branch. */
  readonly protectedBranch?: string;
  readonly allowUnmerged: boolean;
  readonly allowOlder: boolean;
  /** What the target's record says was deployed last. */
  readonly deployed?: DeployedSource;
  /** A client of Azure Repos, for a run that has one. It connects only when it is needed. */
  readonly azureRepos?: AzureRepos;
}

export type SourceAgent = Pick<
  Agent,
  'host' | 'log' | 'cancelled' | 'network' | 'tempDirectory' | 'systemConnection' | 'maskSecret'
>;

export interface VerifiedSource {
  readonly commit: string;
  /** The protected branch, without `refs/heads/`. */
  readonly branch: string;
  /** The ref that the run was started for, when the run says so. */
  readonly ref?: string;
  /** The repository's address without credentials; its folder when it has no remote. */
  readonly repository: string;
  /** By which means it was found that the branch contains the commit; `none` when it was not asked for (`allowUnmerged`). */
  readonly ancestry: AncestrySource;
  /** Author, date and subject, when the checkout knows them. */
  readonly info?: CommitInfo;
  /** Where to post a commit status; undefined for a repository that is not in this collection's Azure Repos. */
  readonly azureRepository?: RepositoryAddress;
  /** To be printed as warnings. */
  readonly warnings: readonly string[];
}

/**
 * Finds out which commit is checked out and whether it may reach the target: the protected branch, as its remote has it now, must contain
 * it; nothing may have changed in the checkout; it must not be older than what is deployed. What cannot be decided is refused.
 *
 * Throws InputError (unmerged, undecidable, changed files, wrong inputs), ConflictError with outcome `olderCommit`, and CancelledError.
 */
export async function verifySource(options: VerifySourceOptions): Promise<VerifiedSource> {
  const { agent, allowUnmerged } = options;
  const repository = await openRepository(options.repositoryFolder, agent.cancelled);
  const commit = await headCommit(repository);
  const origin = await remoteOf(repository);
  const facts = await hostFactsOf(agent.host, repository.folder, origin?.url);
  if (!allowUnmerged && facts.repository !== undefined && facts.repository === agent.host.repository) {
    refusePullRequest(agent.host);
  }
  const warnings = await checkWorkingCopy(repository, options.paths, allowUnmerged, agent.cancelled);
  warnings.push(...otherCommitWarning(facts, commit));
  const remote = chooseRemote(origin?.url, facts.repository?.url, facts.ownCheckout);
  const place = remote.kind === 'none' ? repository.folder : parseRemoteUrl(remote.url).display;
  const azure = remote.kind === 'none' ? undefined : azureAddress(agent, remote.url, facts);
  const access = remote.kind === 'none' ? undefined : await remoteAccess(agent, repository, remote.url);
  const source: Source = { options, repository, commit, place, ...(azure && { azure }), ...(access && { access }) };

  const branch = await protectedHead(source, warnings);
  const fetched = access === undefined ? undefined : fetchedMeans(access, [allowUnmerged ? commit : branch.ref]);
  const means: AncestryMeans[] = [
    checkoutMeans(repository),
    ...(fetched === undefined ? [] : [fetched]),
    ...(azure === undefined || options.azureRepos === undefined ? [] : [restMeans(options.azureRepos, azure)]),
  ];
  try {
    const ancestry = await checkMerged(source, branch, means, facts);
    const order = await checkOrder(source, means);
    const info = await commitInfo(repository, commit);
    const ref = facts.repository?.ref;
    return {
      commit,
      branch: shortBranch(branch.ref),
      ...(ref === undefined ? {} : { ref }),
      repository: place,
      ancestry,
      ...(info === undefined ? {} : { info }),
      ...(azure === undefined ? {} : { azureRepository: azure }),
      warnings: order === undefined ? warnings : [...warnings, order],
    };
  } finally {
    await fetched?.dispose();
  }
}

interface Source {
  readonly options: VerifySourceOptions;
  readonly repository: Repository;
  readonly commit: string;
  readonly place: string;
  readonly azure?: RepositoryAddress;
  readonly access?: RemoteAccess;
}

interface ProtectedBranch {
  readonly ref: string;
  /** Undefined only when it was not needed (`allowUnmerged`). */
  readonly head?: string;
}

/** The protected branch and its head, from the remote, else from Azure Repos, and from the checkout only when it has no remote. */
async function protectedHead(source: Source, warnings: string[]): Promise<ProtectedBranch> {
  const { options, access, repository } = source;
  const { protectedBranch: input, agent } = options;
  if (options.allowUnmerged) {
    warnings.push(
      `allowUnmerged is set: commit ${source.commit.slice(0, 10)} is deployed without asking whether it was merged.`,
    );
    return { ref: input === undefined ? 'refs/heads/main' : protectedRef(input, undefined, true) };
  }
  if (access === undefined) {
    const ref = protectedRef(input, undefined, false);
    const head = await resolveCommit(repository, ref);
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
  const found = byRemote ?? (await attempt(reasons, () => headByRest(source)));
  if (found === undefined) {
    throw undecidableError(source.commit, input ?? 'that is the default', reasons);
  }
  if (found.head === undefined) throw noBranch(found.ref, source.place);
  return { ref: found.ref, head: found.head };
}

async function headByRest(source: Source): Promise<{ ref: string; head: string | undefined }> {
  const { azureRepos, protectedBranch } = source.options;
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
  source: Source,
  branch: ProtectedBranch,
  means: readonly AncestryMeans[],
  facts: HostFacts,
): Promise<AncestrySource> {
  if (branch.head === undefined) return 'none';
  const { answer, by, reasons } = await askAncestry(means, source.commit, branch.head);
  const name = shortBranch(branch.ref);
  if (answer === 'no') throw unmergedError(source.commit, name, source.place, facts.repository?.ref);
  if (answer === 'unknown') throw undecidableError(source.commit, name, reasons);
  return by;
}

/** Returns the warning of an allowed step back. */
async function checkOrder(source: Source, means: readonly AncestryMeans[]): Promise<string | undefined> {
  const { deployed, allowOlder, allowUnmerged, agent } = source.options;
  if (deployed === undefined) return undefined;
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

/** What is applied is what is checked out; a run that says otherwise is told so. */
function otherCommitWarning(facts: HostFacts, commit: string): string[] {
  const said = facts.repository?.version;
  if (said === undefined || !isCommitId(said) || said === commit) return [];
  return [
    `The run was started for commit ${said.slice(0, 10)}, but ${commit.slice(0, 10)} is checked out; the latter is deployed.`,
  ];
}

function azureAddress(agent: SourceAgent, url: string, facts: HostFacts): RepositoryAddress | undefined {
  const { collectionUrl, projectId, project } = agent.host;
  if (collectionUrl === undefined) return undefined;
  const named = azureRepository(url, collectionUrl);
  if (named === undefined) return undefined;
  const { id, provider } = facts.repository ?? {};
  // Ids survive a renaming; the run knows them for its own repository only, which may lie in another project.
  const inProject = named.project.toLowerCase() === project?.toLowerCase();
  return {
    project: inProject && projectId !== undefined ? projectId : named.project,
    repository: provider === 'TfsGit' && id !== undefined ? id : named.repository,
  };
}

async function remoteAccess(agent: SourceAgent, repository: Repository, url: string): Promise<RemoteAccess> {
  const { collectionUrl } = agent.host;
  const connection = agent.systemConnection();
  const token =
    connection !== undefined && collectionUrl !== undefined && tokenApplies(url, collectionUrl)
      ? connection.accessToken
      : undefined;
  const header = token === undefined ? await persistedHeader(repository, url) : undefined;
  return {
    url,
    ...(token === undefined ? {} : { token }),
    ...(header === undefined ? {} : { header }),
    network: agent.network,
    tempDirectory: agent.tempDirectory,
    signal: agent.cancelled,
    maskSecret: (value) => agent.maskSecret(value),
  };
}

function noBranch(ref: string, place: string): InputError {
  return new InputError({
    message: `The repository ${place} has no branch ${shortBranch(ref)}. Set the input protectedBranch to the branch whose commits may be deployed.`,
    input: 'protectedBranch',
  });
}

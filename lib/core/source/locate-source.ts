import { resolve } from 'node:path';
import { type GitOpsError, messageOf } from '../../errors.ts';
import type { RepositoryAddress } from '../../ports/azure-devops/azure-repos.ts';
import { isCommitId } from '../../ports/git/names.ts';
import type { RemoteAccess } from '../../ports/git/network-config.ts';
import { azureRepository, parseRemoteUrl, tokenApplies } from '../../ports/git/remote-url.ts';
import {
  headCommit,
  NotARepositoryError,
  openRepository,
  persistedHeader,
  type Repository,
  remoteOf,
} from '../../ports/git/repository.ts';
import { chooseRemote, isRefusal, refusePullRequest } from './decide.ts';
import { type HostFacts, hostFactsOf } from './host-repository.ts';
import type { SourceAgent, VerifySourceOptions } from './source.ts';
import { checkWorkingCopy } from './working-copy.ts';

/** What is to be deployed and where its history can be asked for. */
export interface LocatedSource {
  readonly commit: string;
  /** The checkout; undefined for the files of a build that a classic release downloaded. */
  readonly checkout?: Repository;
  /** The repository for people: its address without credentials, else its folder. */
  readonly place: string;
  readonly ref?: string;
  /** In Azure Repos of this collection. */
  readonly azure?: RepositoryAddress;
  /** The remote; undefined when there is none. */
  readonly access?: RemoteAccess;
  /** Whether to ask at all if it was merged: not with `allowUnmerged`, nor for a pull request that is only reported. */
  readonly askMerged: boolean;
  readonly warnings: string[];
}

/** Finds the commit to deploy, refuses pull requests and changed files, and chooses the remote that decides. Throws InputError. */
export async function locateSource(options: VerifySourceOptions): Promise<LocatedSource> {
  const { agent } = options;
  let checkout: Repository;
  try {
    checkout = await openRepository(options.repositoryFolder, agent.cancelled);
  } catch (error) {
    if (!(error instanceof NotARepositoryError)) throw error;
    return locateArtifact(options, error);
  }
  return await locateCheckout(options, checkout);
}

async function locateCheckout(options: VerifySourceOptions, checkout: Repository): Promise<LocatedSource> {
  const { agent, allowUnmerged } = options;
  const warnings: string[] = [];
  const commit = await headCommit(checkout);
  const origin = await remoteOf(checkout);
  const facts = await hostFactsOf(agent.host, checkout.folder, origin?.url);
  const ofRun = facts.repository !== undefined && facts.repository === agent.host.repository;
  const askMerged = ofRun ? await mayBeMerged(options, warnings) : !allowUnmerged;
  const paths = options.paths.map((path) => resolve(agent.workingDirectory, path));
  const changes = () => checkWorkingCopy(checkout, paths, allowUnmerged, agent.cancelled);
  warnings.push(...(await orReport(options, warnings, changes, [])));
  warnings.push(...otherCommitWarning(facts, commit));
  const remote = chooseRemote(origin?.url, facts.repository?.url, facts.ownCheckout);
  const ref = facts.repository?.ref;
  const known = { commit, checkout, askMerged, ...(ref === undefined ? {} : { ref }), warnings };
  if (remote.kind === 'none') return { ...known, place: checkout.folder };
  const azure = azureAddress(agent, remote.url, facts);
  return {
    ...known,
    place: parseRemoteUrl(remote.url).display,
    ...(azure === undefined ? {} : { azure }),
    access: await remoteAccess(agent, remote.url, checkout),
  };
}

/**
 * A classic release can deploy the files of a build instead of a clone. The release says from which commit the build was made, and that
 * commit can be asked for; that its files came out of the build unchanged is the build's word.
 */
async function locateArtifact(options: VerifySourceOptions, notARepository: GitOpsError): Promise<LocatedSource> {
  const { agent } = options;
  const { repository, type } = agent.host;
  const commit = repository?.version?.toLowerCase();
  if (type !== 'release' || repository === undefined || repository.localPath !== undefined) throw notARepository;
  if (commit === undefined || !isCommitId(commit) || repository.url === undefined) throw notARepository;
  const warnings: string[] = [];
  const askMerged = await mayBeMerged(options, warnings);
  const azure = azureAddress(agent, repository.url, { repository, ownCheckout: false });
  return {
    commit,
    place: parseRemoteUrl(repository.url).display,
    ...(repository.ref === undefined ? {} : { ref: repository.ref }),
    ...(azure === undefined ? {} : { azure }),
    access: await remoteAccess(agent, repository.url),
    askMerged,
    warnings: [
      ...warnings,
      `The manifests come from the artifact ${repository.artifactAlias ?? ''}, which is no clone: the commit ${commit.slice(0, 10)} that it was built from is checked, its files are taken as the build made them.`,
    ],
  };
}

/** Refuses a pull request; answers whether it has to be asked if the commit was merged. */
async function mayBeMerged(options: VerifySourceOptions, warnings: string[]): Promise<boolean> {
  if (options.allowUnmerged) return false;
  const refused = () => {
    refusePullRequest(options.agent.host);
    return true;
  };
  return await orReport(options, warnings, refused, false);
}

/** Runs one check; where refusals are only reported, its refusal becomes a warning and `otherwise` the result. */
export async function orReport<T>(
  options: Pick<VerifySourceOptions, 'reportOnly'>,
  warnings: string[],
  check: () => T | Promise<T>,
  otherwise: T,
): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (options.reportOnly !== true || !isRefusal(error)) throw error;
    warnings.push(`A sync would be refused: ${messageOf(error)}`);
    return otherwise;
  }
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

/** How the run reaches a remote: by its own token where that applies, else by what the checkout kept. */
export async function remoteAccess(agent: SourceAgent, url: string, checkout?: Repository): Promise<RemoteAccess> {
  const { collectionUrl } = agent.host;
  const connection = agent.systemConnection();
  const token =
    connection !== undefined && collectionUrl !== undefined && tokenApplies(url, collectionUrl)
      ? connection.accessToken
      : undefined;
  const kept = token === undefined && checkout !== undefined ? await persistedHeader(checkout, url) : undefined;
  return {
    url,
    ...(token === undefined ? {} : { token }),
    ...(kept === undefined ? {} : { header: kept }),
    network: agent.network,
    tempDirectory: agent.tempDirectory,
    signal: agent.cancelled,
    maskSecret: (value) => agent.maskSecret(value),
  };
}

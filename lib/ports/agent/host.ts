import { posix, win32 } from 'node:path';
import type { Host, HostRepository } from './agent.ts';
import type { Variables } from './variables.ts';

/**
 * The one place that tells a build (also: a YAML pipeline) from a classic release. A release has no checkout but artifacts, says who, what
 * and where in variables of its own, and copies `Build.*` from its primary artifact: there they are not this run.
 */
export function readHost(variables: Variables): Host {
  return isRelease(variables) ? readRelease(variables) : readBuild(variables);
}

function isRelease(variables: Variables): boolean {
  const type = variables.get('System.HostType')?.toLowerCase();
  if (type === undefined) return variables.get('Release.ReleaseId') !== undefined;
  return type === 'release' || type === 'deployment';
}

function readBuild(variables: Variables): Host {
  const { get } = variables;
  const collectionUrl = readCollectionUrl(variables);
  const project = get('System.TeamProject');
  const runId = get('Build.BuildId');
  return defined<Host>({
    type: 'build',
    collectionUrl,
    project,
    projectId: get('System.TeamProjectId'),
    requestedFor: get('Build.RequestedFor'),
    runUrl: pageUrl(collectionUrl, project, '_build/results', { buildId: runId }),
    runId,
    runName: get('Build.BuildNumber'),
    pipelineName: get('Build.DefinitionName'),
    stageName: get('System.StageName'),
    attempt: get('System.StageAttempt') ?? get('System.JobAttempt'),
    pullRequestId: readPullRequestId(variables),
    repository: readBuildRepository(variables),
  });
}

function readRelease(variables: Variables): Host {
  const { get } = variables;
  const collectionUrl = readCollectionUrl(variables);
  const project = get('System.TeamProject');
  const runId = get('Release.ReleaseId');
  const sourceArtifacts = readSourceArtifacts(variables);
  return defined<Host>({
    type: 'release',
    collectionUrl,
    project,
    projectId: get('System.TeamProjectId'),
    // The deployment of a stage may be asked for by somebody else than the release.
    requestedFor: get('Release.Deployment.RequestedFor') ?? get('Release.RequestedFor'),
    runUrl: get('Release.ReleaseWebURL') ?? pageUrl(collectionUrl, project, '_releaseProgress', { releaseId: runId }),
    runId,
    runName: get('Release.ReleaseName'),
    pipelineName: get('Release.DefinitionName'),
    stageName: get('Release.EnvironmentName'),
    attempt: get('Release.AttemptNumber'),
    repository: chooseRepository(variables, sourceArtifacts),
    sourceArtifacts,
  });
}

/**
 * `System.CollectionUri`, else its older name. Never `System.TeamFoundationServerUri`: in a release that is the host of Release Management,
 * which knows nothing of Git or builds.
 */
function readCollectionUrl({ get }: Variables): string | undefined {
  const url = get('System.CollectionUri') ?? get('System.TeamFoundationCollectionUri');
  return url === undefined ? undefined : `${url.replace(/\/+$/, '')}/`;
}

function pageUrl(
  collectionUrl: string | undefined,
  project: string | undefined,
  page: string,
  query: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const [name, id] = Object.entries(query)[0] ?? [];
  if (collectionUrl === undefined || project === undefined || name === undefined || id === undefined) return undefined;
  return `${collectionUrl}${encodeURIComponent(project)}/${page}?${name}=${encodeURIComponent(id)}`;
}

/** GitHub pull requests have a number that people know and an id that only Azure DevOps knows. */
function readPullRequestId({ get }: Variables): string | undefined {
  const told = get('System.PullRequest.PullRequestNumber') ?? get('System.PullRequest.PullRequestId');
  return told ?? /^refs\/pull\/(\d+)\//.exec(get('Build.SourceBranch') ?? '')?.[1];
}

function readBuildRepository({ get }: Variables): HostRepository | undefined {
  const provider = get('Build.Repository.Provider');
  return whole({
    provider,
    id: get('Build.Repository.ID'),
    name: get('Build.Repository.Name'),
    url: withoutPassword(get('Build.Repository.Uri')),
    version: versionOf(provider, get('Build.SourceVersion')),
    ref: get('Build.SourceBranch'),
    localPath: get('Build.Repository.LocalPath') ?? get('Build.SourcesDirectory'),
  });
}

/** The types of artifact that are a repository, and how `Build.Repository.Provider` calls the same. */
const SOURCE_PROVIDERS: Readonly<Record<string, string>> = {
  git: 'TfsGit',
  tfsgit: 'TfsGit',
  github: 'GitHub',
  githubenterprise: 'GitHubEnterprise',
  bitbucket: 'Bitbucket',
  externalgit: 'Git',
  tfvc: 'TfsVersionControl',
  tfsversioncontrol: 'TfsVersionControl',
};

/** Every artifact of a classic release that is a repository, the primary one first. The agent clones each into a folder named by its alias. */
function readSourceArtifacts(variables: Variables): HostRepository[] {
  const primary = variables.get('Release.PrimaryArtifactSourceAlias');
  const aliases = new Set(primary === undefined ? [] : [primary]);
  for (const name of variables.names()) {
    // An alias may itself hold dots.
    const alias = /^release\.artifacts\.(.+)\.type$/i.exec(name)?.[1];
    if (alias !== undefined) aliases.add(alias);
  }
  return [...aliases].flatMap((alias) => {
    const repository = readSourceArtifact(variables, alias);
    return repository === undefined ? [] : [repository];
  });
}

function readSourceArtifact(variables: Variables, alias: string): HostRepository | undefined {
  const get = (name: string): string | undefined => variables.get(`Release.Artifacts.${alias}.${name}`);
  const provider = SOURCE_PROVIDERS[get('Type')?.toLowerCase() ?? ''];
  if (!provider) return undefined;
  const directory = variables.get('System.ArtifactsDirectory') ?? variables.get('System.DefaultWorkingDirectory');
  return defined<HostRepository>({
    provider,
    id: get('Repository.Id') ?? get('DefinitionId'),
    name: get('Repository.Name') ?? get('DefinitionName'),
    // A Git artifact's "build" is a commit.
    version: versionOf(provider, get('SourceVersion')) ?? exactVersionOf(provider, get('BuildNumber')),
    ref: get('SourceBranch'),
    localPath: directory === undefined ? undefined : join(directory, alias),
    artifactAlias: alias,
  });
}

/**
 * The repository of a release: the primary artifact if it is one, else the only artifact that is one, else what the primary artifact was
 * built from, of which the agent has no clone. With several to choose from, none is guessed.
 */
function chooseRepository(variables: Variables, artifacts: readonly HostRepository[]): HostRepository | undefined {
  const primaryAlias = variables.get('Release.PrimaryArtifactSourceAlias');
  const primary = artifacts.find(({ artifactAlias }) => artifactAlias === primaryAlias);
  if (primary !== undefined) return withBuildCopies(variables, primary);
  if (artifacts.length > 0) return artifacts.length === 1 ? artifacts[0] : undefined;
  const { localPath: _noClone, ...copied } = readBuildRepository(variables) ?? {};
  return whole({ ...copied, artifactAlias: primaryAlias });
}

/** `Build.*` of a release belongs to its primary artifact; it may know what the artifact's own variables do not tell. */
function withBuildCopies(variables: Variables, primary: HostRepository): HostRepository {
  const { localPath: _noCheckout, ...copied } = readBuildRepository(variables) ?? {};
  return { ...copied, ...primary };
}

/** Commit ids and changesets as they are; TFVC's changesets without the letter that Azure DevOps puts before some. */
function versionOf(provider: string | undefined, version: string | undefined): string | undefined {
  return provider === 'TfsVersionControl' ? version?.replace(/^C(?=\d+$)/i, '') : version;
}

/** A build number counts as a version only when it can be nothing else. */
function exactVersionOf(provider: string, text: string | undefined): string | undefined {
  const version = versionOf(provider, text);
  const exact = provider === 'TfsVersionControl' ? /^\d+$/ : /^([0-9a-f]{40}|[0-9a-f]{64})$/i;
  return version !== undefined && exact.test(version) ? version : undefined;
}

function withoutPassword(text: string | undefined): string | undefined {
  return text?.replace(/^([a-z]+:\/\/[^/:@]*):[^/@]*@/i, '$1@');
}

/** The separator of the machine whose path it is: variables can be looked at on another one, as tests do. */
function join(directory: string, name: string): string {
  return (/^[a-z]:[\\/]|^\\\\/i.test(directory) ? win32 : posix).join(directory, name);
}

type Possibly<T> = { readonly [K in keyof T]: T[K] | undefined };

function defined<T extends object>(values: Possibly<T>): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

/** Undefined rather than an object that says nothing. */
function whole(values: Possibly<HostRepository>): HostRepository | undefined {
  const repository = defined<HostRepository>(values);
  const { localPath: _where, artifactAlias: _alias, ...told } = repository;
  return Object.keys(told).length === 0 ? undefined : repository;
}

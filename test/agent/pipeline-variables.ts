import path from 'node:path';
import type { GitCheckout } from './git-checkout.ts';

/** What builds and releases have in common. Every field has a realistic default. */
export interface PipelineOptions {
  /** `https://dev.azure.com/organization/`, with a slash at the end. */
  readonly collectionUrl: string;
  readonly project?: string;
  readonly projectId?: string;
  /** Agent.BuildDirectory or Agent.ReleaseDirectory, e.g. `/agent/_work/1`. */
  readonly jobDirectory: string;
  readonly requestedFor?: string;
  readonly definitionName?: string;
  readonly stageName?: string;
}

export interface BuildOptions extends PipelineOptions {
  /** Where the repository was checked out. */
  readonly sourcesDirectory: string;
  readonly checkout?: GitCheckout;
  /** `TfsGit` for Azure Repos, `GitHub`, or `Git` for any other server. */
  readonly provider?: string;
  readonly repositoryId?: string;
  readonly buildId?: number;
  readonly pullRequest?: {
    readonly id: number;
    readonly sourceBranch: string;
    readonly targetBranch: string;
    readonly sourceCommitId?: string;
  };
}

/** The variables of a YAML pipeline's job that checked out one repository. Public ones only. */
export function buildVariables(options: BuildOptions): Record<string, string> {
  const { checkout, pullRequest } = options;
  const buildId = String(options.buildId ?? 1234);
  const definition = options.definitionName ?? 'deploy';
  const requestedFor = options.requestedFor ?? 'Ada Lovelace';
  const name = checkout?.name ?? 'config';
  const project = options.project ?? 'shop';
  const branch =
    pullRequest === undefined ? (checkout?.branch ?? 'refs/heads/main') : `refs/pull/${pullRequest.id}/merge`;
  return {
    ...commonVariables(options),
    'System.HostType': 'build',
    'System.DefaultWorkingDirectory': options.sourcesDirectory,
    'System.ArtifactsDirectory': path.join(options.jobDirectory, 'a'),
    'System.TeamFoundationServerUri': options.collectionUrl,
    'System.StageName': options.stageName ?? 'production',
    'System.StageDisplayName': options.stageName ?? 'production',
    'System.StageAttempt': '1',
    'System.PhaseName': 'deploy',
    'System.PhaseDisplayName': 'deploy',
    'System.PhaseAttempt': '1',
    'System.OidcRequestUri': `${options.collectionUrl}${projectIdOf(options)}/_apis/distributedtask/hubs/build/plans/${planId}/jobs/${jobId}/oidctoken`,
    'Agent.BuildDirectory': options.jobDirectory,
    'Pipeline.Workspace': options.jobDirectory,
    'Build.BuildId': buildId,
    'Build.BuildNumber': '20260115.1',
    'Build.BuildUri': `vstfs:///Build/Build/${buildId}`,
    'Build.ContainerId': '4321',
    'Build.DefinitionName': definition,
    'Build.DefinitionVersion': '3',
    'Build.Reason': pullRequest === undefined ? 'IndividualCI' : 'PullRequest',
    'Build.QueuedBy': 'Microsoft.VisualStudio.Services.TFS',
    'Build.QueuedById': '00000002-0000-8888-8000-000000000000',
    'Build.RequestedFor': requestedFor,
    'Build.RequestedForEmail': `${requestedFor.toLowerCase().replaceAll(' ', '.')}@example.com`,
    'Build.RequestedForId': requestedForId,
    'Build.ArtifactStagingDirectory': path.join(options.jobDirectory, 'a'),
    'Build.StagingDirectory': path.join(options.jobDirectory, 'a'),
    'Build.BinariesDirectory': path.join(options.jobDirectory, 'b'),
    'Build.SourcesDirectory': options.sourcesDirectory,
    'Common.TestResultsDirectory': path.join(options.jobDirectory, 'TestResults'),
    'Build.SourceBranch': branch,
    'Build.SourceBranchName': branch.split('/').at(-1) ?? branch,
    'Build.SourceVersion': checkout?.commit ?? unknownCommit,
    'Build.SourceVersionMessage': checkout?.message ?? 'Update the configuration',
    'Build.SourceVersionAuthor': checkout?.author ?? requestedFor,
    'Build.Repository.ID': options.repositoryId ?? repositoryId,
    'Build.Repository.Name': name,
    'Build.Repository.Provider': options.provider ?? 'TfsGit',
    'Build.Repository.Uri': checkout?.remoteUrl ?? `${options.collectionUrl}${project}/_git/${name}`,
    'Build.Repository.LocalPath': options.sourcesDirectory,
    'Build.Repository.Clean': 'False',
    'Build.Repository.Git.SubmoduleCheckout': 'False',
    ...(pullRequest === undefined
      ? {}
      : {
          'System.PullRequest.PullRequestId': String(pullRequest.id),
          'System.PullRequest.SourceBranch': pullRequest.sourceBranch,
          'System.PullRequest.TargetBranch': pullRequest.targetBranch,
          'System.PullRequest.TargetBranchName': pullRequest.targetBranch.replace('refs/heads/', ''),
          'System.PullRequest.SourceCommitId': pullRequest.sourceCommitId ?? unknownCommit,
          'System.PullRequest.IsFork': 'False',
        }),
  };
}

export interface ReleaseArtifact {
  readonly alias: string;
  /** `Git` for an Azure Repos repository, `GitHub`, `Build`, ... */
  readonly type?: string;
  readonly checkout?: GitCheckout;
  /** For an artifact of a build: its id and number. */
  readonly build?: { readonly id: number; readonly number: string };
}

export interface ReleaseOptions extends PipelineOptions {
  /** System.ArtifactsDirectory, which is also the working directory; each artifact lies in the folder of its alias. */
  readonly artifactsDirectory: string;
  /** The first one is the primary artifact. */
  readonly artifacts?: readonly ReleaseArtifact[];
  readonly releaseId?: number;
}

/**
 * The variables of a classic release's job: nothing is checked out, `Build.*` is copied from the primary artifact, and
 * System.TeamFoundationServerUri is the release management host, not the collection's.
 */
export function releaseVariables(options: ReleaseOptions): Record<string, string> {
  const releaseId = String(options.releaseId ?? 77);
  const requestedFor = options.requestedFor ?? 'Ada Lovelace';
  const definition = options.definitionName ?? 'deploy';
  const stage = options.stageName ?? 'production';
  const project = options.project ?? 'shop';
  const [primary] = options.artifacts ?? [];
  return {
    ...commonVariables(options),
    'System.HostType': 'release',
    'System.DefaultWorkingDirectory': options.artifactsDirectory,
    'System.ArtifactsDirectory': options.artifactsDirectory,
    'System.TeamFoundationServerUri': releaseManagementUrl(options.collectionUrl),
    'Agent.ReleaseDirectory': options.artifactsDirectory,
    'Release.ReleaseId': releaseId,
    'Release.ReleaseName': `Release-${releaseId}`,
    'Release.ReleaseDescription': '',
    'Release.ReleaseUri': `vstfs:///ReleaseManagement/Release/${releaseId}`,
    'Release.ReleaseWebURL': `${options.collectionUrl}${project}/_releaseProgress?releaseId=${releaseId}&_a=release-pipeline-progress`,
    'Release.DefinitionId': '5',
    'Release.DefinitionName': definition,
    'Release.DefinitionEnvironmentId': '9',
    'Release.EnvironmentId': '88',
    'Release.EnvironmentName': stage,
    'Release.EnvironmentUri': 'vstfs:///ReleaseManagement/Environment/88',
    [`Release.Environments.${stage}.Status`]: 'InProgress',
    'Release.AttemptNumber': '1',
    'Release.DeploymentId': '99',
    'Release.Deployment.RequestedFor': requestedFor,
    'Release.Deployment.RequestedForId': requestedForId,
    'Release.Reason': 'ContinuousIntegration',
    'Release.RequestedFor': requestedFor,
    'Release.RequestedForEmail': `${requestedFor.toLowerCase().replaceAll(' ', '.')}@example.com`,
    'Release.RequestedForId': requestedForId,
    'Release.SkipArtifactsDownload': 'False',
    ...(primary === undefined
      ? {}
      : { 'Release.PrimaryArtifactSourceAlias': primary.alias, ...primaryBuild(primary, options) }),
    ...Object.assign({}, ...(options.artifacts ?? []).map((artifact) => artifactVariables(artifact, options))),
  };
}

const planId = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const jobId = '12f1170f-54f2-53f3-20dd-22fc7dff55f9';
const requestedForId = 'c0ffee00-1234-4abc-9def-0123456789ab';
const repositoryId = '0a1b2c3d-4e5f-4678-9abc-def012345678';
const collectionId = 'a1b2c3d4-0000-4000-8000-00000000c011';
const unknownCommit = '0123456789abcdef0123456789abcdef01234567';

function projectIdOf(options: PipelineOptions): string {
  return options.projectId ?? '1b4e28ba-2fa1-41d2-883f-0016d3cca427';
}

function commonVariables(options: PipelineOptions): Record<string, string> {
  return {
    'System.CollectionUri': options.collectionUrl,
    'System.TeamFoundationCollectionUri': options.collectionUrl,
    'System.CollectionId': collectionId,
    'System.TeamProject': options.project ?? 'shop',
    'System.TeamProjectId': projectIdOf(options),
    'System.DefinitionId': '12',
    'System.DefinitionName': options.definitionName ?? 'deploy',
    'System.PlanId': planId,
    'System.TimelineId': planId,
    'System.JobId': jobId,
    'System.JobName': 'deploy',
    'System.JobDisplayName': 'deploy',
    'System.JobAttempt': '1',
    'System.Culture': 'en-US',
    'System.ServerType': 'Hosted',
    'System.EnableAccessToken': 'SecretVariable',
  };
}

/** `https://dev.azure.com/org/` has its release management at `https://vsrm.dev.azure.com/org/`. */
function releaseManagementUrl(collectionUrl: string): string {
  const url = new URL(collectionUrl);
  if (url.hostname === 'dev.azure.com') url.hostname = 'vsrm.dev.azure.com';
  else url.pathname = `${url.pathname.replace(/\/$/, '')}/_releasemanagement/`;
  return url.href;
}

/** A Git artifact has a commit for its version; a build's artifact has the build's number, and the commit it was built from. */
function artifactVariables(artifact: ReleaseArtifact, options: ReleaseOptions): Record<string, string> {
  const prefix = `Release.Artifacts.${artifact.alias}`;
  const { checkout, build } = artifact;
  const type = artifact.type ?? (build === undefined ? 'Git' : 'Build');
  const branch = checkout?.branch ?? 'refs/heads/main';
  const commit = checkout?.commit ?? unknownCommit;
  const name = checkout?.name ?? artifact.alias;
  return {
    [`${prefix}.Type`]: type,
    [`${prefix}.DefinitionId`]: build === undefined ? repositoryId : '12',
    [`${prefix}.DefinitionName`]: build === undefined ? name : 'build',
    [`${prefix}.BuildId`]: build === undefined ? '' : String(build.id),
    [`${prefix}.BuildNumber`]: build === undefined ? commit : build.number,
    [`${prefix}.BuildURI`]: build === undefined ? '' : `vstfs:///Build/Build/${build.id}`,
    [`${prefix}.SourceBranch`]: branch,
    [`${prefix}.SourceBranchName`]: branch.split('/').at(-1) ?? branch,
    [`${prefix}.SourceVersion`]: commit,
    [`${prefix}.Repository.Id`]: repositoryId,
    [`${prefix}.Repository.Name`]: name,
    [`${prefix}.Repository.Provider`]: 'TfsGit',
    [`${prefix}.RequestedFor`]: options.requestedFor ?? 'Ada Lovelace',
    [`${prefix}.RequestedForID`]: requestedForId,
    [`${prefix}.ProjectId`]: projectIdOf(options),
    [`${prefix}.ProjectName`]: options.project ?? 'shop',
  };
}

/** `Build.*` of a release: of the primary artifact. A Git artifact has no build, so only what it knows is there. */
function primaryBuild(artifact: ReleaseArtifact, options: ReleaseOptions): Record<string, string> {
  const variables = artifactVariables(artifact, options);
  const of = (name: string): string => variables[`Release.Artifacts.${artifact.alias}.${name}`] ?? '';
  return {
    'Build.DefinitionName': of('DefinitionName'),
    'Build.DefinitionId': of('DefinitionId'),
    'Build.BuildNumber': of('BuildNumber'),
    'Build.SourceBranch': of('SourceBranch'),
    'Build.SourceBranchName': of('SourceBranchName'),
    'Build.SourceVersion': of('SourceVersion'),
    'Build.Repository.Id': of('Repository.Id'),
    'Build.Repository.Name': of('Repository.Name'),
    'Build.Repository.Provider': of('Repository.Provider'),
    'Build.ProjectID': of('ProjectId'),
    'Build.ProjectName': of('ProjectName'),
    'Build.Type': of('Type'),
    ...(artifact.build === undefined ? {} : { 'Build.BuildId': of('BuildId'), 'Build.BuildUri': of('BuildURI') }),
    'Build.RequestedFor': of('RequestedFor'),
    'Build.RequestedForID': of('RequestedForID'),
  };
}

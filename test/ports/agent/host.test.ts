import assert from 'node:assert/strict';
import { readHost } from '../../../lib/ports/agent/host.ts';
import { variablesOf } from '../../../lib/ports/agent/variables.ts';

const build = {
  'System.HostType': 'build',
  'System.CollectionUri': 'https://dev.azure.com/contoso/',
  'System.TeamFoundationCollectionUri': 'https://dev.azure.com/contoso/',
  'System.TeamProject': 'Web Shop',
  'System.TeamProjectId': '0f5f',
  'System.StageName': 'deploy',
  'System.StageAttempt': '2',
  'Build.BuildId': '4711',
  'Build.BuildNumber': '20261123.4',
  'Build.DefinitionName': 'shop-ci',
  'Build.RequestedFor': 'Ada Lovelace',
  'Build.Repository.Provider': 'TfsGit',
  'Build.Repository.ID': 'b1c2',
  'Build.Repository.Name': 'shop',
  'Build.Repository.Uri': 'https://contoso@dev.azure.com/contoso/Web%20Shop/_git/shop',
  'Build.Repository.LocalPath': '/agent/_work/1/s',
  'Build.SourceVersion': 'a'.repeat(40),
  'Build.SourceBranch': 'refs/heads/main',
};

const release = {
  'System.HostType': 'release',
  'System.CollectionUri': 'https://dev.azure.com/contoso',
  'System.TeamFoundationServerUri': 'https://vsrm.dev.azure.com/contoso/',
  'System.TeamProject': 'Web Shop',
  'System.TeamProjectId': '0f5f',
  'System.ArtifactsDirectory': '/agent/_work/r1/a',
  'System.DefaultWorkingDirectory': '/agent/_work/r1/a',
  'Release.ReleaseId': '12',
  'Release.ReleaseName': 'Release-12',
  'Release.ReleaseWebURL': 'https://dev.azure.com/contoso/0f5f/_release?releaseId=12&_a=release-summary',
  'Release.DefinitionName': 'shop-cd',
  'Release.EnvironmentName': 'Production',
  'Release.AttemptNumber': '3',
  'Release.RequestedFor': 'Ada Lovelace',
};

const gitArtifact = (alias: string) => ({
  [`Release.Artifacts.${alias}.Type`]: 'Git',
  [`Release.Artifacts.${alias}.DefinitionId`]: `${alias}-id`,
  [`Release.Artifacts.${alias}.DefinitionName`]: `${alias}-name`,
  [`Release.Artifacts.${alias}.SourceVersion`]: 'c'.repeat(40),
  [`Release.Artifacts.${alias}.SourceBranch`]: 'refs/heads/main',
});

describe('the host of a run', () => {
  it('tells a build by its own variables', () => {
    assert.deepEqual(readHost(variablesOf(build)), {
      type: 'build',
      collectionUrl: 'https://dev.azure.com/contoso/',
      project: 'Web Shop',
      projectId: '0f5f',
      requestedFor: 'Ada Lovelace',
      runUrl: 'https://dev.azure.com/contoso/Web%20Shop/_build/results?buildId=4711',
      runId: '4711',
      runName: '20261123.4',
      pipelineName: 'shop-ci',
      stageName: 'deploy',
      attempt: '2',
      repository: {
        provider: 'TfsGit',
        id: 'b1c2',
        name: 'shop',
        url: 'https://contoso@dev.azure.com/contoso/Web%20Shop/_git/shop',
        version: 'a'.repeat(40),
        ref: 'refs/heads/main',
        localPath: '/agent/_work/1/s',
      },
    });
  });

  it('tells a classic release by its own variables, not by those of a build', () => {
    const { repository, sourceArtifacts, ...host } = readHost(
      variablesOf({ ...release, 'Build.BuildId': '4711', 'Build.RequestedFor': 'Somebody Else' }),
    );
    assert.deepEqual(host, {
      type: 'release',
      collectionUrl: 'https://dev.azure.com/contoso/',
      project: 'Web Shop',
      projectId: '0f5f',
      requestedFor: 'Ada Lovelace',
      runUrl: 'https://dev.azure.com/contoso/0f5f/_release?releaseId=12&_a=release-summary',
      runId: '12',
      runName: 'Release-12',
      pipelineName: 'shop-cd',
      stageName: 'Production',
      attempt: '3',
    });
    assert.deepEqual(sourceArtifacts, []);
    assert.equal(repository, undefined);
  });

  it('takes the host type "deployment" for a release, and guesses by the release id when there is none', () => {
    assert.equal(readHost(variablesOf({ ...release, 'System.HostType': 'deployment' })).type, 'release');
    assert.equal(readHost(variablesOf({ 'Release.ReleaseId': '1' })).type, 'release');
    assert.equal(readHost(variablesOf({})).type, 'build');
  });

  it('uses the older name of the collection, and never the address of Release Management', () => {
    const { 'System.CollectionUri': _none, ...older } = release;
    assert.equal(readHost(variablesOf(older)).collectionUrl, undefined);
    const url = 'https://tfs.example/DefaultCollection';
    assert.equal(
      readHost(variablesOf({ ...older, 'System.TeamFoundationCollectionUri': url })).collectionUrl,
      `${url}/`,
    );
  });

  it('makes the address of a release from its id when Azure DevOps does not tell it', () => {
    const { 'Release.ReleaseWebURL': _none, ...untold } = release;
    assert.equal(
      readHost(variablesOf(untold)).runUrl,
      'https://dev.azure.com/contoso/Web%20Shop/_releaseProgress?releaseId=12',
    );
  });

  it('names who asked for the deployment of a stage rather than for the release', () => {
    const host = readHost(variablesOf({ ...release, 'Release.Deployment.RequestedFor': 'Grace Hopper' }));
    assert.equal(host.requestedFor, 'Grace Hopper');
  });

  it('names a pull request: the number that people know, the id, or what the ref says', () => {
    const id = (more: object) => readHost(variablesOf({ ...build, ...more })).pullRequestId;
    assert.equal(id({ 'System.PullRequest.PullRequestId': '99' }), '99');
    assert.equal(id({ 'System.PullRequest.PullRequestId': '9912', 'System.PullRequest.PullRequestNumber': '7' }), '7');
    assert.equal(id({ 'Build.SourceBranch': 'refs/pull/42/merge' }), '42');
    assert.equal(id({}), undefined);
    assert.equal(
      readHost(variablesOf({ ...release, 'System.PullRequest.PullRequestId': '99' })).pullRequestId,
      undefined,
    );
  });

  it('hides a password in the address of a repository', () => {
    const host = readHost(variablesOf({ ...build, 'Build.Repository.Uri': 'https://me:s3cret@git.example/r.git' }));
    assert.equal(host.repository?.url, 'https://me@git.example/r.git');
  });

  it('gives a TFVC changeset as its number', () => {
    const tfvc = { ...build, 'Build.Repository.Provider': 'TfsVersionControl', 'Build.SourceVersion': 'C1234' };
    assert.equal(readHost(variablesOf(tfvc)).repository?.version, '1234');
  });
});

describe('the repository of a classic release', () => {
  it('is the primary artifact when that is one, cloned into a folder named by its alias', () => {
    const host = readHost(
      variablesOf({
        ...release,
        'Release.PrimaryArtifactSourceAlias': '_shop',
        ...gitArtifact('_other'),
        ...gitArtifact('_shop'),
        'Build.Repository.Uri': 'https://dev.azure.com/contoso/Web%20Shop/_git/shop',
      }),
    );
    assert.deepEqual(host.repository, {
      provider: 'TfsGit',
      id: '_shop-id',
      name: '_shop-name',
      url: 'https://dev.azure.com/contoso/Web%20Shop/_git/shop',
      version: 'c'.repeat(40),
      ref: 'refs/heads/main',
      localPath: '/agent/_work/r1/a/_shop',
      artifactAlias: '_shop',
    });
    assert.deepEqual(
      host.sourceArtifacts?.map(({ artifactAlias }) => artifactAlias),
      ['_shop', '_other'],
    );
  });

  it('has no path when the release tells no folder of artifacts, whatever a build says of its own', () => {
    const { 'System.ArtifactsDirectory': _a, 'System.DefaultWorkingDirectory': _b, ...nowhere } = release;
    const primary = { 'Release.PrimaryArtifactSourceAlias': '_shop', ...gitArtifact('_shop') };
    const host = readHost(
      variablesOf({ ...nowhere, ...primary, 'Build.Repository.Name': 'r', 'Build.SourcesDirectory': '/s' }),
    );
    assert.equal(host.repository?.artifactAlias, '_shop');
    assert.equal(host.repository?.localPath, undefined);
  });

  it('is the only artifact that is one when the primary is a build, and owes nothing to that build', () => {
    const host = readHost(
      variablesOf({
        ...release,
        'Release.PrimaryArtifactSourceAlias': '_ci',
        'Release.Artifacts._ci.Type': 'Build',
        ...gitArtifact('manifests'),
        'Build.SourceVersion': 'd'.repeat(40),
        'Build.Repository.Uri': 'https://dev.azure.com/contoso/app/_git/app',
      }),
    );
    assert.equal(host.repository?.artifactAlias, 'manifests');
    assert.equal(host.repository?.version, 'c'.repeat(40));
    assert.equal(host.repository?.url, undefined);
  });

  it('is not guessed when several artifacts are one and none is primary', () => {
    const host = readHost(variablesOf({ ...release, ...gitArtifact('a'), ...gitArtifact('b') }));
    assert.equal(host.repository, undefined);
    assert.equal(host.sourceArtifacts?.length, 2);
  });

  it('is what the primary build was made from when no artifact is one; the agent has no clone of it', () => {
    const host = readHost(
      variablesOf({
        ...release,
        'Release.PrimaryArtifactSourceAlias': '_ci',
        'Release.Artifacts._ci.Type': 'Build',
        'Build.Repository.Provider': 'TfsGit',
        'Build.Repository.Name': 'shop',
        'Build.SourceVersion': 'd'.repeat(40),
        'Build.SourcesDirectory': '/agent/_work/r1/s',
      }),
    );
    assert.deepEqual(host.repository, {
      provider: 'TfsGit',
      name: 'shop',
      version: 'd'.repeat(40),
      artifactAlias: '_ci',
    });
  });

  it('has the commit from BuildNumber when only that tells it, and no version when that could be anything', () => {
    const version = (number: string) => {
      const artifact = {
        ...gitArtifact('r'),
        'Release.Artifacts.r.SourceVersion': '',
        'Release.Artifacts.r.BuildNumber': number,
      };
      return readHost(variablesOf({ ...release, 'Release.PrimaryArtifactSourceAlias': 'r', ...artifact })).repository
        ?.version;
    };
    assert.equal(version('e'.repeat(40)), 'e'.repeat(40));
    assert.equal(version('20261123.1'), undefined);
    assert.equal(version('eeeeeee'), undefined);
  });

  it('is found under an alias with dots, and on Windows', () => {
    const host = readHost(
      variablesOf({ ...release, 'System.ArtifactsDirectory': 'D:\\a\\r1\\a', ...gitArtifact('my.shop.type') }),
    );
    assert.equal(host.repository?.localPath, 'D:\\a\\r1\\a\\my.shop.type');
  });

  it('can be TFVC or GitHub', () => {
    const provider = (type: string) =>
      readHost(variablesOf({ ...release, ...gitArtifact('r'), 'Release.Artifacts.r.Type': type })).repository?.provider;
    assert.equal(provider('TFVC'), 'TfsVersionControl');
    assert.equal(provider('GitHub'), 'GitHub');
    assert.equal(provider('Jenkins'), undefined);
  });
});

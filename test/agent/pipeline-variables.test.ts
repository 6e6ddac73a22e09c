import assert from 'node:assert/strict';
import { buildVariables, releaseVariables } from './pipeline-variables.ts';

const checkout = {
  folder: '/agent/_work/1/s',
  commit: 'f'.repeat(40),
  branch: 'refs/heads/feature/x',
  message: 'Change',
  author: 'Grace Hopper',
  remoteUrl: 'https://dev.azure.com/contoso/shop/_git/config',
  name: 'config',
};
const common = { collectionUrl: 'https://dev.azure.com/contoso/', project: 'shop', jobDirectory: '/agent/_work/1' };

describe('The variables of a build', () => {
  it('tell of the repository that was checked out', () => {
    const variables = buildVariables({ ...common, sourcesDirectory: '/agent/_work/1/s', checkout });
    assert.equal(variables['System.HostType'], 'build');
    assert.equal(variables['System.DefaultWorkingDirectory'], '/agent/_work/1/s');
    assert.equal(variables['Build.SourceVersion'], checkout.commit);
    assert.equal(variables['Build.SourceBranch'], 'refs/heads/feature/x');
    assert.equal(variables['Build.SourceBranchName'], 'x');
    assert.equal(variables['Build.Repository.Provider'], 'TfsGit');
    assert.equal(variables['Build.Repository.Uri'], checkout.remoteUrl);
    assert.equal(variables['System.PullRequest.PullRequestId'], undefined);
  });

  it('of a pull request tell of it, and of its merge', () => {
    const variables = buildVariables({
      ...common,
      sourcesDirectory: '/agent/_work/1/s',
      checkout,
      pullRequest: { id: 7, sourceBranch: 'refs/heads/x', targetBranch: 'refs/heads/main' },
    });
    assert.equal(variables['Build.Reason'], 'PullRequest');
    assert.equal(variables['Build.SourceBranch'], 'refs/pull/7/merge');
    assert.equal(variables['System.PullRequest.PullRequestId'], '7');
    assert.equal(variables['System.PullRequest.TargetBranchName'], 'main');
  });
});

describe('The variables of a classic release', () => {
  const release = (artifacts: Parameters<typeof releaseVariables>[0]['artifacts']) =>
    releaseVariables({
      ...common,
      jobDirectory: '/agent/_work/r1',
      artifactsDirectory: '/agent/_work/r1/a',
      artifacts: artifacts ?? [],
    });

  it('have the working directory where the artifacts are, and no sources', () => {
    const variables = release([]);
    assert.equal(variables['System.HostType'], 'release');
    assert.equal(variables['System.DefaultWorkingDirectory'], '/agent/_work/r1/a');
    assert.equal(variables['System.ArtifactsDirectory'], '/agent/_work/r1/a');
    assert.deepEqual(
      Object.keys(variables).filter((name) => name.startsWith('Build.') || name.startsWith('System.PullRequest')),
      [],
    );
  });

  it("have the release management's host where a build has the collection's", () => {
    const variables = release([]);
    assert.equal(variables['System.TeamFoundationServerUri'], 'https://vsrm.dev.azure.com/contoso/');
    assert.equal(variables['System.CollectionUri'], 'https://dev.azure.com/contoso/');
    assert.equal(variables['System.TeamFoundationCollectionUri'], 'https://dev.azure.com/contoso/');
  });

  it('know the commit of a Git artifact, and copy Build.* from the first artifact, which has no build', () => {
    const variables = release([
      { alias: '_config', checkout },
      { alias: 'web', build: { id: 42, number: '20260115.2' } },
    ]);
    assert.equal(variables['Release.PrimaryArtifactSourceAlias'], '_config');
    assert.equal(variables['Release.Artifacts._config.Type'], 'Git');
    assert.equal(variables['Release.Artifacts._config.SourceVersion'], checkout.commit);
    assert.equal(variables['Release.Artifacts._config.BuildNumber'], checkout.commit);
    assert.equal(variables['Release.Artifacts.web.Type'], 'Build');
    assert.equal(variables['Release.Artifacts.web.BuildId'], '42');
    assert.equal(variables['Build.SourceVersion'], checkout.commit);
    assert.equal(variables['Build.BuildId'], undefined);
    assert.equal(variables['Build.SourcesDirectory'], undefined);
  });

  it('copy the build of the first artifact', () => {
    const variables = release([{ alias: 'web', build: { id: 42, number: '20260115.2' } }]);
    assert.equal(variables['Build.BuildId'], '42');
    assert.equal(variables['Build.BuildNumber'], '20260115.2');
  });
});

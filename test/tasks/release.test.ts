import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { configMap, type Deployment, type RunSettings, useRig } from './rig.ts';

describe('GitOpsSync in a classic release', function () {
  this.timeout(60_000);
  const rig = useRig();

  /** A release with Git artifacts of these commits, the first one primary; the working directory holds a folder for each alias. */
  const release = async (shop: Deployment, ref: string, inputs: Record<string, string>, more: RunSettings = {}) => {
    const artifact = await shop.checkout(ref, '_config');
    return shop.run({
      host: 'release',
      workdir: dirname(artifact),
      inputs: { repositoryPath: '_config', manifests: '_config/deploy', ...inputs },
      ...more,
      variables: { 'Release.Artifacts._config.Repository.Id': shop.repository.id, ...more.variables },
    });
  };

  it('deploys a Git artifact from the folder of its alias', async () => {
    const shop = await rig.deployment();
    const run = await release(shop, 'main', {});
    assert.equal(run.result, 'Succeeded');
    assert.equal(run.host, 'release');
    assert.notEqual(await shop.find('configmaps/config'), undefined);
    assert.equal(run.report.source?.commit, await shop.git('rev-parse', 'HEAD'));
    const status = rig.azureDevOps.statuses.find(({ repository }) => repository === shop.repository.name);
    assert.equal(status?.status['state'], 'succeeded');
    assert.match(String(status?.status['targetUrl']), /releaseId=77/);
    rig.azureDevOps.assertValid();
  });

  it('finds the only Git artifact without repositoryPath', async () => {
    const shop = await rig.deployment();
    const run = await release(shop, 'main', { repositoryPath: '' });
    assert.equal(run.result, 'Succeeded');
    assert.notEqual(await shop.find('configmaps/config'), undefined);
  });

  it('asks for repositoryPath when there are several artifacts and none is primary', async () => {
    const shop = await rig.deployment();
    const artifact = await shop.checkout('main', '_config');
    await cp(artifact, join(dirname(artifact), '_other'), { recursive: true });
    const run = await shop.run({
      host: 'release',
      workdir: dirname(artifact),
      inputs: { manifests: '_config/deploy' },
      variables: { 'Release.PrimaryArtifactSourceAlias': undefined },
    });
    assert.equal(run.result, 'Failed');
    assert.match(run.issues[0]?.message ?? '', /repositoryPath/);
  });

  it('refuses an older release that is redeployed, names allowOlder, and deploys it with that', async () => {
    const shop = await rig.deployment();
    const old = await shop.git('rev-parse', 'HEAD');
    await shop.merge({ 'deploy/config.yaml': configMap('config', { color: 'green' }) });
    await release(shop, 'main', {});
    const refused = await release(shop, old, {});
    assert.equal(refused.result, 'Failed');
    assert.equal(refused.outputVariables['outcome'], 'olderCommit');
    assert.match(
      refused.issues[0]?.message ?? '',
      /is older than the deployed one.*redeployed to roll back.*allowOlder/,
    );
    assert.deepEqual((await shop.find('configmaps/config'))?.['data'], { color: 'green' });

    const allowed = await release(shop, old, { allowOlder: 'true' });
    assert.equal(allowed.result, 'Succeeded');
    assert.deepEqual((await shop.find('configmaps/config'))?.['data'], { color: 'blue' });
    assert.match(allowed.log, /It is deployed because allowOlder is set/);
  });
});

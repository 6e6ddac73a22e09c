import assert from 'node:assert/strict';
import { join } from 'node:path';
import { BearerCredentialHandler } from 'azure-devops-node-api/handlers/bearertoken.js';
import { GitStatusState } from 'azure-devops-node-api/interfaces/GitInterfaces.js';
import { WebApi } from 'azure-devops-node-api/WebApi.js';
import { newRepository, temporaryFolder } from '../ports/git/work-repository.ts';
import { startAzureDevOps } from './server.ts';

describe('the Azure DevOps server of the tests', () => {
  for (const version of ['7.1', '7.2'] as const) {
    it(`of version ${version} is read by the official client, from resource areas to merge bases`, async () => {
      const temp = await temporaryFolder();
      const service = await startAzureDevOps({ version });
      try {
        const served = await service.addRepository('web');
        const work = await newRepository(join(temp.folder, 'work'));
        const first = await work.commit('one');
        const second = await work.commit('two');
        await work.git('push', '--quiet', served.folder, 'main');
        const client = new WebApi(service.collectionUrl, new BearerCredentialHandler(service.token));
        assert.equal((await client.connect()).deploymentType, 'hosted');
        const git = await client.getGitApi();
        const repository = await git.getRepository('web', service.project.name);
        assert.equal(repository.defaultBranch, 'refs/heads/main');
        assert.equal(repository.id, served.id);
        assert.equal((await git.getRefs(served.id, service.project.id, 'heads/'))[0]?.objectId, second);
        const bases = await git.getMergeBases('web', second, first, service.project.name);
        assert.deepEqual(
          bases.map((base) => base.commitId),
          [first],
        );
        const posted = service.requests.filter((request) => request.operation !== undefined);
        assert.deepEqual(
          [...new Set(posted.map((request) => request.apiVersion))].sort(),
          version === '7.1' ? ['7.1'] : ['7.2-preview.1', '7.2-preview.2'],
        );
        service.assertValid();
      } finally {
        await service.stop();
        await temp.remove();
      }
    });
  }

  it('answers 400 to a request that the specification does not allow, and remembers it', async () => {
    const temp = await temporaryFolder();
    const service = await startAzureDevOps();
    try {
      const served = await service.addRepository('web');
      const work = await newRepository(join(temp.folder, 'work'));
      const commit = await work.commit('one');
      await work.git('push', '--quiet', served.folder, 'main');
      const post = (body: unknown) =>
        fetch(`${service.collectionUrl}shop/_apis/git/repositories/web/commits/${commit}/statuses?api-version=7.1`, {
          method: 'POST',
          headers: { authorization: `Bearer ${service.token}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      const good = { state: 'succeeded', context: { name: 'n', genre: 'g' } };
      assert.equal((await post(good)).status, 201);
      service.assertValid();
      assert.equal((await post({ ...good, state: GitStatusState.Failed })).status, 400);
      assert.throws(() => service.assertValid(), /state/);
      assert.equal(service.statuses.length, 1);
    } finally {
      await service.stop();
      await temp.remove();
    }
  });
});

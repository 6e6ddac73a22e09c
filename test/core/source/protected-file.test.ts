import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readProtectedFile } from '../../../lib/core/source/protected-file.ts';
import type { SourceAgent } from '../../../lib/core/source/verify-source.ts';
import { InputError, NotPermittedError } from '../../../lib/errors.ts';
import type { Host } from '../../../lib/ports/agent/agent.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { checkOut, newRepository, temporaryFolder, type WorkRepository } from '../../ports/git/work-repository.ts';

describe('a file that judges a run', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let agentTemp: string;
  let service: AzureDevOps;
  let served: ServedRepository;
  let work: WorkRepository;
  let first: string;
  let feature: string;
  let number = 0;

  before(async () => {
    temp = await temporaryFolder();
    agentTemp = join(temp.folder, 'agent-temp');
    await mkdir(agentTemp);
    service = await startAzureDevOps();
    served = await service.addRepository('platform', { defaultBranch: 'trunk' });
    work = await newRepository(join(temp.folder, 'work'), 'trunk');
    first = await work.commit('first', { 'rails/a.yaml': 'strict: 0\n' });
    await work.commit('second', { 'rails/a.yaml': 'strict: 1\n', 'other.txt': 'x' });
    await work.git('checkout', '--quiet', '-b', 'feature');
    feature = await work.commit('weaker', { 'rails/a.yaml': 'strict: never\n', 'rails/new.yaml': 'a: 1\n' });
    await work.git('push', '--quiet', '--all', served.folder);
  });
  after(async () => {
    await service.stop();
    await temp.remove();
  });
  afterEach(async () => assert.deepEqual(await readdir(agentTemp), [], 'nothing is left in the temp folder'));

  const agentOf = (more: Partial<Host> = {}, token: string | undefined = service.token): SourceAgent => ({
    host: {
      type: 'build',
      collectionUrl: service.collectionUrl,
      project: service.project.name,
      projectId: service.project.id,
      ...more,
    },
    log: {
      info: () => undefined,
      debug: () => undefined,
      warning: () => undefined,
      error: () => undefined,
      section: () => undefined,
      group: () => undefined,
      endGroup: () => undefined,
    },
    cancelled: new AbortController().signal,
    network: { proxyBypass: [], skipCertValidation: false },
    workingDirectory: temp.folder,
    tempDirectory: agentTemp,
    systemConnection: () => (token === undefined ? undefined : { url: service.collectionUrl, accessToken: token }),
    maskSecret: () => undefined,
  });

  const clone = (commit: string, depth = 1) => {
    number += 1;
    const config = [`http.extraheader=AUTHORIZATION: bearer ${service.token}`];
    return checkOut(served.url, join(temp.folder, `checkout-${number}`), { commit, depth, config });
  };
  const read = (path: string, agent = agentOf()) => readProtectedFile(agent, path, 'guardrails');

  it('is read from the head of the default branch, though an old commit is checked out', async () => {
    const checkout = await clone(first);
    const { text, name, repository } = await read(join(checkout.folder, 'rails', 'a.yaml'));
    assert.equal(text, 'strict: 1\n');
    assert.match(name, /^rails\/a\.yaml of http.*platform.* \(trunk, [0-9a-f]{10}\)$/);
    assert.doesNotMatch(repository, /@/);
  });

  it('is read so though a pull request’s commit is checked out', async () => {
    const checkout = await clone(feature, 10);
    assert.equal((await read(join(checkout.folder, 'rails', 'a.yaml'))).text, 'strict: 1\n');
  });

  it('is read so though a step wrote another one into the working tree', async () => {
    const checkout = await clone(await work.git('rev-parse', 'trunk'));
    await checkout.write('rails/a.yaml', 'strict: no\n');
    assert.equal((await read(join(checkout.folder, 'rails', 'a.yaml'))).text, 'strict: 1\n');
  });

  it('is read so though a step committed another one and moved every ref of the checkout', async () => {
    const checkout = await clone(await work.git('rev-parse', 'trunk'));
    const forged = await checkout.commit('forged', { 'rails/a.yaml': 'strict: no\n' });
    for (const ref of ['refs/heads/trunk', 'refs/remotes/origin/trunk', 'refs/remotes/origin/HEAD']) {
      await checkout.git('update-ref', ref, forged);
    }
    assert.equal((await read(join(checkout.folder, 'rails', 'a.yaml'))).text, 'strict: 1\n');
  });

  it('may be named relative to the working directory', async () => {
    const checkout = await clone(first);
    const relative = checkout.folder.slice(temp.folder.length + 1);
    assert.equal((await read(`${relative}/rails/a.yaml`)).text, 'strict: 1\n');
  });

  it('must be merged', async () => {
    const checkout = await clone(feature);
    await assert.rejects(read(join(checkout.folder, 'rails', 'new.yaml')), (error: InputError) => {
      assert.ok(error instanceof InputError);
      assert.equal(error.problems[0]?.input, 'guardrails');
      assert.match(error.message, /rails\/new\.yaml is not in .* \(trunk, .*Merge it there first\./);
      return true;
    });
  });

  it('must be in a checkout', async () => {
    await assert.rejects(read(join(agentTemp, 'a.yaml')), /is in no Git checkout.*Check out the protected repository/);
    await assert.rejects(read(join(temp.folder, 'nowhere', 'a.yaml')), /cannot be trusted: .*does not exist/);
  });

  it('must be in a repository that has a remote, unless somebody tries it in a terminal', async () => {
    const alone = await newRepository(join(temp.folder, `alone-${++number}`));
    await alone.commit('first', { 'a.yaml': 'a: 1\n' });
    await alone.write('a.yaml', 'a: 2\n');
    const path = join(alone.folder, 'a.yaml');
    await assert.rejects(read(path), /has no remote, so nobody vouches for its branch/);
    assert.equal((await read(path, agentOf({ type: 'terminal' }))).text, 'a: 1\n');
  });

  it('must come from the remote that the run was started for, when a step changed it', async () => {
    const checkout = await clone(first);
    await checkout.git('remote', 'set-url', 'origin', work.folder);
    const host = {
      repository: { provider: 'TfsGit', id: served.id, name: 'platform', url: served.url, localPath: checkout.folder },
    };
    await assert.rejects(
      read(join(checkout.folder, 'rails', 'a.yaml'), agentOf(host)),
      /is not the repository of this run/,
    );
  });

  it('is refused when the remote does not let it be read', async () => {
    const checkout = await clone(first);
    await assert.rejects(read(join(checkout.folder, 'rails', 'a.yaml'), agentOf({}, 'wrong')), NotPermittedError);
  });
});

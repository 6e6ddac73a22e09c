import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeployedSource } from '../../../lib/core/source/decide.ts';
import { type SourceAgent, type VerifySourceOptions, verifySource } from '../../../lib/core/source/verify-source.ts';
import { ConflictError, InputError } from '../../../lib/errors.ts';
import type { Host, HostRepository } from '../../../lib/ports/agent/agent.ts';
import { azureRepos } from '../../../lib/ports/azure-devops/azure-repos.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { checkOut, newRepository, temporaryFolder, type WorkRepository } from '../../ports/git/work-repository.ts';

const NETWORK = { proxyBypass: [], skipCertValidation: false };

describe('only main reaches the target', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let agentTemp: string;
  let service: AzureDevOps;
  let served: ServedRepository;
  let work: WorkRepository;
  let feature: string;
  const main: string[] = [];
  let number = 0;

  before(async () => {
    temp = await temporaryFolder();
    agentTemp = join(temp.folder, 'agent-temp');
    await mkdir(agentTemp);
    service = await startAzureDevOps();
    served = await service.addRepository('config', { defaultBranch: 'trunk' });
    work = await newRepository(join(temp.folder, 'work'), 'trunk');
    for (let count = 0; count < 8; count++) main.push(await work.commit(`merge ${count}`));
    await work.git('checkout', '--quiet', '-b', 'feature', commit(5));
    feature = await work.commit('not merged');
    await work.git('push', '--quiet', '--all', served.folder);
    await work.git('push', '--quiet', served.folder, `${feature}:refs/pull/12/merge`);
  });
  after(async () => {
    service.assertValid();
    await service.stop();
    await temp.remove();
  });
  afterEach(async () => {
    service.forgetFailures();
    assert.deepEqual(await readdir(agentTemp), [], 'nothing is left in the temp folder');
  });

  const commit = (index: number) => main[index] as string;
  const folder = () => join(temp.folder, `checkout-${++number}`);
  const logged: string[] = [];

  const hostOf = (repository: HostRepository = {}, more: Partial<Host> = {}): Host => ({
    type: 'build',
    collectionUrl: service.collectionUrl,
    project: service.project.name,
    projectId: service.project.id,
    repository: { provider: 'TfsGit', id: served.id, name: 'config', url: served.url, ...repository },
    ...more,
  });

  const agentOf = (host: Host, token: string | undefined = service.token): SourceAgent => ({
    host,
    log: {
      info: (text) => logged.push(text),
      debug: () => undefined,
      warning: () => undefined,
      error: () => undefined,
      section: () => undefined,
      group: () => undefined,
      endGroup: () => undefined,
    },
    cancelled: new AbortController().signal,
    network: NETWORK,
    workingDirectory: temp.folder,
    tempDirectory: agentTemp,
    systemConnection: () => (token === undefined ? undefined : { url: service.collectionUrl, accessToken: token }),
    maskSecret: () => undefined,
  });

  /** What the checkout fetches with: the agent passes its token on the command line of git, the checkout does not keep it. */
  const fetchConfig = () => [`http.extraheader=AUTHORIZATION: bearer ${service.token}`];
  const clone = (want: { commit?: string; ref?: string }, depth?: number) =>
    checkOut(served.url, folder(), { ...want, ...(depth === undefined ? {} : { depth }), config: fetchConfig() });

  const verify = (checkout: WorkRepository, more: Partial<VerifySourceOptions> & { readonly host?: Host } = {}) => {
    const { host = hostOf({ localPath: checkout.folder }), ...rest } = more;
    return verifySource({
      agent: agentOf(host),
      repositoryFolder: checkout.folder,
      paths: [join(checkout.folder, 'app')],
      allowUnmerged: false,
      allowOlder: false,
      azureRepos: azureRepos({
        collectionUrl: service.collectionUrl,
        token: service.token,
        network: NETWORK,
        retry: { delay: 1 },
      }),
      ...rest,
    });
  };
  const deployed = (id: string, more: Partial<DeployedSource> = {}) => ({ deployed: { commit: id, ...more } });

  const refused = async (
    running: Promise<unknown>,
    kind: typeof InputError | typeof ConflictError,
    pattern: RegExp,
  ) => {
    const error = await running.then(
      () => assert.fail('it was not refused'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof kind, String(error));
    assert.match(error.message, pattern);
    assert.ok(!error.message.includes(service.token));
  };

  describe('from a checkout of depth 1', () => {
    it('deploys the head of the default branch, whatever its name, without fetching anything', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      const source = await verify(checkout, { host: hostOf({ localPath: checkout.folder, ref: 'refs/heads/trunk' }) });
      assert.equal(source.commit, commit(7));
      assert.equal(source.branch, 'trunk');
      assert.equal(source.ref, 'refs/heads/trunk');
      assert.equal(source.ancestry, 'checkout');
      assert.equal(source.repository, served.url);
      assert.equal(source.info?.subject, 'merge 7');
      assert.deepEqual(source.azureRepository, { project: service.project.id, repository: served.id });
      assert.deepEqual(source.warnings, []);
      assert.match(await checkout.git('rev-parse', '--is-shallow-repository'), /true/, 'the checkout stays as it was');
    });

    it('deploys a commit that the branch has left behind, after fetching commits only', async () => {
      const checkout = await clone({ commit: commit(4) }, 1);
      const before = await checkout.git('count-objects', '-v');
      assert.equal((await verify(checkout, deployed(commit(1)))).ancestry, 'fetched');
      assert.equal(await checkout.git('count-objects', '-v'), before, 'the checkout stays as it was');
      assert.equal(await checkout.git('config', '--local', '--get-regexp', 'promisor|partial').catch(() => ''), '');
    });

    it('asks Azure Repos by REST when nothing can be fetched', async () => {
      const checkout = await clone({ commit: commit(4) }, 1);
      service.fail({ path: /_git\/config/, kind: 403, times: 50 });
      const source = await verify(checkout, deployed(commit(1)));
      assert.equal(source.ancestry, 'rest');
      assert.equal(source.branch, 'trunk');
    });

    it('refuses when nobody can tell, and says what to do', async () => {
      const checkout = await clone({ commit: commit(4) }, 1);
      service.fail({ kind: 403, times: 50 });
      await refused(
        verify(checkout),
        InputError,
        /could not be found out.*Tried: .*403.*fetchDepth: 0 and persistCredentials: true/s,
      );
    });

    it('refuses a commit that is not merged, and names the branch', async () => {
      const checkout = await clone({ commit: feature }, 1);
      await refused(
        verify(checkout),
        InputError,
        new RegExp(`Commit ${feature.slice(0, 10)}.* is not in the branch trunk`),
      );
    });

    it('finds that out by REST as well', async () => {
      const checkout = await clone({ commit: feature }, 1);
      service.fail({ path: /_git\/config/, kind: 503, times: 50 });
      await refused(verify(checkout), InputError, /is not in the branch trunk/);
    });

    it('deploys a commit of another branch when that is the protected one', async () => {
      const checkout = await clone({ commit: feature }, 1);
      assert.equal((await verify(checkout, { protectedBranch: 'feature' })).branch, 'feature');
      await refused(verify(checkout, { protectedBranch: 'gone' }), InputError, /has no branch gone/);
      await refused(verify(checkout, { protectedBranch: '--upload-pack=x' }), InputError, /not the name of a branch/);
    });

    it('deploys an unmerged commit when that is allowed, and says so', async () => {
      const checkout = await clone({ commit: feature }, 1);
      const source = await verify(checkout, { allowUnmerged: true });
      assert.equal(source.ancestry, 'none');
      assert.match(source.warnings.join(), /allowUnmerged is set/);
    });
  });

  describe('what the checkout says of itself', () => {
    it('does not count: forged local branches change nothing', async () => {
      const checkout = await clone({ commit: feature }, 1);
      for (const ref of ['refs/remotes/origin/trunk', 'refs/heads/trunk', 'refs/remotes/origin/feature']) {
        await checkout.git('update-ref', ref, feature);
      }
      await checkout.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/feature');
      await refused(verify(checkout), InputError, /is not in the branch trunk/);
    });

    it('does not count: grafts and replacements change nothing', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' });
      await checkout.git('fetch', '--quiet', served.folder, feature);
      await checkout.git('replace', '--graft', commit(7), feature);
      await checkout.git('-c', 'advice.detachedHead=false', 'checkout', '--quiet', feature);
      await refused(verify(checkout), InputError, /is not in the branch trunk/);
    });

    it('is refused when its remote is not the repository of the run', async () => {
      const checkout = await clone({ commit: feature }, 1);
      const fork = await newRepository(join(temp.folder, 'fork'), 'trunk');
      await fork.git('fetch', '--quiet', served.folder, feature);
      await fork.git('reset', '--quiet', '--hard', feature);
      await checkout.git('remote', 'set-url', 'origin', `file://${fork.folder}`);
      await refused(verify(checkout), InputError, /is not the repository of this run/);
      await checkout.git('remote', 'remove', 'origin');
      await refused(verify(checkout), InputError, /is not in the branch trunk/);
      // A rewriting rule of the checkout is not asked either.
      await checkout.git('remote', 'add', 'origin', served.url);
      await checkout.git('config', `url.file://${fork.folder}.insteadOf`, served.url);
      await refused(verify(checkout), InputError, /is not in the branch trunk/);
    });

    it('is refused for a pull request, before anything is fetched', async () => {
      const checkout = await clone({ commit: feature }, 1);
      const from = service.requests.length;
      const host = hostOf({ localPath: checkout.folder, ref: 'refs/pull/12/merge' }, { pullRequestId: '12' });
      await refused(verify(checkout, { host }), InputError, /pull request 12.*not merged/);
      assert.equal(service.requests.length, from);
    });

    it('is compared with what the run was started for', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      const source = await verify(checkout, { host: hostOf({ localPath: checkout.folder, version: commit(3) }) });
      assert.match(source.warnings.join(), /started for commit .* but .* is checked out/);
    });
  });

  describe('an older commit', () => {
    it('is refused', async () => {
      for (const depth of [1, undefined]) {
        const checkout = await clone({ commit: commit(3) }, depth);
        await refused(verify(checkout, deployed(commit(6))), ConflictError, /older than the deployed one.*allowOlder/);
      }
    });

    it('is deployed with allowOlder, with a warning', async () => {
      const checkout = await clone({ commit: commit(3) }, 1);
      const source = await verify(checkout, { ...deployed(commit(6)), allowOlder: true });
      assert.match(source.warnings.join(), /older than the deployed one.*allowOlder is set/);
    });

    it('is the usual rollback of a classic release, whose message says so', async () => {
      const checkout = await clone({ commit: commit(3) });
      const artifact: HostRepository = {
        provider: 'TfsGit',
        id: served.id,
        version: commit(3),
        localPath: checkout.folder,
        artifactAlias: '_config',
      };
      const host = hostOf(artifact, { type: 'release', sourceArtifacts: [artifact] });
      await refused(
        verify(checkout, { host, ...deployed(commit(6)) }),
        ConflictError,
        /redeployed to roll back, set the input allowOlder/,
      );
      assert.equal((await verify(checkout, { host, ...deployed(commit(2)) })).commit, commit(3));
    });

    it('is not told from a newer one when history was rewritten, so it is refused', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      await refused(
        verify(checkout, deployed('d'.repeat(40))),
        ConflictError,
        /could not be found out.*history was rewritten.*allowOlder/,
      );
    });

    it('is found where the branch was reset to it', async () => {
      const reset = await service.addRepository('reset', { defaultBranch: 'trunk' });
      await work.git('push', '--quiet', reset.folder, `${commit(7)}:refs/kept/1`, `${commit(5)}:refs/heads/trunk`);
      const checkout = await checkOut(reset.url, folder(), {
        ref: 'refs/heads/trunk',
        depth: 1,
        config: fetchConfig(),
      });
      const host = hostOf({ id: reset.id, url: reset.url, localPath: checkout.folder });
      await refused(
        verify(checkout, { host, ...deployed(commit(7)) }),
        ConflictError,
        /is older than the deployed one/,
      );
    });

    it('is not one that was deployed from a branch that is still not merged', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      await refused(
        verify(checkout, deployed(feature, { ref: 'refs/heads/feature' })),
        ConflictError,
        /does not contain the deployed one, .* from feature/,
      );
    });

    it('cannot be compared with one of another repository', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      await refused(
        verify(checkout, deployed(commit(1), { repository: 'https://github.com/contoso/config' })),
        ConflictError,
        /deployed from https:\/\/github\.com/,
      );
      const same = served.url.replace('http://', 'http://builder@');
      assert.equal((await verify(checkout, deployed(commit(1), { repository: same }))).commit, commit(7));
    });

    it('is still refused when unmerged commits are allowed, but a branch may diverge', async () => {
      const checkout = await clone({ commit: feature }, 1);
      const source = await verify(checkout, { ...deployed(commit(7)), allowUnmerged: true });
      assert.match(source.warnings.join(), /does not contain the deployed one/);
      const older = await clone({ commit: commit(3) }, 1);
      await refused(verify(older, { ...deployed(feature), allowUnmerged: true }), ConflictError, /is older/);
    });
  });

  describe('what was changed after the checkout', () => {
    it('is refused, because it is not what Git says', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      await appendFile(join(checkout.folder, 'app/config.yaml'), 'image: evil\n');
      await refused(verify(checkout), InputError, /differs from its commit in 1 file \(app\/config\.yaml\)/);
      assert.match((await verify(checkout, { allowUnmerged: true })).warnings.join(), /differs from its commit/);
    });

    it('is refused for a file that Git does not know, because no commit holds it', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      await checkout.write('app/generated.yaml', 'x: 1\n');
      const unknown = /does not know 1 file \(app\/generated\.yaml\)/;
      await refused(verify(checkout), InputError, unknown);
      const glob = [join(checkout.folder, 'app/**/*.yaml')];
      await refused(verify(checkout, { paths: glob }), InputError, unknown);
      assert.match((await verify(checkout, { allowUnmerged: true })).warnings.join(), unknown);
    });

    it('does not matter elsewhere', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      await checkout.write('build/output.txt', 'x');
      assert.deepEqual((await verify(checkout)).warnings, []);
    });

    it('cannot be known of files outside of the repository', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      for (const outside of [temp.folder, 'elsewhere/x.yaml', join(checkout.folder, '../work/app')]) {
        await refused(verify(checkout, { paths: [outside] }), InputError, /outside of the repository.*repositoryPath/);
      }
    });
  });

  describe('an action that changes nothing', () => {
    it('reports what a sync would refuse', async () => {
      const checkout = await clone({ commit: feature }, 1);
      await appendFile(join(checkout.folder, 'app/config.yaml'), '# edited\n');
      const source = await verify(checkout, { ...deployed(commit(7)), reportOnly: true });
      assert.equal(source.commit, feature);
      assert.equal(
        source.warnings.filter((warning) => warning.startsWith('A sync would be refused: ')).length,
        3,
        source.warnings.join('\n'),
      );
    });

    it('works on a pull request', async () => {
      const checkout = await clone({ commit: feature }, 1);
      const host = hostOf({ localPath: checkout.folder, ref: 'refs/pull/12/merge' });
      const source = await verify(checkout, { host, reportOnly: true });
      assert.equal(source.warnings.length, 1);
      assert.match(source.warnings[0] ?? '', /A sync would be refused: This run builds pull request 12/);
    });

    it('still needs inputs that make sense', async () => {
      const checkout = await clone({ ref: 'refs/heads/trunk' }, 1);
      await refused(verify(checkout, { protectedBranch: 'gone', reportOnly: true }), InputError, /has no branch gone/);
    });
  });

  describe('other repositories', () => {
    it('without remote follow their own main, and the log says so', async () => {
      const local = await newRepository(folder());
      const first = await local.commit('one');
      const host: Host = { type: 'terminal' };
      logged.length = 0;
      const source = await verify(local, { host });
      assert.deepEqual(
        [source.commit, source.branch, source.ancestry, source.repository],
        [first, 'main', 'checkout', local.folder],
      );
      assert.match(logged.join(), /no remote, so its own branch main/);
      await local.git('checkout', '--quiet', '-b', 'topic');
      await local.commit('two');
      await refused(verify(local, { host }), InputError, /is not in the branch main/);
    });

    it('of a job with several checkouts are asked for themselves, not for the repository of the run', async () => {
      const second = await service.addRepository('second', { defaultBranch: 'main' });
      await work.git('push', '--quiet', second.folder, `${commit(2)}:refs/heads/main`);
      const checkout = await checkOut(second.url, folder(), {
        ref: 'refs/heads/main',
        depth: 1,
        config: fetchConfig(),
      });
      // The run was started by a pull request of another repository; this one's main is merged all the same.
      const host = hostOf(
        { localPath: temp.folder, ref: 'refs/pull/12/merge', version: feature },
        { pullRequestId: '12' },
      );
      const source = await verify(checkout, { host });
      assert.deepEqual([source.commit, source.branch, source.warnings], [commit(2), 'main', []]);
      assert.equal(source.azureRepository?.repository, 'second');
    });

    it('at another provider are read with the credentials that the checkout kept, and never with the token of the job', async () => {
      const other = await startAzureDevOps({ organization: 'elsewhere' });
      try {
        const foreign = await other.addRepository('foreign', { defaultBranch: 'main' });
        await work.git('push', '--quiet', foreign.folder, `${commit(2)}:refs/heads/main`);
        const header = `AUTHORIZATION: bearer ${other.token}`;
        const checkout = await checkOut(foreign.url, folder(), {
          ref: 'refs/heads/main',
          depth: 1,
          config: [`http.extraheader=${header}`],
        });
        const host = hostOf({ provider: 'GitHub', url: foreign.url, localPath: checkout.folder });
        await refused(verify(checkout, { host }), InputError, /could not be found out.*persistCredentials: true/s);
        assert.ok(
          other.requests.every((request) => request.authorization !== 'wrong'),
          'the token of the job was not shown',
        );
        await checkout.git('config', `http.${foreign.url}.extraheader`, header);
        const source = await verify(checkout, { host });
        assert.equal(source.commit, commit(2));
        assert.equal(source.azureRepository, undefined);
      } finally {
        await other.stop();
      }
    });

    it('of which a classic release has a build only are asked by the commit that it was built from', async () => {
      const drop = folder();
      await mkdir(drop);
      const repository: HostRepository = { version: commit(4), ref: 'refs/heads/trunk', artifactAlias: '_drop' };
      const ask = (version: string) =>
        verifySource({
          agent: agentOf(hostOf({ ...repository, version }, { type: 'release' })),
          repositoryFolder: drop,
          paths: [drop],
          allowUnmerged: false,
          allowOlder: false,
        });
      const source = await ask(commit(4));
      assert.deepEqual([source.commit, source.ancestry], [commit(4), 'fetched']);
      assert.match(source.warnings.join(), /come from the artifact _drop, which is no clone/);
      await refused(ask(feature), InputError, /is not in the branch trunk/);
      await rm(drop, { recursive: true });
    });

    it('are needed: a folder that is in none is refused in a build', async () => {
      const plain = folder();
      await mkdir(plain);
      await refused(
        verifySource({
          agent: agentOf(hostOf()),
          repositoryFolder: plain,
          paths: [],
          allowUnmerged: false,
          allowOlder: false,
        }),
        InputError,
        /is in no Git repository.*repositoryPath/,
      );
    });

    it('of TFVC are compared by changeset', async () => {
      const host = hostOf({ provider: 'TfsVersionControl', version: '42', ref: '$/shop/main', name: 'shop' });
      const ask = (before: string, allowOlder = false) =>
        verifySource({
          agent: agentOf(host),
          repositoryFolder: temp.folder,
          paths: [],
          allowUnmerged: false,
          allowOlder,
          ...deployed(before),
        });
      assert.equal((await ask('41')).commit, '42');
      await refused(ask('43'), ConflictError, /Commit 42 is older than the deployed one, 43/);
      assert.match((await ask('43', true)).warnings.join(), /allowOlder is set/);
      await refused(ask('a'.repeat(40)), ConflictError, /could not be found out/);
    });
  });
});

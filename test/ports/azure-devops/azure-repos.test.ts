import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  CancelledError,
  ConflictError,
  NotPermittedError,
  RefusedError,
  UnreachableError,
} from '../../../lib/errors.ts';
import { type AzureReposOptions, azureRepos, type CommitStatus } from '../../../lib/ports/azure-devops/azure-repos.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, type Failure, startAzureDevOps } from '../../azure-devops/server.ts';
import { newRepository, temporaryFolder } from '../git/work-repository.ts';

const STATUS: CommitStatus = {
  genre: 'gitops',
  name: 'sync/production/shop',
  state: 'succeeded',
  description: '3 created, 1 configured',
  targetUrl: 'https://dev.azure.com/contoso/shop/_build/results?buildId=7',
};

for (const version of ['7.1', '7.2'] as const) {
  describe(`Azure Repos over REST ${version}`, () => {
    let temp: Awaited<ReturnType<typeof temporaryFolder>>;
    let service: AzureDevOps;
    let served: ServedRepository;
    let first: string;
    let second: string;
    let side: string;

    before(async () => {
      temp = await temporaryFolder();
      service = await startAzureDevOps({ version });
      served = await service.addRepository('shop', { defaultBranch: 'trunk' });
      const work = await newRepository(join(temp.folder, 'work'), 'trunk');
      first = await work.commit('one');
      second = await work.commit('two');
      await work.git('checkout', '--quiet', '-b', 'trunk-2', first);
      side = await work.commit('side');
      await work.git('push', '--quiet', '--all', served.folder);
    });
    after(async () => {
      await service.stop();
      await temp.remove();
    });

    const address = () => ({ project: service.project.id, repository: served.id });
    const connect = (more: Partial<AzureReposOptions> = {}) =>
      azureRepos({
        collectionUrl: service.collectionUrl,
        token: service.token,
        network: { proxyBypass: [], skipCertValidation: false },
        retry: { delay: 1 },
        ...more,
      });

    it('tells id, project and default branch of a repository, by id and by name', async () => {
      for (const one of [address(), { project: 'shop', repository: 'shop' }]) {
        const repository = await connect().repository(one);
        assert.equal(repository.id, served.id);
        assert.equal(repository.projectName, 'shop');
        assert.equal(repository.defaultBranch, 'refs/heads/trunk');
      }
      service.assertValid();
    });

    it('finds the head of exactly the asked branch', async () => {
      assert.equal(await connect().branchHead(address(), 'refs/heads/trunk'), second);
      assert.equal(await connect().branchHead(address(), 'refs/heads/trunk-2'), side);
      assert.equal(await connect().branchHead(address(), 'refs/heads/tru'), undefined);
      service.assertValid();
    });

    it('tells what contains what by merge bases', async () => {
      const repos = connect();
      assert.equal(await repos.isAncestor(address(), first, second), 'yes');
      assert.equal(await repos.isAncestor(address(), second, first), 'no');
      assert.equal(await repos.isAncestor(address(), side, second), 'no');
      assert.equal(await repos.isAncestor(address(), 'f'.repeat(40), second), 'unknown');
      service.assertValid();
    });

    it('posts a commit status as the specification has it', async () => {
      await connect().postCommitStatus(address(), second, STATUS);
      const { commit, status } = service.statuses.at(-1) ?? assert.fail();
      assert.equal(commit, second);
      assert.deepEqual(status['context'], { genre: 'gitops', name: 'sync/production/shop' });
      assert.equal(status['state'], 'succeeded');
      assert.equal(status['description'], '3 created, 1 configured');
      assert.equal(status['targetUrl'], STATUS.targetUrl);
      service.assertValid();
    });

    it('cuts a long description to one line without halving a character', async () => {
      await connect().postCommitStatus(address(), second, { ...STATUS, description: `a\r\n\tb ${'😀'.repeat(300)}` });
      const description = String(service.statuses.at(-1)?.status['description']);
      assert.equal([...description].length, 256);
      assert.match(description, /^a b 😀+…$/u);
    });

    it('lists every status of a commit with its author, also those that a later one of the same name hides', async () => {
      await connect().postCommitStatus(address(), side, { ...STATUS, state: 'failed' });
      await connect().postCommitStatus(address(), side, STATUS);
      const found = await connect().commitStatuses(address(), side);
      assert.deepEqual(found.map(({ state }) => state).sort(), ['failed', 'succeeded']);
      const [one] = found;
      assert.deepEqual([one?.genre, one?.name], ['gitops', 'sync/production/shop']);
      assert.deepEqual(one?.author, { id: service.project.id, uniqueName: 'Build\\shop' });
      assert.ok(Math.abs(Date.parse(one?.at ?? '') - Date.now()) < 60_000);
      service.assertValid();
    });

    it('lists more statuses than come at a time', async () => {
      await connect().postCommitStatus(address(), first, STATUS);
      const last = service.statuses.at(-1) ?? assert.fail();
      const all = service.statuses as (typeof last)[];
      for (let count = 0; count < 1100; count += 1) all.push(last);
      assert.equal((await connect().commitStatuses(address(), first)).length, 1101);
      service.assertValid();
    });

    it('connects once for several calls', async () => {
      const from = service.requests.length;
      const repos = connect();
      await repos.repository(address());
      await repos.branchHead(address(), 'refs/heads/trunk');
      assert.equal(service.requests.slice(from).filter((request) => request.method === 'OPTIONS').length, 1);
    });

    const failing = async (failure: Failure, more: Partial<AzureReposOptions> = {}): Promise<Error> => {
      service.fail({ operation: 'Statuses_Create', times: 10, ...failure });
      const repos = connect(more);
      const error = await repos.postCommitStatus(address(), second, STATUS).then(
        () => assert.fail('it was posted'),
        (thrown: Error) => thrown,
      );
      assert.ok(!error.message.includes(service.token));
      return error;
    };
    afterEach(() => service.forgetFailures());

    it('names the permission and the identity that the service names', async () => {
      const message =
        "TF401027: You need the Git 'GenericContribute' permission to perform this action. Details: identity 'Build\\7c6b8f5e', scope 'repository'.";
      const error = await failing({ kind: 403, message, typeKey: 'GitNeedsPermissionException' });
      assert.ok(error instanceof NotPermittedError);
      assert.match(
        error.message,
        /Give the build identity Build\\7c6b8f5e the permission "Contribute" on the repository/,
      );
    });

    it('names the smallest permission when the service does not', async () => {
      const error = await failing({ kind: 403, message: 'no' });
      assert.match(error.message, /the permission "Contribute"/);
    });

    it('explains the scope of the job when the project is not visible or the repository not found', async () => {
      assert.match(
        (await failing({ kind: 403, message: 'VS800075: The project does not exist, or you do not have permission.' }))
          .message,
        /Limit job authorization scope/,
      );
      service.forgetFailures();
      const error = await failing({ kind: 404, message: 'TF401019: The Git repository does not exist.' });
      assert.ok(error instanceof RefusedError && error.status === 404);
      assert.match(error.message, /Protect access to repositories/);
    });

    for (const kind of [401, 'signIn', 'redirect'] as const) {
      it(`says that the token was not accepted (${kind})`, async () => {
        const error = await failing({ kind });
        assert.ok(error instanceof NotPermittedError);
        assert.match(error.message, /token of this job was not accepted/);
      });
    }

    it('tells a refusal from a conflict', async () => {
      const error = await failing({ kind: 500, message: 'boom' });
      assert.ok(error instanceof RefusedError && error.status === 500);
      assert.equal(service.requests.filter((request) => request.status === 500).length, 1, 'a 500 is not repeated');
      service.forgetFailures();
      assert.ok((await failing({ kind: 409 })) instanceof ConflictError);
    });

    for (const kind of [429, 502, 503, 504, 'cut'] as const) {
      it(`tries again after ${kind}`, async () => {
        service.fail({ operation: 'Statuses_Create', kind, times: 2 });
        const count = service.statuses.length;
        await connect().postCommitStatus(address(), second, STATUS);
        assert.equal(service.statuses.length, count + 1);
      });
    }

    it('gives up in the end', async () => {
      const error = await failing({ kind: 503 });
      assert.ok(error instanceof RefusedError && error.status === 503);
    });

    it('does not wait longer than half a minute, whatever Retry-After says', async () => {
      const error = await failing({ kind: 429, retryAfter: 3600 });
      assert.ok(error instanceof RefusedError && error.status === 429);
    });

    it('says that no answer came', async () => {
      const error = await connect({ collectionUrl: 'http://127.0.0.1:1/contoso/' })
        .postCommitStatus(address(), second, STATUS)
        .catch((thrown: unknown) => thrown);
      assert.ok(error instanceof UnreachableError);
    });

    it('ends at a cancellation while the server is silent', async () => {
      const abort = new AbortController();
      service.fail({ operation: 'Repositories_Get Repository', kind: 'slow' });
      const asking = connect({ signal: abort.signal }).repository(address());
      const poll = setInterval(() => {
        if (service.requests.at(-1)?.status === 0) abort.abort();
      }, 5);
      await assert.rejects(asking, CancelledError);
      clearInterval(poll);
    });
  });
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { NotPermittedError, RefusedError } from '../../../lib/errors.ts';
import { pullRequests } from '../../../lib/ports/azure-devops/pull-requests.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { newRepository, temporaryFolder } from '../git/work-repository.ts';

const AUTHOR = { id: '6c3a1b0e-0000-4000-8000-000000000001', displayName: 'A. Author', uniqueName: 'a@example.com' };
const REVIEWER = { id: '6c3a1b0e-0000-4000-8000-000000000002', displayName: 'R. Viewer', uniqueName: 'r@example.com' };

for (const version of ['7.1', '7.2'] as const) {
  describe(`pull requests of Azure Repos over REST ${version}`, () => {
    let temp: Awaited<ReturnType<typeof temporaryFolder>>;
    let service: AzureDevOps;
    let served: ServedRepository;
    let commit: string;
    let inner: string;

    before(async () => {
      temp = await temporaryFolder();
      service = await startAzureDevOps({ version });
      served = await service.addRepository('shop front');
      const work = await newRepository(join(temp.folder, 'work'));
      inner = await work.commit('one');
      commit = await work.commit('two');
      await work.git('branch', 'gitops/revert-1');
      await work.git('branch', 'gitops/revert-2');
      await work.git('push', '--quiet', '--all', served.folder);
      service.addPullRequest(served, { status: 'active', lastMergeCommit: { commitId: commit } });
      service.addPullRequest(served, {
        status: 'completed',
        title: 'Two',
        createdBy: AUTHOR,
        closedDate: '2026-11-23T10:00:00Z',
        lastMergeCommit: { commitId: commit },
        commitIds: [inner],
        reviewers: [
          { ...REVIEWER, vote: 10, isRequired: true },
          { ...REVIEWER, id: AUTHOR.id, displayName: 'W. Aiting', vote: -5 },
          { id: served.id, displayName: '[shop]\\Team', vote: 10, isContainer: true },
        ],
      });
    });
    after(async () => {
      await service.stop();
      await temp.remove();
    });
    afterEach(() => service.assertValid());

    const address = () => ({ project: service.project.id, repository: served.id });
    const connect = () =>
      pullRequests({
        collectionUrl: service.collectionUrl,
        token: service.token,
        network: { proxyBypass: [], skipCertValidation: false },
        retry: { delay: 1 },
      });
    const open = (number: number, more: object = {}) =>
      connect().open(address(), {
        sourceRef: `refs/heads/gitops/revert-${number}`,
        targetRef: 'refs/heads/main',
        title: 'Revert it',
        description: 'because',
        ...more,
      });

    it('finds the completed one that made a merge commit, with author, reviewers and votes', async () => {
      const found = (await connect().ofCommit(address(), commit)) ?? assert.fail();
      assert.equal(found.id, 2);
      assert.equal(found.title, 'Two');
      assert.equal(found.status, 'completed');
      assert.equal(found.author?.uniqueName, 'a@example.com');
      assert.deepEqual(
        found.reviewers.map(({ name, vote }) => [name, vote]),
        [
          ['R. Viewer', 'approved'],
          ['W. Aiting', 'waitingForAuthor'],
        ],
        'people, not the groups that their votes also count for',
      );
      assert.equal(found.url, `${service.collectionUrl}shop/_git/shop%20front/pullrequest/2`);
    });

    it('finds the one that brought a commit which is not its merge commit, as after a completion by rebase', async () => {
      assert.equal((await connect().ofCommit(address(), inner))?.id, 2);
    });

    it('finds none for a commit that was pushed', async () => {
      assert.equal(await connect().ofCommit(address(), 'f'.repeat(40)), undefined);
    });

    it('opens one', async () => {
      const { opened, pullRequest } = await open(1);
      assert.equal(opened, true);
      const stored = service.pullRequests.find((one) => one.pullRequestId === pullRequest.id) ?? assert.fail();
      assert.deepEqual(
        [stored.sourceRefName, stored.targetRefName, stored.title, stored.description],
        ['refs/heads/gitops/revert-1', 'refs/heads/main', 'Revert it', 'because'],
      );
    });

    it('answers the active one instead of a second', async () => {
      const { pullRequest: first } = await open(1);
      const again = await open(1);
      assert.deepEqual([again.opened, again.pullRequest.id], [false, first.id]);
    });

    it('opens one only once when the answer was lost on its way', async () => {
      const count = service.pullRequests.length;
      service.fail({ operation: 'Pull Requests_Create', kind: 'cut' });
      await open(2).catch(() => undefined);
      await open(2);
      assert.equal(service.pullRequests.length, count + 1);
    });

    it('keeps to the limits of title and description, without halving a character', async () => {
      await served.git('branch', `gitops/revert-9`, 'main').catch(() => '');
      const { pullRequest } = await open(9, { title: `a\n${'😀'.repeat(400)}`, description: 'x😀'.repeat(2000) });
      const stored = service.pullRequests.find((one) => one.pullRequestId === pullRequest.id) ?? assert.fail();
      assert.ok((stored.description ?? '').length <= 4000 && (stored.description ?? '').endsWith('…'));
      assert.match(stored.title, /^a 😀+…$/u);
    });

    it('tells what became of the newest one between two branches', async () => {
      const latest = (number: number) =>
        connect().latest(address(), `refs/heads/gitops/revert-${number}`, 'refs/heads/main');
      assert.equal((await latest(1))?.status, 'active');
      assert.equal(await latest(77), undefined);
      service.addPullRequest(served, { sourceRefName: 'refs/heads/gitops/revert-77', status: 'abandoned' });
      assert.equal((await latest(77))?.status, 'abandoned');
    });

    it('names the permission that is missing, and whose', async () => {
      service.fail({
        operation: 'Pull Requests_Create',
        kind: 403,
        typeKey: 'GitNeedsPermissionException',
        message:
          "TF401027: You need the Git 'PullRequestContribute' permission to perform this action. Details: identity 'Build\\4711', scope 'repository'.",
      });
      await assert.rejects(open(2, { targetRef: 'refs/heads/gitops/revert-1' }), (error) => {
        assert.ok(error instanceof NotPermittedError);
        assert.match(
          error.message,
          /Give the build identity Build\\4711 the permission "Contribute to pull requests" on the repository/,
        );
        return true;
      });
    });

    it('says what the service says about a branch that is not there', async () => {
      await assert.rejects(open(404), (error) => error instanceof RefusedError && /TF401398/.test(error.message));
    });
  });
}

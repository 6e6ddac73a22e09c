import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { recordedFacts, type SourceQuestion, sourceFacts, stageOfRun } from '../../../lib/core/record/source-facts.ts';
import { CancelledError } from '../../../lib/errors.ts';
import { stageApprovals } from '../../../lib/ports/azure-devops/approvals.ts';
import { pullRequests } from '../../../lib/ports/azure-devops/pull-requests.ts';
import { openRepository } from '../../../lib/ports/git/repository.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { newRepository, temporaryFolder, type WorkRepository } from '../../ports/git/work-repository.ts';

const NETWORK = { proxyBypass: [], skipCertValidation: false };
const id = (number: number) => `6c3a1b0e-0000-4000-8000-${String(number).padStart(12, '0')}`;

describe('what Git and Azure DevOps say of a deployed commit', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: AzureDevOps;
  let served: ServedRepository;
  let work: WorkRepository;
  let commit: string;

  before(async () => {
    temp = await temporaryFolder();
    service = await startAzureDevOps();
    served = await service.addRepository('shop');
    work = await newRepository(join(temp.folder, 'work'));
    commit = await work.commit('Use 2 replicas');
    await work.commit('later');
    await work.git('push', '--quiet', served.folder, 'main');
    service.addPullRequest(served, {
      status: 'completed',
      title: 'Two replicas',
      lastMergeCommit: { commitId: commit },
      reviewers: [{ id: id(2), displayName: 'V. One', vote: 10 }],
    });
    service.addTimeline(7, [
      { id: id(10), type: 'Stage', identifier: 'production', attempt: 1 },
      { id: id(11), type: 'Checkpoint', parentId: id(10) },
      { id: id(12), type: 'Checkpoint.Approval', parentId: id(11) },
    ]);
    service.addApproval({
      id: id(12),
      steps: [{ status: 'approved', actualApprover: { id: id(3), displayName: 'P. Approver' } }],
    });
  });
  after(async () => {
    await service.stop();
    await temp.remove();
  });
  afterEach(async () => {
    service.forgetFailures();
    assert.deepEqual(await readdir(temp.folder), ['work'], 'nothing is left behind');
  });

  const question = (more: Partial<SourceQuestion> = {}): SourceQuestion => {
    const options = {
      collectionUrl: service.collectionUrl,
      token: service.token,
      network: NETWORK,
      retry: { delay: 1 },
    };
    return {
      commit,
      access: { url: served.url, token: service.token, network: NETWORK, tempDirectory: temp.folder },
      azure: { project: service.project.id, repository: served.id },
      pullRequests: pullRequests(options),
      approvals: stageApprovals(options),
      stage: { type: 'build', project: 'shop', id: '7', stage: 'production' },
      ...more,
    };
  };

  it('is author, pull request, reviewers and approver', async () => {
    const facts = await sourceFacts(question());
    service.assertValid();
    assert.ok(facts.commit.known && facts.pullRequest.known && facts.approvers.known);
    assert.equal(facts.commit.value.author, 'A. Author');
    assert.equal(facts.commit.value.subject, 'Use 2 replicas');
    assert.equal(facts.pullRequest.value?.title, 'Two replicas');
    assert.deepEqual(
      facts.pullRequest.value?.reviewers.map(({ name }) => name),
      ['V. One'],
    );
    assert.deepEqual(
      facts.approvers.value.map(({ name }) => name),
      ['P. Approver'],
    );
    const { approvals, pullRequest } = recordedFacts(facts);
    assert.deepEqual([approvals.known, approvals.approvers.length, pullRequest?.id], [true, 1, 1]);
  });

  it('asks no server for a commit that the checkout has', async () => {
    const checkout = await openRepository(work.folder);
    const { access: _, ...without } = question();
    const facts = await sourceFacts({ ...without, checkout });
    assert.ok(facts.commit.known);
  });

  it('is not known where it cannot be asked, with a reason for each', async () => {
    const facts = await sourceFacts({ commit });
    assert.ok(!facts.commit.known && !facts.pullRequest.known && !facts.approvers.known);
    assert.match(facts.commit.because, /not in the checkout/);
    assert.match(facts.pullRequest.because, /not in Azure Repos/);
    assert.match(facts.approvers.because, /no run of Azure Pipelines/);
    assert.deepEqual(recordedFacts(facts).approvals, {
      known: false,
      unknownBecause: 'this is no run of Azure Pipelines',
      approvers: [],
    });
  });

  it('is known for the rest when one of them fails', async () => {
    service.fail({ operation: 'Timeline_Get', kind: 404, message: 'The requested build 7 could not be found.' });
    service.fail({ operation: 'Pull Request Query_Get', kind: 403, message: 'TF401027: no' });
    const facts = await sourceFacts(question());
    assert.ok(facts.commit.known && !facts.pullRequest.known && !facts.approvers.known);
    assert.match(facts.approvers.because, /could not be found/);
    assert.match(facts.pullRequest.because, /"Read"/);
  });

  it('is asked of no server about a changeset', async () => {
    const facts = await sourceFacts(question({ commit: '123' }));
    assert.ok(!facts.commit.known && !facts.pullRequest.known);
  });

  it('ends at a cancellation', async () => {
    const signal = AbortSignal.abort();
    const options = { collectionUrl: service.collectionUrl, token: service.token, network: NETWORK, signal };
    await assert.rejects(sourceFacts(question({ approvals: stageApprovals(options) })), CancelledError);
  });
});

describe('the run of a page', () => {
  const collection = 'https://dev.azure.com/contoso/';

  it('is a build or a release, with its project', () => {
    assert.deepEqual(stageOfRun(`${collection}My%20shop/_build/results?buildId=7`, collection, 'production', '2'), {
      type: 'build',
      project: 'My shop',
      id: '7',
      stage: 'production',
      attempt: '2',
    });
    for (const page of ['_releaseProgress?releaseId=9', '_release?releaseId=9&_a=release-summary']) {
      const run = stageOfRun(`${collection}shop/${page}`, collection, 'Production');
      assert.deepEqual([run?.type, run?.id, run?.project], ['release', '9', 'shop']);
    }
  });

  it('is none without a stage, in another collection, or of anything else', () => {
    const page = `${collection}shop/_build/results?buildId=7`;
    assert.equal(stageOfRun(page, collection, undefined), undefined);
    assert.equal(stageOfRun(page, 'https://dev.azure.com/fabrikam/', 'x'), undefined);
    assert.equal(stageOfRun(page, undefined, 'x'), undefined);
    assert.equal(stageOfRun(undefined, collection, 'x'), undefined);
    for (const other of ['', 'shop', 'shop/_build/results?buildId=7%2F..', 'shop/_git/shop']) {
      assert.equal(stageOfRun(`${collection}${other}`, collection, 'x'), undefined, other);
    }
  });
});

import { CancelledError, GitOpsError, messageOf } from '../../errors.ts';
import type { StageApprovals } from '../../ports/azure-devops/approvals.ts';
import type { RepositoryAddress } from '../../ports/azure-devops/azure-repos.ts';
import type { PullRequest, PullRequests } from '../../ports/azure-devops/pull-requests.ts';
import { isCommitId } from '../../ports/git/names.ts';
import type { RemoteAccess } from '../../ports/git/network-config.ts';
import { commitInfo, type Repository } from '../../ports/git/repository.ts';
import { scratchRepository } from '../../ports/git/scratch.ts';
import type { Fact, SourceFacts } from './explain.ts';
import type { Approvals, RecordedPullRequest } from './run-record.ts';

/** Which stage of which run. */
export interface StageOfRun {
  readonly type: 'build' | 'release';
  readonly project: string;
  readonly id: string;
  readonly stage: string;
  readonly attempt?: string;
}

export interface SourceQuestion {
  readonly commit: string;
  /** Where the commit may be looked up; each is tried until one has it. */
  readonly checkout?: Repository;
  readonly access?: RemoteAccess;
  /** In Azure Repos; undefined for a repository elsewhere. */
  readonly azure?: RepositoryAddress;
  /** Undefined outside of Azure Pipelines. */
  readonly pullRequests?: PullRequests;
  readonly approvals?: StageApprovals;
  /** Undefined when the run's stage is not known. */
  readonly stage?: StageOfRun;
}

/** Asks Git and Azure DevOps for what they know of a deployed commit. What fails becomes a reason; only a cancellation is thrown. */
export async function sourceFacts(question: SourceQuestion): Promise<SourceFacts> {
  const asked = [
    factOf(() => commitFact(question)),
    factOf(() => pullRequestFact(question)),
    factOf(() => approversFact(question)),
  ] as const;
  // One that is cancelled must not leave the others at work in the temp folder.
  await Promise.allSettled(asked);
  const [commit, pullRequest, approvers] = await Promise.all(asked);
  return { commit, pullRequest, approvers };
}

/**
 * The project and id in the address of a run's page, `.../shop/_build/results?buildId=7` or `.../_releaseProgress?releaseId=7`, together with
 * the stage that was recorded. Undefined for any other page, for one of another collection, and without a stage. Pure.
 */
export function stageOfRun(
  page: string | undefined,
  collectionUrl: string | undefined,
  stage: string | undefined,
  attempt?: string,
): StageOfRun | undefined {
  if (page === undefined || collectionUrl === undefined || stage === undefined || !URL.canParse(page)) return undefined;
  // The same number is another run in another collection.
  if (!page.toLowerCase().startsWith(collectionUrl.toLowerCase())) return undefined;
  const url = new URL(page);
  const project = /([^/]+)\/_(?:build|release)/i.exec(url.pathname)?.[1];
  const query = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]));
  const build = query.get('buildid');
  const id = build ?? query.get('releaseid');
  if (project === undefined || id === undefined || !/^\d+$/.test(id)) return undefined;
  return {
    type: build === undefined ? 'release' : 'build',
    project: decodeURIComponent(project),
    id,
    stage,
    ...(attempt === undefined ? {} : { attempt }),
  };
}

/** The same facts in the form that a run's record keeps. Pure. */
export function recordedFacts(facts: SourceFacts): {
  readonly approvals: Approvals;
  readonly pullRequest?: RecordedPullRequest;
} {
  const { approvers, pullRequest } = facts;
  const request = pullRequest.known ? pullRequest.value : undefined;
  return {
    approvals: approvers.known
      ? { known: true, approvers: approvers.value }
      : { known: false, unknownBecause: approvers.because, approvers: [] },
    ...(request && {
      pullRequest: {
        id: request.id,
        url: request.url,
        ...(request.author && { author: request.author }),
        reviewers: request.reviewers,
      },
    }),
  };
}

async function commitFact({ commit, checkout, access }: SourceQuestion): Promise<SourceFacts['commit']> {
  if (!isCommitId(commit)) return { known: false, because: 'a changeset of TFVC is not looked up' };
  const here = checkout === undefined ? undefined : await commitInfo(checkout, commit);
  if (here !== undefined) return { known: true, value: here };
  if (access === undefined) return { known: false, because: 'the commit is not in the checkout' };
  const scratch = await scratchRepository(access);
  try {
    await scratch.fetch([commit], { filter: 'blob:none' });
    const { folder } = scratch;
    const fetched = await commitInfo(
      { folder, bare: true, git: (args) => scratch.git(args, { codes: [1, 128] }) },
      commit,
    );
    return fetched === undefined
      ? { known: false, because: 'the commit was not sent' }
      : { known: true, value: fetched };
  } finally {
    await scratch.dispose();
  }
}

async function pullRequestFact(question: SourceQuestion): Promise<Fact<PullRequest | undefined>> {
  const { commit, azure, pullRequests } = question;
  if (azure === undefined) return { known: false, because: 'the repository is not in Azure Repos of this collection' };
  if (pullRequests === undefined) return { known: false, because: 'this is no run of Azure Pipelines' };
  if (!isCommitId(commit)) return { known: false, because: 'TFVC has no pull requests' };
  return { known: true, value: await pullRequests.ofCommit(azure, commit) };
}

async function approversFact({ stage, approvals }: SourceQuestion): Promise<SourceFacts['approvers']> {
  if (approvals === undefined) return { known: false, because: 'this is no run of Azure Pipelines' };
  if (stage === undefined) return { known: false, because: 'it is not recorded which stage of which run it was' };
  const { project, id, attempt } = stage;
  const of = { project, stage: stage.stage, ...(attempt === undefined ? {} : { attempt }) };
  const value =
    stage.type === 'build'
      ? await approvals.ofBuild({ ...of, buildId: id })
      : await approvals.ofRelease({ ...of, releaseId: id });
  return { known: true, value };
}

async function factOf<T>(ask: () => Promise<Fact<T>>): Promise<Fact<T>> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof GitOpsError)) throw error;
    return { known: false, because: messageOf(error) };
  }
}

import type {
  GitPullRequest,
  GitPullRequestQueryType,
  PullRequestStatus,
} from 'azure-devops-node-api/interfaces/GitInterfaces.js';
import { ConflictError } from '../../errors.ts';
import { requireCommitId } from '../git/names.ts';
import { type Identity, identityOf } from './identity.ts';
import { type AzureDevOpsOptions, azureDevOpsService, place, type RepositoryAddress } from './service.ts';

export interface PullRequest {
  readonly id: number;
  readonly title: string;
  readonly status: 'active' | 'abandoned' | 'completed';
  readonly author?: Identity;
  readonly reviewers: readonly PullRequestReviewer[];
  /** `refs/heads/main` */
  readonly targetRef: string;
  /** Its page. */
  readonly url: string;
}

export interface PullRequestReviewer extends Identity {
  readonly vote: 'approved' | 'approvedWithSuggestions' | 'none' | 'waitingForAuthor' | 'rejected';
}

export interface NewPullRequest {
  /** `refs/heads/gitops/revert-3f2a91c0d1` */
  readonly sourceRef: string;
  readonly targetRef: string;
  /** One line, cut to 400 characters. */
  readonly title: string;
  /** Markdown, cut to 4000 characters, which is the service's limit. */
  readonly description: string;
}

/** Pull requests of Azure Repos. Every method throws our errors only. */
export interface PullRequests {
  /** The completed pull request that brought a commit: as its merge commit, else as one of its commits. Needs the permission Read. */
  ofCommit(address: RepositoryAddress, commit: string): Promise<PullRequest | undefined>;
  /** The newest pull request from one branch (full ref name) into another, whatever became of it. */
  latest(address: RepositoryAddress, sourceRef: string, targetRef: string): Promise<PullRequest | undefined>;
  /** Opens one, or answers the active one for the same branches. Needs the permission Contribute to pull requests. */
  open(
    address: RepositoryAddress,
    request: NewPullRequest,
  ): Promise<{ readonly opened: boolean; readonly pullRequest: PullRequest }>;
}

const DESCRIPTION_LIMIT = 4000;
const TITLE_LIMIT = 400;

/** The package turns names into numbers in some of what it reads; in what is sent the documented form is the name. */
const STATUSES: Readonly<Record<string, PullRequest['status']>> = {
  1: 'active',
  2: 'abandoned',
  3: 'completed',
  active: 'active',
  abandoned: 'abandoned',
  completed: 'completed',
};
const VOTES: Readonly<Record<number, PullRequestReviewer['vote']>> = {
  10: 'approved',
  5: 'approvedWithSuggestions',
  0: 'none',
  [-5]: 'waitingForAuthor',
  [-10]: 'rejected',
};

export function pullRequests(options: AzureDevOpsOptions): PullRequests {
  const { git } = azureDevOpsService(options);
  const read = (found: GitPullRequest, address: RepositoryAddress) =>
    pullRequestOf(found, address, options.collectionUrl);

  const latest: PullRequests['latest'] = async (address, sourceRef, targetRef) => {
    const asked = { what: `list the pull requests from ${sourceRef}`, where: place(address), permission: 'Read' };
    const criteria = {
      sourceRefName: sourceRef,
      targetRefName: targetRef,
      status: 'all' as unknown as PullRequestStatus,
    };
    const found = await git(asked, (api) =>
      api.getPullRequests(address.repository, criteria, address.project, undefined, 0, 1),
    );
    return found[0] === undefined ? undefined : read(found[0], address);
  };

  return {
    latest,
    ofCommit: async (address, commit) => {
      requireCommitId(commit, 'commit');
      const asked = { what: `find the pull request of commit ${commit}`, where: place(address), permission: 'Read' };
      const query = (type: string) => ({ type: type as unknown as GitPullRequestQueryType, items: [commit] });
      const answer = await git(asked, (api) =>
        api.getPullRequestQuery(
          { queries: [query('lastMergeCommit'), query('commit')] },
          address.repository,
          address.project,
        ),
      );
      const id = chosen(answer.results ?? [], commit);
      if (id === undefined) return undefined;
      // What a query answers need not name the reviewers.
      return read(await git(asked, (api) => api.getPullRequest(address.repository, id, address.project)), address);
    },
    open: async (address, request) => {
      const asked = {
        what: `open a pull request from ${request.sourceRef} to ${request.targetRef}`,
        where: place(address),
        permission: 'Contribute to pull requests',
      };
      const body = {
        sourceRefName: request.sourceRef,
        targetRefName: request.targetRef,
        title: cut(request.title.replace(/\s+/g, ' ').trim(), TITLE_LIMIT),
        description: cut(request.description, DESCRIPTION_LIMIT),
      };
      try {
        const made = await git(asked, (api) => api.createPullRequest(body, address.repository, address.project));
        return { opened: true, pullRequest: read(made, address) };
      } catch (error) {
        // TF401179: there is one already, perhaps by this very call when its first answer was lost.
        if (!(error instanceof ConflictError)) throw error;
        const active = await latest(address, request.sourceRef, request.targetRef);
        if (active?.status !== 'active') throw error;
        return { opened: false, pullRequest: active };
      }
    },
  };
}

/**
 * Of the answers to "whose merge commit is it" and "who merged it", in this order, the first completed one. An active pull request has a
 * merge commit too, which nobody has agreed to.
 */
function chosen(results: readonly { [commit: string]: GitPullRequest[] }[], commit: string): number | undefined {
  for (const result of results) {
    const completed = (result[commit] ?? []).filter(({ status }) => STATUSES[String(status)] === 'completed');
    const first = [...completed].sort((a, b) => time(a.closedDate) - time(b.closedDate))[0];
    if (first?.pullRequestId !== undefined) return first.pullRequestId;
  }
  return undefined;
}

function time(date: Date | string | undefined): number {
  return new Date(date ?? 0).getTime();
}

function pullRequestOf(found: GitPullRequest, address: RepositoryAddress, collectionUrl: string): PullRequest {
  const author = identityOf(found.createdBy);
  const id = found.pullRequestId ?? 0;
  const project = found.repository?.project?.name ?? address.project;
  const repository = found.repository?.name ?? address.repository;
  const base = collectionUrl.endsWith('/') ? collectionUrl : `${collectionUrl}/`;
  return {
    id,
    title: found.title ?? '',
    status: STATUSES[String(found.status)] ?? 'active',
    ...(author === undefined ? {} : { author }),
    reviewers: (found.reviewers ?? []).flatMap((reviewer) => {
      const identity = identityOf(reviewer);
      // A group does not vote; its members do, and are reviewers of their own then.
      if (identity === undefined || reviewer.isContainer === true) return [];
      return [{ ...identity, vote: VOTES[reviewer.vote ?? 0] ?? 'none' }];
    }),
    targetRef: found.targetRefName ?? '',
    url: `${base}${encodeURIComponent(project)}/_git/${encodeURIComponent(repository)}/pullrequest/${id}`,
  };
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Never half a character.
  return `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

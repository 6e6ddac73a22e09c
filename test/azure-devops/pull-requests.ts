/**
 * Pull requests as the service keeps them. Sources of what the specification does not say: the error keys of public logs (TF401179 for a
 * second active one, TF401398 for a missing branch, InvalidArgumentValueException beyond 4000 characters of description), and that lists
 * cut the description to 400 characters.
 */
import { randomUUID } from 'node:crypto';
import type { ServedRepository } from './served-repository.ts';
import type { State } from './server.ts';
import { ServiceError } from './service-error.ts';

export interface PullRequestBody {
  readonly repositoryId: string;
  readonly pullRequestId: number;
  readonly status: 'active' | 'abandoned' | 'completed';
  readonly createdBy: Readonly<Record<string, unknown>>;
  readonly creationDate: string;
  readonly closedDate?: string;
  readonly title: string;
  readonly description?: string;
  readonly sourceRefName: string;
  readonly targetRefName: string;
  readonly mergeStatus?: string;
  readonly lastMergeCommit?: { readonly commitId: string };
  /** Commits that it brought. */
  readonly commitIds?: readonly string[];
  readonly reviewers?: readonly Readonly<Record<string, unknown>>[];
}

export interface QueryBody {
  readonly queries?: readonly { readonly type?: string; readonly items?: readonly string[] }[];
}

const BUILD_SERVICE = {
  id: randomUUID(),
  displayName: 'shop Build Service (contoso)',
  uniqueName: `Build\\${randomUUID()}`,
};

export function storePullRequest(
  state: State,
  repository: ServedRepository,
  body: Partial<PullRequestBody>,
): PullRequestBody {
  const stored: PullRequestBody = {
    status: 'active',
    createdBy: BUILD_SERVICE,
    creationDate: new Date().toISOString(),
    title: 'A change',
    sourceRefName: 'refs/heads/change',
    targetRefName: 'refs/heads/main',
    ...body,
    repositoryId: repository.id,
    pullRequestId: state.pullRequests.length + 1,
  };
  state.pullRequests.push(stored);
  return stored;
}

export async function createPullRequest(
  state: State,
  repository: ServedRepository,
  body: Partial<PullRequestBody>,
): Promise<unknown> {
  const { sourceRefName = '', targetRefName = '', title = '', description = '' } = body;
  for (const ref of [sourceRefName, targetRefName]) {
    const exists = await repository.git('rev-parse', '--verify', '--quiet', ref).catch(() => '');
    if (exists === '' || !ref.startsWith('refs/heads/')) {
      throw new ServiceError(
        400,
        `TF401398: The pull request cannot be activated because the source and/or the target branch no longer exists: ${ref}.`,
        'GitPullRequestCannotBeActivated',
      );
    }
  }
  if (title === '') throw new ServiceError(400, 'The title must not be empty.', 'InvalidArgumentValueException');
  if (description.length > 4000) {
    throw new ServiceError(
      400,
      'Invalid argument value. Parameter name: A description for a pull request must not be longer than 4000 characters.',
      'InvalidArgumentValueException',
    );
  }
  const active = state.pullRequests.find(
    (one) =>
      one.repositoryId === repository.id &&
      one.status === 'active' &&
      one.sourceRefName === sourceRefName &&
      one.targetRefName === targetRefName,
  );
  if (active !== undefined) {
    throw new ServiceError(
      409,
      'TF401179: An active pull request for the source and target branch already exists.',
      'GitPullRequestExistsException',
    );
  }
  return shown(
    state,
    repository,
    storePullRequest(state, repository, { sourceRefName, targetRefName, title, description }),
  );
}

export function getPullRequest(state: State, repository: ServedRepository, id: number): unknown {
  const found = state.pullRequests.find((one) => one.repositoryId === repository.id && one.pullRequestId === id);
  if (found !== undefined) return shown(state, repository, found);
  throw new ServiceError(404, `TF401180: The requested pull request was not found.`, 'GitPullRequestNotFoundException');
}

/** Newest first; only active ones unless another status is asked for. */
export function listPullRequests(state: State, repository: ServedRepository, query: URLSearchParams): unknown[] {
  const asked = (name: string) => query.get(`searchCriteria.${name}`);
  const status = asked('status') ?? 'active';
  const skip = Number(query.get('$skip') ?? 0);
  return state.pullRequests
    .filter((one) => one.repositoryId === repository.id && (status === 'all' || one.status === status))
    .filter((one) => [null, one.sourceRefName].includes(asked('sourceRefName')))
    .filter((one) => [null, one.targetRefName].includes(asked('targetRefName')))
    .reverse()
    .slice(skip, skip + Number(query.get('$top') ?? 100))
    .map((one) => ({ ...shown(state, repository, one), description: (one.description ?? '').slice(0, 400) }));
}

/** `lastMergeCommit`: whose merge commit it is, of whatever status. `commit`: who merged it. Neither names the reviewers here. */
export function queryPullRequests(state: State, repository: ServedRepository, body: QueryBody): unknown {
  const own = state.pullRequests.filter((one) => one.repositoryId === repository.id);
  const results = (body.queries ?? []).map(({ type, items = [] }) => {
    const byCommit: Record<string, unknown[]> = {};
    for (const commit of items) {
      const found = own.filter((one) =>
        type === 'lastMergeCommit'
          ? one.lastMergeCommit?.commitId === commit
          : one.commitIds?.includes(commit) === true,
      );
      if (found.length > 0) {
        byCommit[commit] = found.map((one) => {
          const { reviewers: _, ...rest } = shown(state, repository, one);
          return rest;
        });
      }
    }
    return byCommit;
  });
  return { queries: body.queries ?? [], results };
}

function shown(state: State, repository: ServedRepository, stored: PullRequestBody) {
  const { repositoryId: _, commitIds: _commits, ...rest } = stored;
  return {
    ...rest,
    reviewers: stored.reviewers ?? [],
    repository: {
      id: repository.id,
      name: repository.name,
      url: `${state.collectionUrl}_apis/git/repositories/${repository.id}`,
      project: { id: state.project.id, name: state.project.name, state: 'wellFormed' },
    },
    url: `${state.collectionUrl}_apis/git/repositories/${repository.id}/pullRequests/${stored.pullRequestId}`,
  };
}

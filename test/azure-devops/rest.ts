/** The operations of the REST API that the product uses, over the same repositories that Git serves. */
import type { Match } from './contract.ts';
import {
  createPullRequest,
  getPullRequest,
  listPullRequests,
  type PullRequestBody,
  type QueryBody,
  queryPullRequests,
} from './pull-requests.ts';
import { answerRun } from './runs.ts';
import type { ServedRepository } from './served-repository.ts';
import type { State } from './server.ts';
import { ServiceError } from './service-error.ts';

export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
}

export { ServiceError } from './service-error.ts';
export async function answerRest(
  state: State,
  { operation, path }: Match,
  query: URLSearchParams,
  body: unknown,
): Promise<RestAnswer> {
  const run = answerRun(state, operation.id, path, query);
  if (run !== undefined) return run;
  const repository = findRepository(state, path);
  switch (operation.id) {
    case 'Repositories_Get Repository':
      return { status: 200, body: await repositoryBody(state, repository) };
    case 'Refs_List':
      return { status: 200, body: list(await refs(repository, query.get('filter') ?? '')) };
    case 'Merge Bases_List':
      return {
        status: 200,
        body: list(await mergeBases(repository, path['commitId'] ?? '', query.get('otherCommitId') ?? '')),
      };
    case 'Statuses_Create':
      return { status: 201, body: await createStatus(state, repository, path['commitId'] ?? '', body as StatusBody) };
    case 'Statuses_List':
      return { status: 200, body: list(listStatuses(state, repository, path['commitId'] ?? '', query)) };
    case 'Pull Request Query_Get':
      return { status: 200, body: queryPullRequests(state, repository, body as QueryBody) };
    case 'Pull Requests_Create':
      return { status: 201, body: await createPullRequest(state, repository, body as Partial<PullRequestBody>) };
    case 'Pull Requests_Get Pull Request':
      return { status: 200, body: getPullRequest(state, repository, Number(path['pullRequestId'])) };
    case 'Pull Requests_Get Pull Requests':
      return { status: 200, body: list(listPullRequests(state, repository, query)) };
    default:
      throw new Error(`the server does not answer ${operation.id}`);
  }
}

interface StatusBody {
  readonly context?: { readonly name?: string; readonly genre?: string };
  readonly state?: string;
  readonly description?: string;
  readonly targetUrl?: string;
}

function findRepository(state: State, path: Readonly<Record<string, string>>): ServedRepository {
  const project = path['project'];
  const known = [state.project.id, state.project.name.toLowerCase()];
  if (
    path['organization'] !== state.organization ||
    (project !== undefined && !known.includes(project.toLowerCase()))
  ) {
    throw new ServiceError(
      404,
      `TF200016: The following project does not exist: ${project}.`,
      'ProjectDoesNotExistWithNameException',
    );
  }
  const wanted = (path['repositoryId'] ?? path['repositoryNameOrId'] ?? '').toLowerCase();
  const repository = state.repositories.find((one) => one.id === wanted || one.name.toLowerCase() === wanted);
  if (repository === undefined) {
    throw new ServiceError(
      404,
      `TF401019: The Git repository with name or identifier ${wanted} does not exist or you do not have permissions for the operation you are attempting.`,
      'GitRepositoryNotFoundException',
    );
  }
  return repository;
}

async function repositoryBody(state: State, repository: ServedRepository): Promise<unknown> {
  const head = await repository.git('symbolic-ref', 'HEAD');
  const empty = (await repository.git('for-each-ref', '--count=1')) === '';
  return {
    id: repository.id,
    name: repository.name,
    url: `${state.collectionUrl}_apis/git/repositories/${repository.id}`,
    project: { id: state.project.id, name: state.project.name, state: 'wellFormed', visibility: 'private' },
    ...(empty ? {} : { defaultBranch: head }),
    size: 1,
    remoteUrl: repository.url,
    webUrl: repository.url,
    isDisabled: false,
    isInMaintenance: false,
  };
}

/** The filter is a prefix of the name without `refs/`. */
async function refs(repository: ServedRepository, filter: string): Promise<unknown[]> {
  const lines = (await repository.git('for-each-ref', '--format=%(objectname) %(refname)')).split('\n');
  return lines
    .map((line) => line.split(' '))
    .filter(([, name]) => name?.startsWith(`refs/${filter}`))
    .map(([objectId, name]) => ({ name, objectId, creator: { displayName: 'A. Author', id: repository.id } }));
}

async function mergeBases(repository: ServedRepository, commit: string, other: string): Promise<unknown[]> {
  await requireCommit(repository, commit);
  await requireCommit(repository, other);
  const bases = await repository.git('merge-base', '--all', commit, other).catch(() => '');
  return bases
    .split('\n')
    .filter((id) => id !== '')
    .map((commitId) => ({ commitId }));
}

async function createStatus(
  state: State,
  repository: ServedRepository,
  commit: string,
  body: StatusBody,
): Promise<unknown> {
  await requireCommit(repository, commit);
  // "cannot be null or empty", says the specification of the name.
  if (body.context?.name === undefined || body.context.name === '') {
    throw new ServiceError(400, 'A status needs the name of its context.', 'InvalidArgumentValueException');
  }
  const now = new Date().toISOString();
  const status = {
    id: state.statuses.length + 1,
    ...body,
    creationDate: now,
    updatedDate: now,
    createdBy: { displayName: 'shop Build Service (contoso)', id: state.project.id, uniqueName: 'Build\\shop' },
  };
  state.statuses.push({ repository: repository.name, repositoryId: repository.id, commit, status });
  return status;
}

function listStatuses(state: State, repository: ServedRepository, commit: string, query: URLSearchParams): unknown[] {
  const all = state.statuses
    .filter((one) => one.repositoryId === repository.id && one.commit === commit)
    .map((one) => one.status)
    .reverse();
  const skip = Number(query.get('skip') ?? 0);
  const page = (statuses: unknown[]) => statuses.slice(skip, skip + Number(query.get('top') ?? 1000));
  if (query.get('latestOnly')?.toLowerCase() !== 'true') return page(all);
  const seen = new Set<string>();
  const latest = all.filter((status) => {
    const key = JSON.stringify((status as StatusBody).context);
    const first = !seen.has(key);
    seen.add(key);
    return first;
  });
  return page(latest);
}

async function requireCommit(repository: ServedRepository, id: string): Promise<void> {
  const type = /^[0-9a-f]{40}$/.test(id) ? await repository.git('cat-file', '-t', id).catch(() => '') : '';
  if (type !== 'commit') {
    throw new ServiceError(
      404,
      `The commit ${id} does not exist in the repository ${repository.name}.`,
      'GitCommitDoesNotExistException',
    );
  }
}

function list(value: readonly unknown[]): unknown {
  return { count: value.length, value };
}

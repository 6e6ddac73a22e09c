import type { GitStatus, GitStatusState } from 'azure-devops-node-api/interfaces/GitInterfaces.js';
import { RefusedError } from '../../errors.ts';
import { requireCommitId } from '../git/names.ts';
import type { Answer } from '../git/repository.ts';
import { type AzureDevOpsOptions, azureDevOpsService, place, type RepositoryAddress } from './service.ts';

export type { RepositoryAddress } from './service.ts';

export interface AzureRepository {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly projectName: string;
  /** `refs/heads/main`; undefined for an empty repository. */
  readonly defaultBranch?: string;
  readonly remoteUrl?: string;
}

/** The states that a commit status can have. */
export type CommitState = 'pending' | 'succeeded' | 'failed' | 'error' | 'notApplicable';

export interface CommitStatus {
  /** With `name`, what identifies a status: a later one of the same genre and name takes its place. */
  readonly genre: string;
  readonly name: string;
  readonly state: CommitState;
  /** One line for people; cut to 256 characters, so that lists stay readable (the specification states no limit). */
  readonly description: string;
  /** A page with details. */
  readonly targetUrl?: string;
}

/** A status that somebody posted on a commit. */
export interface PostedStatus {
  readonly genre: string;
  readonly name: string;
  /** As the documentation names it; a state that it does not name stays as it came. */
  readonly state: string;
  readonly author: { readonly id?: string; readonly uniqueName?: string };
  /** ISO 8601. */
  readonly at: string;
}

/** What we ask of Azure Repos over REST. Every method throws our errors only. */
export interface AzureRepos {
  repository(address: RepositoryAddress): Promise<AzureRepository>;
  /** The commit at the head of a branch (`refs/heads/main`); undefined when there is no such branch. */
  branchHead(address: RepositoryAddress, ref: string): Promise<string | undefined>;
  /** Whether `descendant` contains `ancestor`; `unknown` when the service does not know one of them. */
  isAncestor(address: RepositoryAddress, ancestor: string, descendant: string): Promise<Answer>;
  /** Needs the permission Contribute. A repeated post only replaces the status, so it is retried as reads are. */
  postCommitStatus(address: RepositoryAddress, commit: string, status: CommitStatus): Promise<void>;
  /** Every status that was ever posted on a commit, by whomever: the latest of a name can be anybody's. */
  commitStatuses(address: RepositoryAddress, commit: string): Promise<PostedStatus[]>;
}

export type AzureReposOptions = AzureDevOpsOptions;

const DESCRIPTION_LIMIT = 256;
const STATUS_PAGE = 500;
/** Nobody posts as many but to hide others. */
const MOST_STATUSES = 10_000;

/** A client that connects at its first call. */
export function azureRepos(options: AzureReposOptions): AzureRepos {
  const { git: ask } = azureDevOpsService(options);

  return {
    repository: async (address) => {
      const attempt = { what: 'show the repository', where: place(address), permission: 'Read' };
      const found = await ask(attempt, (api) => api.getRepository(address.repository, address.project));
      return {
        id: found.id ?? '',
        name: found.name ?? '',
        projectId: found.project?.id ?? '',
        projectName: found.project?.name ?? '',
        ...(found.defaultBranch ? { defaultBranch: found.defaultBranch } : {}),
        ...(found.remoteUrl ? { remoteUrl: found.remoteUrl } : {}),
      };
    },
    branchHead: async (address, ref) => {
      const attempt = { what: `show the branch ${ref}`, where: place(address), permission: 'Read' };
      // The filter is a prefix without `refs/`: release also finds release/2.
      const filter = ref.replace(/^refs\//, '');
      const refs = await ask(attempt, (api) => api.getRefs(address.repository, address.project, filter));
      return refs.find((one) => one.name === ref)?.objectId;
    },
    isAncestor: async (address, ancestor, descendant) => {
      requireCommitId(ancestor, 'commit');
      requireCommitId(descendant, 'commit');
      const attempt = { what: 'compare two commits', where: place(address), permission: 'Read' };
      const { repository, project } = address;
      try {
        const bases = await ask(attempt, (api) => api.getMergeBases(repository, descendant, ancestor, project));
        return bases.some((base) => base.commitId === ancestor) ? 'yes' : 'no';
      } catch (error) {
        if ((error as { status?: number }).status === 404) return 'unknown';
        throw error;
      }
    },
    postCommitStatus: async (address, commit, status) => {
      requireCommitId(commit, 'commit');
      const attempt = {
        what: `post the commit status ${status.genre}/${status.name}`,
        where: place(address),
        permission: 'Contribute',
      };
      const body = {
        context: { genre: status.genre, name: status.name },
        description: cut(status.description),
        // The package types the state as a number; the documented form is its name.
        state: status.state as unknown as GitStatusState,
        ...(status.targetUrl === undefined ? {} : { targetUrl: status.targetUrl }),
      };
      await ask(attempt, (api) => api.createCommitStatus(body, commit, address.repository, address.project));
    },
    commitStatuses: async (address, commit) => {
      requireCommitId(commit, 'commit');
      const attempt = { what: `list the statuses of commit ${commit}`, where: place(address), permission: 'Read' };
      const all: PostedStatus[] = [];
      const { repository, project } = address;
      while (all.length <= MOST_STATUSES) {
        const page = await ask(attempt, (api) =>
          api.getStatuses(commit, repository, project, STATUS_PAGE, all.length, false),
        );
        all.push(...page.map(posted));
        if (page.length < STATUS_PAGE) return all;
      }
      throw new RefusedError(`Commit ${commit} has more than ${MOST_STATUSES} statuses; they cannot be judged.`, 0);
    },
  };
}

/** The package makes numbers of states; the documented form is their names. */
function posted({ context, state, createdBy, creationDate }: GitStatus): PostedStatus {
  const { id, uniqueName } = createdBy ?? {};
  return {
    genre: context?.genre ?? '',
    name: context?.name ?? '',
    state: typeof state === 'number' ? (STATE_NAMES[state] ?? String(state)) : String(state ?? 'notSet'),
    author: { ...(id && { id }), ...(uniqueName && { uniqueName }) },
    at: new Date(creationDate ?? 0).toISOString(),
  };
}

const STATE_NAMES = ['notSet', 'pending', 'succeeded', 'failed', 'error', 'notApplicable', 'partiallySucceeded'];

/** One line of at most 256 characters, never half a character. */
function cut(text: string): string {
  const line = [...text.replace(/\s+/g, ' ').trim()];
  return line.length <= DESCRIPTION_LIMIT ? line.join('') : `${line.slice(0, DESCRIPTION_LIMIT - 1).join('')}…`;
}

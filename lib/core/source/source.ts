import type { Agent } from '../../ports/agent/agent.ts';
import type { AzureRepos, RepositoryAddress } from '../../ports/azure-devops/azure-repos.ts';
import type { CommitInfo } from '../../ports/git/repository.ts';
import type { AncestrySource } from './ancestry.ts';
import type { DeployedSource } from './decide.ts';

export interface VerifySourceOptions {
  readonly agent: SourceAgent;
  /** A folder of the checkout: the input `repositoryPath`, else the working directory. */
  readonly repositoryFolder: string;
  /**
   * Files, folders and globs that will be read, absolute or relative to the working directory; charts from a registry are not among them.
   * What lies elsewhere and is read as well, such as the bases of a kustomization, must be named too.
   */
  readonly paths: readonly string[];
  /** The input `protectedBranch`; undefined for the default branch. */
  readonly protectedBranch?: string;
  readonly allowUnmerged: boolean;
  readonly allowOlder: boolean;
  /** For actions that change nothing, such as a plan: what would be refused becomes a warning. */
  readonly reportOnly?: boolean;
  /** What the target's record says was deployed last. */
  readonly deployed?: DeployedSource;
  /** A client of Azure Repos, for a run that has one. It connects only when it is needed. */
  readonly azureRepos?: AzureRepos;
}

export type SourceAgent = Pick<
  Agent,
  'host' | 'log' | 'workingDirectory' | 'cancelled' | 'network' | 'tempDirectory' | 'systemConnection' | 'maskSecret'
>;

export interface VerifiedSource {
  readonly commit: string;
  /** The protected branch, without `refs/heads/`. */
  readonly branch: string;
  /** The ref that the run was started for, when the run says so. */
  readonly ref?: string;
  /** The repository's address without credentials; its folder when it has no remote. */
  readonly repository: string;
  /** By which means it was found that the branch contains the commit; `none` when it was not asked for (`allowUnmerged`). */
  readonly ancestry: AncestrySource;
  /** Author, date and subject, when the checkout knows them. */
  readonly info?: CommitInfo;
  /** Where to post a commit status; undefined for a repository that is not in this collection's Azure Repos. */
  readonly azureRepository?: RepositoryAddress;
  /** To be printed as warnings. */
  readonly warnings: readonly string[];
}

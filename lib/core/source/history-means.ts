import type { AzureRepos, RepositoryAddress } from '../../ports/azure-devops/azure-repos.ts';
import type { RemoteAccess } from '../../ports/git/network-config.ts';
import { fetchHistory, type RemoteHistory } from '../../ports/git/remote.ts';
import { hasCommit, isAncestor, type Repository } from '../../ports/git/repository.ts';
import type { AncestryMeans } from './ancestry.ts';

/** The checkout itself: free, and enough when it is deep enough. */
export function checkoutMeans(repository: Repository): AncestryMeans {
  return { name: 'checkout', isAncestor: (ancestor, descendant) => isAncestor(repository, ancestor, descendant) };
}

/** A fetch of commits without files, made when it is first asked and shared by all questions. */
export interface FetchedMeans extends AncestryMeans {
  dispose(): Promise<void>;
}

/**
 * First the newest commits, the rest of the history only when they do not answer.
 *
 * @param wants refs or commit ids to fetch
 */
export function fetchedMeans(access: RemoteAccess, wants: readonly string[]): FetchedMeans {
  let fetched: Promise<RemoteHistory> | undefined;
  const asked = new Set<string>();
  return {
    name: 'fetched',
    isAncestor: async (ancestor, descendant) => {
      fetched ??= fetchHistory(access, wants);
      const history = await fetched;
      const first = await isAncestor(history.repository, ancestor, descendant);
      if (first !== 'unknown') return first;
      const deeper = (await history.deepen()) ? await isAncestor(history.repository, ancestor, descendant) : first;
      // The whole history of what was asked for is here now: a descendant that is not in it lies elsewhere.
      if (deeper !== 'unknown' || asked.has(descendant) || (await hasCommit(history.repository, descendant)))
        return deeper;
      asked.add(descendant);
      return (await history.include(descendant)) ? await isAncestor(history.repository, ancestor, descendant) : deeper;
    },
    dispose: async () => {
      const history = await fetched?.catch(() => undefined);
      await history?.dispose();
    },
  };
}

/** Azure Repos' own answer. */
export function restMeans(repos: AzureRepos, address: RepositoryAddress): AncestryMeans {
  return { name: 'rest', isAncestor: (ancestor, descendant) => repos.isAncestor(address, ancestor, descendant) };
}

import { type VerifiedSource, verifySource } from '../core/source/verify-source.ts';
import type { Agent } from '../ports/agent/agent.ts';
import { reposOf } from './commit-status.ts';
import type { Deployment } from './inventory.ts';
import type { SyncOptions } from './options.ts';

/** Only what the protected branch contains reaches the cluster, and nothing older than what is there. */
export async function checkSource(
  agent: Agent,
  options: SyncOptions,
  deployed: Deployment | undefined,
): Promise<VerifiedSource> {
  const repos = reposOf(agent);
  const source = await verifySource({
    agent,
    repositoryFolder: options.repositoryPath ?? agent.workingDirectory,
    paths: localPaths(options),
    // A plan or a drift check of a pull request changes nothing, and is what a reviewer wants to see.
    allowUnmerged: options.allowUnmerged || options.action !== 'sync',
    allowOlder: options.allowOlder || options.action !== 'sync',
    ...(options.protectedBranch !== undefined && { protectedBranch: options.protectedBranch }),
    ...(deployed !== undefined && {
      deployed: {
        commit: deployed.commit,
        ...(deployed.branch !== undefined && { branch: deployed.branch }),
        ...(deployed.repository !== undefined && { repository: deployed.repository }),
      },
    }),
    ...(repos !== undefined && { azureRepos: repos }),
  });
  const subject = source.info === undefined ? '' : `, "${source.info.subject}" by ${source.info.author}`;
  agent.log.info(`Commit ${source.commit.slice(0, 10)} of ${source.repository}${subject}`);
  agent.log.info(
    options.allowUnmerged || options.action !== 'sync'
      ? `Whether ${source.branch} contains it was not asked for.`
      : `${source.branch} contains it (found by ${meansNames[source.ancestry]}).`,
  );
  return source;
}

const meansNames = {
  checkout: 'the checkout',
  fetched: 'fetching the history of commits',
  rest: 'asking Azure Repos',
  none: 'nothing',
} as const;

/** Charts from a registry or a repository are pinned by their digest instead. */
function localPaths(options: SyncOptions): string[] {
  const isRemoteChart =
    options.chartRepository !== undefined || options.manifests.some((path) => path.startsWith('oci://'));
  return [...(isRemoteChart ? [] : options.manifests), ...options.valueFiles];
}

import { printable } from '../core/objects/value-text.ts';
import { cutMiddle } from '../core/reporting/text.ts';
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
    repositoryFolder: options.repositoryPath ?? artifactFolder(agent) ?? agent.workingDirectory,
    paths: localPaths(options),
    allowUnmerged: options.allowUnmerged,
    allowOlder: options.allowOlder,
    // A plan or a drift check changes nothing; of a pull request it is what a reviewer wants to see.
    reportOnly: options.action !== 'sync',
    ...(options.protectedBranch !== undefined && { protectedBranch: options.protectedBranch }),
    ...(deployed !== undefined && {
      deployed: {
        commit: deployed.commit,
        ...(deployed.ref !== undefined && { ref: deployed.ref }),
        ...(deployed.repository !== undefined && { repository: deployed.repository }),
      },
    }),
    ...(repos !== undefined && { azureRepos: repos }),
  });
  const subject = source.info === undefined ? '' : `, "${shown(source.info.subject)}" by ${shown(source.info.author)}`;
  agent.log.info(`Commit ${source.commit.slice(0, 10)} of ${source.repository}${subject}`);
  if (source.ancestry !== 'none')
    agent.log.info(`${source.branch} contains it (found by ${meansNames[source.ancestry]}).`);
  return source;
}

/** Whoever commits chooses these texts and their length. */
function shown(text: string): string {
  return cutMiddle(printable(text), 100);
}

const meansNames = {
  checkout: 'the checkout',
  fetched: 'fetching the history of commits',
  rest: 'asking Azure Repos',
} as const;

/** A classic release has its clones below the working directory: the primary Git artifact, or the only one. */
function artifactFolder(agent: Agent): string | undefined {
  return agent.host.type === 'release' ? agent.host.repository?.localPath : undefined;
}

/** Charts from a registry or a repository are pinned by their digest instead. */
function localPaths(options: SyncOptions): string[] {
  const isRemoteChart =
    options.chartRepository !== undefined || options.manifests.some((path) => path.startsWith('oci://'));
  return [...(isRemoteChart ? [] : options.manifests), ...options.valueFiles];
}

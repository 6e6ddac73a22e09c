import { outcomes, type RunResult } from '../core/plan/result.ts';
import { STATUS_GENRE, syncStatusName } from '../core/record/status-names.ts';
import type { VerifiedSource } from '../core/source/verify-source.ts';
import { messageOf } from '../errors.ts';
import type { Agent } from '../ports/agent/agent.ts';
import { type AzureRepos, azureRepos, type CommitState } from '../ports/azure-devops/azure-repos.ts';
import { afterCancellation } from './after-cancellation.ts';

/** A client of the run's own Azure Repos; undefined where there is none, e.g. in a terminal. */
export function reposOf(agent: Agent, signal = agent.cancelled): AzureRepos | undefined {
  const system = agent.systemConnection();
  const collectionUrl = agent.host.collectionUrl;
  if (system === undefined || collectionUrl === undefined) return undefined;
  return azureRepos({ collectionUrl, token: system.accessToken, network: agent.network, signal });
}

/** Posts `sync/<environment>/<set>` on the commit. A status that cannot be posted costs a warning, never the deployment. */
export async function postStatus(agent: Agent, result: RunResult, source: VerifiedSource): Promise<void> {
  const address = source.azureRepository;
  // Also after a cancellation, within the seconds that are left.
  const repos = reposOf(agent, afterCancellation(agent.cancelled, 4000));
  if (result.action !== 'sync' || address === undefined || repos === undefined) return;
  try {
    await repos.postCommitStatus(address, source.commit, {
      genre: STATUS_GENRE,
      name: syncStatusName(result.set.environment, result.set.name),
      state: stateOf(result),
      description: result.summary,
      ...(agent.host.runUrl !== undefined && { targetUrl: agent.host.runUrl }),
    });
  } catch (error) {
    agent.log.warning(
      `The commit status could not be posted: ${messageOf(error)} The deployment itself is not affected.`,
    );
  }
}

/** `error` is for runs that say nothing about the commit. */
function stateOf(result: RunResult): CommitState {
  // A held commit failed before, and it is not what runs.
  if (result.outcome === 'held' || result.outcome === 'rolledBack') return 'failed';
  if (outcomes[result.outcome] !== 'Failed') return 'succeeded';
  return result.outcome === 'canceled' || result.outcome === 'connectionLost' ? 'error' : 'failed';
}

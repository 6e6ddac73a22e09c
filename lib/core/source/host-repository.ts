import { realpath } from 'node:fs/promises';
import type { Host, HostRepository } from '../../ports/agent/agent.ts';
import { sameRepository } from '../../ports/git/remote-url.ts';

/** What the run says of the repository in a folder. */
export interface HostFacts {
  readonly repository?: HostRepository;
  /** The folder is the one into which the agent itself cloned this repository. */
  readonly ownCheckout: boolean;
}

/**
 * Finds what the run says of the repository that is checked out in a folder: by the folder into which the agent put it, else by the
 * remote's address. A job can check out several repositories and a release can have several Git artifacts; what the run says of one of
 * them is not true of another.
 *
 * @param top the top of the working tree, links resolved
 * @param origin the address that the checkout's configuration has
 */
export async function hostFactsOf(host: Host, top: string, origin: string | undefined): Promise<HostFacts> {
  const known = [...(host.repository === undefined ? [] : [host.repository]), ...(host.sourceArtifacts ?? [])];
  for (const repository of known) {
    if (repository.localPath !== undefined && (await real(repository.localPath)) === top) {
      return { repository, ownCheckout: true };
    }
  }
  const byUrl = known.find(({ url }) => url !== undefined && origin !== undefined && sameRepository(url, origin));
  return byUrl === undefined ? { ownCheckout: false } : { repository: byUrl, ownCheckout: false };
}

async function real(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}

import type { Agent } from '../../ports/agent/agent.ts';
import type { KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import type { SyncSet } from '../sync-set.ts';
import { describeHolder } from './holder.ts';
import { leaseApi } from './lease-api.ts';
import { SyncLock } from './lock.ts';
import { describeWait } from './messages.ts';

export interface HoldOptions {
  /** Ends with a cancellation. */
  readonly client: KubernetesClient;
  /** Goes on for some seconds after one. */
  readonly steady: KubernetesClient;
  /** Milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The lock of a set, held by this run until `release`, which its caller owes. Must come before the inventory is read. What a wait is for
 * is in the log. Throws what `SyncLock.acquire` throws.
 */
export async function holdLock(agent: Agent, set: SyncSet, options: HoldOptions): Promise<SyncLock> {
  const lock = new SyncLock(set, {
    holder: describeHolder(agent.host),
    api: leaseApi(options.client, set),
    steady: leaseApi(options.steady, set),
    onInfo: (text) => agent.log.info(text),
    onWarning: (text) => agent.log.warning(text),
  });
  await lock.acquire({
    signal: agent.cancelled,
    timeoutMs: options.timeoutMs,
    onWait: (wait) => agent.log.info(describeWait(set.name, wait)),
  });
  return lock;
}

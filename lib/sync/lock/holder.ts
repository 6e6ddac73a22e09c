import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Host } from '../../ports/agent/agent.ts';

/** The run as those read it who wait for its lock: `dev.azure.com/org/shop/deploy/build 1234/attempt 2`. */
export function describeHolder(host: Host): string {
  if (host.type === 'terminal') return `${hostname()}/process ${process.pid}`;
  const collection = host.collectionUrl?.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const run = host.runId === undefined ? undefined : `${host.type} ${host.runId}`;
  const attempt = host.attempt === undefined ? undefined : `attempt ${host.attempt}`;
  const parts = [collection, host.project, host.pipelineName, run, host.stageName, attempt];
  return parts.filter((part) => part !== undefined && part !== '').join('/');
}

/**
 * A holder that no other process has: two jobs of one run must not take each other's lock for their own. client-go's own identities end
 * in an id in this way.
 */
export function lockIdentity(holder: string): string {
  return `${holder.replace(/\s+/g, ' ').slice(0, 400)}_${randomBytes(6).toString('hex')}`;
}

/** The holder without what makes it unique. */
export function holderOf(identity: string): string {
  return identity.replace(/_[0-9a-f]{12}$/, '');
}

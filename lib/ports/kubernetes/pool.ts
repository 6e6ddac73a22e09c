import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import type { NetworkSettings } from '../agent/agent.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';

/**
 * One connection pool for one cluster. client-node makes a new agent, and so a TLS handshake, for every request.
 */
export function createPool(
  access: ClusterAccess,
  credentials: ClusterCredentials,
  network: NetworkSettings,
): Dispatcher {
  const tls = {
    ...(access.ca !== undefined && { ca: access.ca }),
    ...(access.ca === undefined && network.ca !== undefined && { ca: network.ca }),
    ...(credentials.cert !== undefined && { cert: credentials.cert }),
    ...(credentials.key !== undefined && { key: credentials.key }),
    ...(access.serverName !== undefined && { servername: access.serverName }),
    rejectUnauthorized: !access.skipTlsVerify,
  };
  const options = { connections: 32, keepAliveTimeout: 30_000, connectTimeout: 15_000 };
  const proxy = access.proxyUrl ?? proxyFor(access.server, network);
  if (proxy === undefined) return new Agent({ ...options, connect: tls });
  const token =
    access.proxyUrl === undefined && network.proxyUsername !== undefined
      ? `Basic ${Buffer.from(`${network.proxyUsername}:${network.proxyPassword ?? ''}`).toString('base64')}`
      : undefined;
  return new ProxyAgent({ ...options, uri: proxy, requestTls: tls, ...(token && { token }) });
}

function proxyFor(server: string, network: NetworkSettings): string | undefined {
  if (network.proxyUrl === undefined) return undefined;
  return network.proxyBypass.some((pattern) => pattern.test(server)) ? undefined : network.proxyUrl;
}

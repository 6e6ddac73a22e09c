import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { NetworkSettings } from '../agent/agent.ts';
import { proxyFor } from '../network/dispatcher.ts';

/** Environment for programs that reach the network by themselves, and what removes its files. */
export interface NetworkEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  dispose(): Promise<void>;
}

/**
 * The agent's proxy and private authorities in the form that Go programs (helm, kustomize, sops) read. `remote` is the address that
 * they will ask, when it is known: it decides by the agent's bypass list, whose regular expressions `NO_PROXY` cannot express. A proxy's
 * password has no other way to them than the environment, which only the same user can read.
 */
export async function networkEnvironment(
  network: NetworkSettings,
  remote: string | undefined,
  tempDirectory: string,
): Promise<NetworkEnvironment> {
  const variables: Record<string, string> = {};
  const isDirect = remote !== undefined && URL.canParse(remote) && proxyFor(new URL(remote), { network }) === undefined;
  if (network.proxyUrl !== undefined && !isDirect) {
    const proxy = new URL(network.proxyUrl);
    if (network.proxyUsername !== undefined) proxy.username = encodeURIComponent(network.proxyUsername);
    if (network.proxyPassword !== undefined) proxy.password = encodeURIComponent(network.proxyPassword);
    Object.assign(variables, { HTTPS_PROXY: proxy.href, HTTP_PROXY: proxy.href, NO_PROXY: 'localhost,127.0.0.1,::1' });
  }
  if (network.ca === undefined) return { variables, dispose: async () => undefined };
  const folder = await mkdtemp(join(tempDirectory, 'gitops-ca-'));
  const file = join(folder, 'authorities.pem');
  // SSL_CERT_FILE takes the place of the system's authorities, so the public ones are put in as well.
  await writeFile(file, [...rootCertificates, network.ca].join('\n'), { mode: 0o600 });
  return {
    variables: { ...variables, SSL_CERT_FILE: file },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

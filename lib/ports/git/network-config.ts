import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { InputError } from '../../errors.ts';
import type { NetworkSettings } from '../agent/agent.ts';
import type { GitConfig } from './git-program.ts';
import { parseRemoteUrl } from './remote-url.ts';

/** How one remote is reached. */
export interface RemoteAccess {
  readonly url: string;
  /** A bearer token for exactly this address; the caller has checked that it belongs there (tokenApplies). */
  readonly token?: string;
  /** A whole http header that the checkout kept for this address, used when there is no token. */
  readonly header?: string;
  readonly network: NetworkSettings;
  /** A folder for files that git needs for a moment: certificate authorities, a client certificate. */
  readonly tempDirectory: string;
  readonly signal?: AbortSignal;
  /** Called with every secret that is derived here, before it is used. */
  readonly maskSecret?: (value: string) => void;
}

/** Files of certificates that git reads, by purpose. */
export interface CertificateFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Git's configuration for one remote. Pure. Headers are set for the whole address, so that nothing else that git contacts gets them, and
 * are first emptied: a checkout that kept its credentials would add a second Authorization header, which Azure DevOps refuses.
 */
export function networkConfig(access: RemoteAccess, files: CertificateFiles = {}): GitConfig[] {
  const remote = parseRemoteUrl(access.url);
  if (remote.transport !== 'http') return [];
  const scope = `http.${withoutUser(access.url)}`;
  const config: GitConfig[] = [];
  const header = access.token === undefined ? access.header : `AUTHORIZATION: bearer ${access.token}`;
  if (header !== undefined) {
    config.push([`${scope}.extraheader`, ''], [`${scope}.extraheader`, header]);
    // A redirect to another host would carry the header along.
    config.push(['http.followRedirects', 'false'], ['credential.helper', '']);
  }
  config.push(['http.proxy', proxyFor(access.url, access.network) ?? '']);
  if (files.cert !== undefined) config.push(['http.sslCert', files.cert]);
  if (files.key !== undefined) config.push(['http.sslKey', files.key]);
  if (access.network.skipCertValidation) config.push(['http.sslVerify', 'false']);
  // A server that sends nothing for a minute is not there.
  config.push(['http.lowSpeedLimit', '1'], ['http.lowSpeedTime', '60']);
  return config;
}

/** `http://user:password@host:port` of the proxy for an address; undefined for a direct connection. */
export function proxyFor(url: string, network: NetworkSettings): string | undefined {
  if (network.proxyUrl === undefined || network.proxyBypass.some((pattern) => pattern.test(url))) return undefined;
  const proxy = URL.canParse(network.proxyUrl) ? new URL(network.proxyUrl) : undefined;
  if (proxy === undefined)
    throw new InputError(`The agent's proxy "${network.proxyUrl}" is not an address such as http://proxy:8080.`);
  if (network.proxyUsername !== undefined) proxy.username = encodeURIComponent(network.proxyUsername);
  if (network.proxyPassword !== undefined) proxy.password = encodeURIComponent(network.proxyPassword);
  return proxy.href;
}

/** Everything secret that networkConfig puts into values, in the form in which it stands there. */
export function secretsOf(access: RemoteAccess): string[] {
  const { token, header, network } = access;
  const password = network.proxyPassword;
  const inUrl = parsedPassword(access.url);
  return [token, header, header?.split(' ').at(-1), password, password && encodeURIComponent(password), inUrl].filter(
    (one): one is string => one !== undefined && one !== '',
  );
}

/** What a git command needs to reach a remote. */
export interface GitNetwork {
  readonly config: readonly GitConfig[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs `action` with git's settings for a remote; the files that they name exist as long as the action runs. */
export async function withNetwork<T>(access: RemoteAccess, action: (network: GitNetwork) => Promise<T>): Promise<T> {
  for (const secret of secretsOf(access)) access.maskSecret?.(secret);
  const { ca, clientCert, clientKey, clientKeyPassphrase } = access.network;
  const secure = parseRemoteUrl(access.url).transport === 'http' && parseRemoteUrl(access.url).secure;
  if (!secure || (ca === undefined && clientCert === undefined)) {
    return await action({ config: networkConfig(access), environment: {} });
  }
  const folder = await mkdtemp(join(access.tempDirectory, 'git-tls-'));
  try {
    const write = async (name: string, text: string): Promise<string> => {
      const file = join(folder, name);
      await writeFile(file, text, { mode: 0o600 });
      return file;
    };
    const files: CertificateFiles = {
      // Git takes one file instead of its own authorities; the agent's come in addition.
      ...(ca === undefined ? {} : { ca: await write('ca.pem', [ca, ...rootCertificates, ''].join('\n')) }),
      ...(clientCert === undefined ? {} : { cert: await write('cert.pem', clientCert) }),
      ...(clientKey === undefined ? {} : { key: await write('key.pem', plainKey(clientKey, clientKeyPassphrase)) }),
    };
    // A variable of the machine stands before git's configuration, so the authorities come in that variable as well.
    const environment = files.ca === undefined ? {} : { GIT_SSL_CAINFO: files.ca };
    return await action({ config: networkConfig(access, files), environment });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Git would ask a person for the key's passphrase. */
function plainKey(key: string, passphrase: string | undefined): string {
  if (passphrase === undefined) return key;
  try {
    return createPrivateKey({ key, passphrase }).export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (cause) {
    throw new InputError("The agent's client certificate key cannot be read with the agent's passphrase.", { cause });
  }
}

/** Git matches configuration by address without user and password unless the pattern has them. */
function withoutUser(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

function parsedPassword(url: string): string | undefined {
  return URL.canParse(url) && new URL(url).password !== '' ? new URL(url).password : undefined;
}

import { readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import type { NetworkSettings } from './agent.ts';
import type { Variables } from './variables.ts';

export interface NetworkReading {
  readonly settings: NetworkSettings;
  /** What could not be used, in words for the log. None of it contains a secret. */
  readonly warnings: readonly string[];
  /** Values to mask before the settings are used. */
  readonly secrets: readonly string[];
}

type ReadFile = (path: string) => string;
type Warn = (text: string) => void;

/**
 * The proxy and certificates that the agent was configured with (`Agent.ProxyUrl`, `Agent.CAInfo` and their relatives), else those
 * that the machine names by convention (`HTTPS_PROXY`, `NO_PROXY`, `NODE_EXTRA_CA_CERTS`). Node's own `fetch`, undici and the
 * Kubernetes client look at none of the agent's.
 */
export function readNetworkSettings(
  variables: Variables,
  env: NodeJS.ProcessEnv,
  readFile: ReadFile = (path) => readFileSync(path, 'utf8'),
): NetworkReading {
  const warnings: string[] = [];
  const warn: Warn = (text) => warnings.push(text);
  const proxy = readProxy(variables, env, warn);
  const files = readCertificates(variables, env, readFile, warn);
  return {
    settings: {
      ...proxy,
      ...files,
      proxyBypass: proxy?.proxyBypass ?? [],
      skipCertValidation: variables.get('Agent.SkipCertValidation')?.toLowerCase() === 'true',
    },
    warnings,
    secrets: secretsOf(proxy, files),
  };
}

type Proxy = Pick<NetworkSettings, 'proxyUrl' | 'proxyUsername' | 'proxyPassword' | 'proxyBypass'>;

function readProxy(variables: Variables, env: NodeJS.ProcessEnv, warn: Warn): Proxy | undefined {
  const agents = variables.get('Agent.ProxyUrl');
  if (agents !== undefined) {
    return parseProxy(agents, 'Agent.ProxyUrl', agentBypass(variables.get('Agent.ProxyBypassList'), warn), warn, {
      username: variables.get('Agent.ProxyUsername'),
      password: variables.get('Agent.ProxyPassword'),
    });
  }
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']) {
    const value = env[name];
    if (value) return parseProxy(value, name, conventionalBypass(env['NO_PROXY'] ?? env['no_proxy'] ?? ''), warn);
  }
  return undefined;
}

function parseProxy(
  text: string,
  name: string,
  proxyBypass: readonly RegExp[],
  warn: Warn,
  credentials: { username?: string | undefined; password?: string | undefined } = {},
): Proxy | undefined {
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `http://${text}`);
  } catch {
    // The text may hold a password, so it is not repeated.
    warn(`${name} is not a URL such as http://proxy.example:8080; connections are made without a proxy.`);
    return undefined;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    warn(
      `${name} names a ${url.protocol}// proxy; only http:// and https:// are supported. Connections are made directly.`,
    );
    return undefined;
  }
  const username = credentials.username ?? decode(url.username);
  const password = credentials.password ?? decode(url.password);
  return {
    proxyUrl: `${url.protocol}//${url.host}`,
    proxyBypass,
    ...(username ? { proxyUsername: username } : {}),
    ...(password ? { proxyPassword: password } : {}),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `Agent.ProxyBypassList` is a JSON array of regular expressions that are tried on the whole URL, without regard to case. */
function agentBypass(text: string | undefined, warn: Warn): RegExp[] {
  if (text === undefined) return [];
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list)) {
    warn(`Agent.ProxyBypassList is not a JSON array of regular expressions: ${text}. Every connection uses the proxy.`);
    return [];
  }
  const result: RegExp[] = [];
  for (const entry of list) {
    try {
      result.push(new RegExp(String(entry), 'i'));
    } catch (error) {
      warn(`The entry ${String(entry)} of the agent's proxy bypass list is left out: ${messageOf(error)}.`);
    }
  }
  return result;
}

/** `NO_PROXY` lists hosts, domains (`.example.com` or `example.com`, with everything below), `host:port` and `*`. */
function conventionalBypass(text: string): RegExp[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      if (entry === '*') return /^/;
      const [, host = entry, port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      const name = host
        .replace(/^\*?\.?/, '')
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '[^/:]*');
      return new RegExp(
        `^[a-z]+://([^/@]*@)?([^/:@]+\\.)?${name}${port === undefined ? '(:\\d+)?' : `:${port}`}(/|$)`,
        'i',
      );
    });
}

type Certificates = Pick<NetworkSettings, 'ca' | 'clientCert' | 'clientKey' | 'clientKeyPassphrase'>;

function readCertificates(variables: Variables, env: NodeJS.ProcessEnv, readFile: ReadFile, warn: Warn): Certificates {
  const read = (name: string, path: string | undefined): string | undefined => {
    if (path === undefined) return undefined;
    try {
      return readFile(path);
    } catch (error) {
      warn(`The file that ${name} names cannot be read and is left out: ${messageOf(error)}.`);
      return undefined;
    }
  };
  const agentCa = read('Agent.CAInfo', variables.get('Agent.CAInfo'));
  // An explicit list of authorities replaces Node's own, to which Node would have added these.
  const extraCa = read('NODE_EXTRA_CA_CERTS', env['NODE_EXTRA_CA_CERTS'] || undefined);
  const ca = [agentCa, extraCa].filter((pem) => pem !== undefined).join('\n');
  const clientCert = read('Agent.ClientCert', variables.get('Agent.ClientCert'));
  const clientKey = read('Agent.ClientCertKey', variables.get('Agent.ClientCertKey'));
  const passphrase = variables.get('Agent.ClientCertPassword');
  return {
    ...(ca === '' ? {} : { ca }),
    ...(clientCert === undefined ? {} : { clientCert }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(passphrase === undefined ? {} : { clientKeyPassphrase: passphrase }),
  };
}

function secretsOf(proxy: Proxy | undefined, files: Certificates): string[] {
  const result: string[] = [];
  if (proxy?.proxyPassword !== undefined) {
    result.push(proxy.proxyPassword, basicCredentials(proxy.proxyUsername ?? '', proxy.proxyPassword));
  }
  if (files.clientKey !== undefined) result.push(files.clientKey);
  if (files.clientKeyPassphrase !== undefined) result.push(files.clientKeyPassphrase);
  return result;
}

/** The part of a `Basic` header after the word, RFC 7617. */
export function basicCredentials(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}

import * as tls from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import type { NetworkSettings } from '../agent/agent.ts';
import { basicCredentials } from '../agent/network.ts';

/** TLS towards the target. What is given here belongs to the target and stands before the agent's settings. */
export interface TargetTls {
  /** PEM. When given, only these authorities are trusted, as a kubeconfig means it. Otherwise the public ones and the agent's. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** The name that the server's certificate must have when it is not the URL's host. */
  readonly servername?: string;
  /** Accept any certificate. */
  readonly insecure?: boolean;
}

export interface DispatcherOptions {
  /** The server's URL; its host decides whether the proxy is used. */
  readonly target: string | URL;
  readonly network: NetworkSettings;
  readonly tls?: TargetTls;
  /** Of the target alone, e.g. a kubeconfig's `proxy-url`; stands before the agent's proxy and its bypass list. */
  readonly proxyUrl?: string;
  /** Connections kept open at the same time. Default 32. */
  readonly connections?: number;
  /** How long an unused connection stays open, in milliseconds. Default 30,000: API servers and their balancers close at 60 s or later. */
  readonly keepAliveTimeout?: number;
  /** For the TCP and TLS handshake, in milliseconds. Default 10,000. */
  readonly connectTimeout?: number;
  /** From the request to the first byte of the answer, in milliseconds. Default 60,000, the longest an API server lets a call take. */
  readonly headersTimeout?: number;
  /** Between two bytes of an answer, in milliseconds; 0 for watches. Default 60,000. A single request can override it. */
  readonly bodyTimeout?: number;
}

/**
 * The one way to open connections: the agent's proxy, private authorities and client certificate are honoured. Make one for a target,
 * use it for every request and close it at the end. Do not hand it to the global `fetch`, whose undici is another version.
 *
 * A CONNECT tunnel is used for http targets too, so that a proxy never sees headers.
 */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const target = new URL(options.target);
  const common = {
    connections: options.connections ?? 32,
    keepAliveTimeout: options.keepAliveTimeout ?? 30_000,
    headersTimeout: options.headersTimeout ?? 60_000,
    bodyTimeout: options.bodyTimeout ?? 60_000,
  };
  const timeout = options.connectTimeout ?? 10_000;
  const connect = { ...targetTls(options.network, options.tls), timeout };
  const proxy = proxyFor(target, options);
  if (proxy === undefined) return new Agent({ ...common, connect });
  return new ProxyAgent({
    ...common,
    uri: proxy.url,
    ...(proxy.token === undefined ? {} : { token: proxy.token }),
    requestTls: connect,
    proxyTls: { ...proxyTls(options.network), timeout },
  });
}

/** The proxy of a target, undefined when it is reached directly. Decided apart from acting, so that a plan can tell it. */
export function proxyFor(
  target: URL,
  options: Pick<DispatcherOptions, 'network' | 'proxyUrl'>,
): { readonly url: string; readonly token?: string } | undefined {
  if (options.proxyUrl !== undefined) {
    const own = new URL(options.proxyUrl);
    const url = `${own.protocol}//${own.host}`;
    if (own.username === '') return { url };
    return { url, token: basic(decodeURIComponent(own.username), decodeURIComponent(own.password)) };
  }
  const { proxyUrl, proxyUsername, proxyPassword, proxyBypass } = options.network;
  if (proxyUrl === undefined || proxyBypass.some((pattern) => pattern.test(target.href))) return undefined;
  if (proxyUsername === undefined) return { url: proxyUrl };
  return { url: proxyUrl, token: basic(proxyUsername, proxyPassword ?? '') };
}

interface TlsOptions {
  readonly ca?: string | string[];
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

function basic(username: string, password: string): string {
  return `Basic ${basicCredentials(username, password)}`;
}

function targetTls(network: NetworkSettings, own: TargetTls = {}): TlsOptions {
  const ca = trustedAuthorities(network, own);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...clientCertificate(network, own),
    ...(own.servername === undefined ? {} : { servername: own.servername }),
    rejectUnauthorized: !(own.insecure === true || (own.ca === undefined && network.skipCertValidation)),
  };
}

/** Whose certificates are accepted; undefined leaves it to Node. */
export function trustedAuthorities(network: NetworkSettings, own: TargetTls = {}): string | string[] | undefined {
  if (own.ca !== undefined) return own.ca;
  // Node takes a given list instead of its own, so private authorities have to be added to the public ones.
  return network.ca === undefined ? undefined : [...defaultAuthorities(), network.ca];
}

function clientCertificate(network: NetworkSettings, own: TargetTls): Partial<TlsOptions> {
  if (own.cert !== undefined || own.key !== undefined) {
    return {
      ...(own.cert === undefined ? {} : { cert: own.cert }),
      ...(own.key === undefined ? {} : { key: own.key }),
      ...(own.passphrase === undefined ? {} : { passphrase: own.passphrase }),
    };
  }
  // The agent's certificate is for Azure DevOps and what stands beside it, not for a target with an authority of its own.
  if (own.ca !== undefined || network.clientCert === undefined || network.clientKey === undefined) return {};
  return {
    cert: network.clientCert,
    key: network.clientKey,
    ...(network.clientKeyPassphrase === undefined ? {} : { passphrase: network.clientKeyPassphrase }),
  };
}

function proxyTls(network: NetworkSettings): TlsOptions {
  const ca = trustedAuthorities(network);
  return { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: !network.skipCertValidation };
}

function defaultAuthorities(): readonly string[] {
  // Node 22.15 and later: also what --use-system-ca adds.
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  return getCACertificates?.('default') ?? tls.rootCertificates;
}

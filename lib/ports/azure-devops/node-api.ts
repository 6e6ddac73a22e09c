/**
 * The quirks of azure-devops-node-api, all in one place. This module is imported at the first call only, because the package is large and
 * many runs never need it; importing the package itself lazily would leave a bundle without its named exports. Of its parts only the client
 * of an area is taken, not `WebApi`, which loads them all.
 */
import { rootCertificates } from 'node:tls';
import { GitApi, type IGitApi } from 'azure-devops-node-api/GitApi.js';
import { BearerCredentialHandler } from 'azure-devops-node-api/handlers/bearertoken.js';
import type { NetworkSettings } from '../agent/agent.ts';
import { HttpAnswer } from './http-answer.ts';

export interface Connection {
  /** `https://dev.azure.com/org/`: the collection, never the Release Management host that a classic release also names. */
  readonly collectionUrl: string;
  readonly token: string;
  readonly network: NetworkSettings;
}

const SOCKET_TIMEOUT = 30_000;
/** The newest released one; Azure DevOps Server knows it from 2022.1. */
const REST_VERSION = '7.1';
export const USER_AGENT = 'gitops-for-azure-pipelines';

/** The package's client of Git repositories, made to behave: see the functions below for what it would do otherwise. */
export function connectGitApi(connection: Connection): IGitApi {
  // false: a redirect to another host must not carry the token along; the package's default is true.
  const handler = new BearerCredentialHandler(connection.token, false);
  const api = new GitApi(
    withSlash(connection.collectionUrl),
    [handler],
    requestOptions(connection.network),
    USER_AGENT,
  );
  trustAuthorities(api.rest.client, connection.network);
  answerStrictly(api.rest);
  return api;
}

/**
 * Reads JSON of an area for which the package has no client, or only one that turns names into numbers. `url` is within the connection's
 * collection: the token goes there and nowhere else.
 */
export async function getJson(api: IGitApi, url: string): Promise<unknown> {
  const { rest } = api as unknown as { rest: { get(url: string, options: object): Promise<{ result: unknown }> } };
  return (await rest.get(url, { acceptHeader: `application/json;api-version=${REST_VERSION}` })).result;
}

/** The options that the package's HTTP layer understands. */
function requestOptions(network: NetworkSettings) {
  return {
    socketTimeout: SOCKET_TIMEOUT,
    // A redirect is the sign-in page: it means that the token was not accepted.
    allowRedirects: false,
    ignoreSslError: network.skipCertValidation,
    // An address is always given, else the package falls back to HTTP_PROXY; the agent's settings decide, nothing else.
    proxy: {
      proxyUrl: network.proxyUrl ?? '',
      ...(network.proxyUsername === undefined ? {} : { proxyUsername: network.proxyUsername }),
      ...(network.proxyPassword === undefined ? {} : { proxyPassword: network.proxyPassword }),
      proxyBypassHosts: network.proxyBypass.map((pattern) => pattern.source),
    },
    // Present, so that the package looks at its certificate fields at all; trustAuthorities fills them.
    cert: network.clientKeyPassphrase === undefined ? {} : { passphrase: network.clientKeyPassphrase },
  };
}

/** The package reads certificates from files only, and then trusts nothing but them. Its own fields take the texts as well. */
function trustAuthorities(client: object, network: NetworkSettings): void {
  Object.assign(client, {
    ...(network.ca === undefined ? {} : { _ca: [...rootCertificates, network.ca] }),
    ...(network.clientCert === undefined ? {} : { _cert: network.clientCert }),
    ...(network.clientKey === undefined ? {} : { _key: network.clientKey }),
  });
}

interface RawAnswer {
  readonly message: { readonly statusCode?: number; readonly headers: Record<string, string | string[] | undefined> };
  readBody(): Promise<string>;
}

/**
 * The package answers null, as if nothing were there, for 404, for the HTML sign-in page that comes with 203, and for a body that was cut
 * off on its way. Each of them becomes an error here.
 */
function answerStrictly(rest: object): void {
  const processResponse = async (raw: RawAnswer) => {
    const status = raw.message.statusCode ?? 0;
    const text = await raw.readBody();
    const body = parse(text);
    if (status >= 200 && status < 300 && status !== 203 && (body !== undefined || text === '')) {
      return { statusCode: status, result: body ?? null, headers: raw.message.headers };
    }
    const { message, typeKey } = (body ?? {}) as { message?: unknown; typeKey?: unknown };
    throw new HttpAnswer(
      status,
      typeof message === 'string' ? message : '',
      typeof typeKey === 'string' ? typeKey : '',
      retryAfter(raw.message.headers['retry-after']),
    );
  };
  Object.assign(rest, { processResponse });
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function retryAfter(header: string | string[] | undefined): number | undefined {
  const seconds = Number(Array.isArray(header) ? header[0] : header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

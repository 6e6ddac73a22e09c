import { gunzipSync } from 'node:zlib';
import { type Dispatcher, errors, request } from 'undici';
import { CancelledError, InputError, messageOf, UnreachableError } from '../../errors.ts';
import type { NetworkSettings } from '../agent/agent.ts';
import { createDispatcher } from '../network/dispatcher.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';
import type { RequestStatistics } from './kubernetes-client.ts';
import { KubernetesError, KubernetesNotPermittedError, type Status } from './kubernetes-error.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** The word that statistics count it under: `list`, `watch`, `apply`, ... */
  readonly verb: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  /** Sending it twice does no harm. */
  readonly repeatable: boolean;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface TransportOptions {
  readonly network: NetworkSettings;
  /** Ends every request of this transport. */
  readonly signal?: AbortSignal;
  /** How long a request is tried again while the server is overloaded or away. Milliseconds. */
  readonly retryBudget?: number;
  /** Called once when the first retry of a request begins, so that a slow run explains itself. */
  readonly onRetry?: (message: string) => void;
}

const json = 'application/json';
/** Server-side apply of a large custom resource can take 34 s (kubernetes/kubernetes#102749). */
const headersTimeout = 75_000;

/** Requests to one cluster over one connection pool: credentials and their renewal, retries, and errors in our words. */
export class Transport {
  readonly statistics: RequestStatistics = { total: 0, retries: 0, byVerb: {} };
  readonly #access: ClusterAccess;
  readonly #options: TransportOptions;
  #answered = false;
  #pool: { readonly dispatcher: Dispatcher; readonly identity: string } | undefined;

  constructor(access: ClusterAccess, options: TransportOptions) {
    this.#access = access;
    this.#options = options;
  }

  /** The answer, whatever its status below 400; throws the errors of this port for all others. */
  async send(wanted: HttpRequest): Promise<HttpResponse> {
    // Before the first answer a wrong address is likelier than an outage.
    const budget = this.#options.retryBudget ?? (this.#answered ? 60_000 : 10_000);
    const deadline = Date.now() + budget;
    let renewed = false;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#attempt(wanted, renewed && attempt > 0);
      if (outcome.response) this.#answered = true;
      if (outcome.response && outcome.response.status < 400) return outcome.response;
      if (outcome.response?.status === 401 && !renewed) {
        renewed = true;
        continue;
      }
      const failure = outcome.error ?? this.#refusal(wanted, outcome.response as HttpResponse);
      const wait = waitBefore(outcome, wanted, attempt);
      if (wait === undefined || Date.now() + wait > deadline) throw failure;
      if (attempt === 0) this.#options.onRetry?.(`${this.#access.server}: ${messageOf(failure)} Trying again.`);
      this.statistics.retries += 1;
      await pause(wait, this.#signalOf(wanted));
    }
  }

  /** A body that is read while it comes. The caller destroys it; errors and the end come through it. */
  async stream(wanted: HttpRequest): Promise<Dispatcher.ResponseData['body']> {
    for (let renewed = false; ; renewed = true) {
      const response = await this.#request(wanted, renewed, 0);
      if (response.statusCode < 400) return response.body;
      const text = await response.body.text();
      if (response.statusCode === 401 && !renewed) continue;
      throw this.#refusal(wanted, { status: response.statusCode, headers: response.headers, text });
    }
  }

  async close(): Promise<void> {
    await this.#pool?.dispatcher.destroy();
    this.#pool = undefined;
  }

  async #attempt(
    wanted: HttpRequest,
    refresh: boolean,
  ): Promise<{ response?: HttpResponse; error?: Error; connection?: boolean }> {
    try {
      const response = await this.#request(wanted, refresh, headersTimeout);
      const bytes = Buffer.from(await response.body.arrayBuffer());
      const zipped = response.headers['content-encoding'] === 'gzip';
      const text = (zipped ? gunzipSync(bytes) : bytes).toString('utf8');
      return { response: { status: response.statusCode, headers: response.headers, text } };
    } catch (error) {
      if (this.#signalOf(wanted)?.aborted) throw new CancelledError();
      if (!isConnectionFailure(error)) throw error;
      const failure = unreachable(this.#access.server, error);
      // A certificate that does not fit will not fit the next time either.
      return { error: failure, connection: failure instanceof UnreachableError };
    }
  }

  async #request(wanted: HttpRequest, refresh: boolean, bodyTimeout: number): Promise<Dispatcher.ResponseData> {
    const signal = this.#signalOf(wanted);
    if (signal?.aborted) throw new CancelledError();
    const credentials = await this.#access.credentials({ refresh, ...(signal && { signal }) });
    this.statistics.total += 1;
    this.statistics.byVerb[wanted.verb] = (this.statistics.byVerb[wanted.verb] ?? 0) + 1;
    return request(this.#access.server + wanted.path, {
      dispatcher: this.#dispatcherFor(credentials),
      method: wanted.method,
      headers: {
        accept: wanted.accept ?? json,
        'accept-encoding': wanted.verb === 'watch' ? 'identity' : 'gzip',
        'user-agent': 'gitops-for-azure-pipelines',
        ...(credentials.authorization && { authorization: credentials.authorization }),
        ...(wanted.body !== undefined && { 'content-type': wanted.contentType ?? json }),
      },
      headersTimeout,
      bodyTimeout,
      ...(wanted.body !== undefined && { body: wanted.body }),
      ...(signal && { signal }),
    });
  }

  #signalOf(wanted: HttpRequest): AbortSignal | undefined {
    return wanted.signal ?? this.#options.signal;
  }

  /** A credential plugin can hand out a new client certificate, which needs a new pool. */
  #dispatcherFor(credentials: ClusterCredentials): Dispatcher {
    const identity = credentials.cert ?? '';
    if (this.#pool?.identity !== identity) {
      const old = this.#pool?.dispatcher;
      this.#pool = { identity, dispatcher: this.#open(credentials) };
      // Its requests under way end by themselves; a failure to close an idle pool concerns nobody.
      old?.close().catch(() => undefined);
    }
    return this.#pool.dispatcher;
  }

  #open(credentials: ClusterCredentials): Dispatcher {
    const access = this.#access;
    return createDispatcher({
      target: access.server,
      network: this.#options.network,
      tls: {
        insecure: access.skipTlsVerify,
        ...(access.ca !== undefined && { ca: access.ca }),
        ...(access.serverName !== undefined && { servername: access.serverName }),
        ...(credentials.cert !== undefined && { cert: credentials.cert }),
        ...(credentials.key !== undefined && { key: credentials.key }),
      },
      ...(access.proxyUrl !== undefined && { proxyUrl: access.proxyUrl }),
      headersTimeout,
    });
  }

  #refusal(wanted: HttpRequest, response: HttpResponse): Error {
    const status = statusBody(response);
    const said = status?.message ?? `HTTP ${response.status} ${response.text.slice(0, 300)}`.trim();
    const who = `${this.#access.server} (${this.#access.identity})`;
    if (response.status === 401) {
      return new KubernetesNotPermittedError(
        `${who} did not accept who we are (401: ${said}). The token or certificate of the connection is wrong, expired or of another cluster.`,
        401,
      );
    }
    if (response.status === 403)
      return new KubernetesNotPermittedError(`Not permitted by ${this.#access.server}: ${said}`, 403);
    if (status === undefined && response.status === 404 && !wanted.path.startsWith('/api')) {
      return new InputError(
        `${this.#access.server} is not a Kubernetes API server: ${wanted.path} is not found there.`,
      );
    }
    return new KubernetesError(said, response.status, status);
  }
}

function statusBody(response: HttpResponse): Status | undefined {
  try {
    const body = JSON.parse(response.text) as Status;
    return body.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds until the next attempt; undefined when the answer is final. */
function waitBefore(
  outcome: { response?: HttpResponse; connection?: boolean },
  wanted: HttpRequest,
  attempt: number,
): number | undefined {
  const backoff = Math.min(8000, 250 * 2 ** attempt) * (0.75 + Math.random() / 2);
  if (outcome.connection) {
    // Whether a lost request arrived is unknown; only what is repeatable may be sent again.
    return wanted.repeatable ? backoff : undefined;
  }
  const response = outcome.response;
  if (response === undefined) return undefined;
  const named = Number(response.headers['retry-after']) * 1000;
  if (response.status === 429) return Number.isFinite(named) && named > 0 ? named : backoff;
  if (!wanted.repeatable || response.status < 500) return undefined;
  const temporary =
    response.status > 500 || /leader changed|failed calling webhook|timed out|timeout/i.test(response.text);
  if (!temporary || response.status === 501) return undefined;
  return Number.isFinite(named) && named > 0 ? named : backoff;
}

const connectionCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNABORTED',
]);

function isConnectionFailure(error: unknown): boolean {
  if (error instanceof errors.UndiciError) return !(error instanceof errors.InvalidArgumentError);
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return connectionCodes.has(code) || isCertificateFailure(code);
}

function isCertificateFailure(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER|ERR_TLS|ERR_SSL|^EPROTO$/.test(code);
}

function unreachable(server: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const detail = messageOf(error);
  if (isCertificateFailure(code)) {
    return new InputError(
      `${server} could not be trusted: ${detail}. The connection's certificate authority does not fit this server; put the cluster's CA into the connection.`,
      { cause: error },
    );
  }
  const advice =
    code === 'ENOTFOUND' || code === 'EAI_AGAIN'
      ? 'The name is not known to this agent: check the address, and for a private cluster use an agent in its network.'
      : 'Check that the agent can reach the address (private cluster, firewall, proxy) and that the cluster is running.';
  return new UnreachableError(`No answer from ${server}: ${detail || code}. ${advice}`, { cause: error });
}

/** Resolves after the time, or throws CancelledError as soon as the signal is aborted. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new CancelledError());
      return;
    }
    const cancel = () => {
      clearTimeout(timer);
      reject(new CancelledError());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', cancel);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

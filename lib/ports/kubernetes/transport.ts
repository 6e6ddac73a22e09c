import { setMaxListeners } from 'node:events';
import { type Dispatcher, request } from 'undici';
import { CancelledError, messageOf, UnreachableError } from '../../errors.ts';
import type { NetworkSettings } from '../agent/agent.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';
import { type HttpResponse, jsonOf, readAnswer, refusalOf, type Sender } from './answer.ts';
import { connectionFailure } from './connection-failure.ts';
import { ConnectionPools } from './connection-pools.ts';
import type { Json, RequestStatistics } from './kubernetes-client.ts';
import { type AttemptOutcome, exponentialBackoff, orCancelled, pause, waitBefore } from './retry.ts';

export { pause } from './retry.ts';

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
  /** The answer is text and not a JSON object. */
  readonly plainText?: boolean;
  /** For a request that may fail without harm: tried again for so many milliseconds only. */
  readonly retryBudget?: number;
  readonly signal?: AbortSignal;
}

export interface TransportOptions {
  readonly network: NetworkSettings;
  /** Ends every request of this transport. */
  readonly signal?: AbortSignal;
  /** How long a request is tried again while the server is overloaded or away. Milliseconds. Default: 10 s before the first answer, else 60 s. */
  readonly retryBudget?: number;
  /** Called when retries begin, once until none is under way, so that a slow run explains itself. */
  readonly onRetry?: (message: string) => void;
  /** Milliseconds before the attempt after this one (from 0). For tests. */
  readonly backoff?: (attempt: number) => number;
}

const json = 'application/json';
/** Server-side apply of a large custom resource can take 34 s (kubernetes/kubernetes#102749). */
const answerTimeout = 75_000;
/** Watches are closed by the server sooner (`timeoutSeconds`); what is silent for longer is a dead connection. */
const streamTimeout = 330_000;

/** An answer of 2xx. */
export interface Answer extends HttpResponse {
  /** Empty for plain text. */
  readonly json: Json;
}

interface Attempt extends AttemptOutcome {
  readonly response?: Answer;
  readonly error?: Error;
  readonly credentials?: ClusterCredentials;
}

/** Requests to one cluster over one connection pool: credentials and their renewal, retries, and errors in our words. */
export class Transport {
  readonly statistics: RequestStatistics = { total: 0, retries: 0, byVerb: {} };
  readonly #access: ClusterAccess;
  readonly #options: TransportOptions;
  readonly #pools: ConnectionPools;
  #answered = false;
  #closed = false;
  /** Requests that are being tried again. */
  #retrying = 0;
  #renewal: Promise<ClusterCredentials> | undefined;

  constructor(access: ClusterAccess, options: TransportOptions) {
    this.#access = access;
    this.#options = options;
    this.#pools = new ConnectionPools(access, options.network, answerTimeout);
  }

  /** The answer, whose status is 2xx; throws the errors of this port for all others. */
  async send(wanted: HttpRequest): Promise<Answer> {
    const started = Date.now();
    const signal = this.#signalOf(wanted);
    let refused: ClusterCredentials | undefined;
    let retrying = false;
    try {
      for (let attempt = 0; ; attempt += 1) {
        const outcome = await this.#attempt(wanted, signal, refused);
        if (outcome.response !== undefined) return outcome.response;
        if (outcome.status === 401 && refused === undefined && outcome.credentials !== undefined) {
          refused = outcome.credentials;
          // A token that nobody can renew is not sent a second time.
          if (!isSame(await this.#credentials(refused, signal), refused)) continue;
        }
        const wait = waitBefore(outcome, wanted, (this.#options.backoff ?? exponentialBackoff)(attempt));
        const remaining = started + this.#budgetOf(wanted) - Date.now();
        if (wait === undefined || wait > remaining) throw outcome.error;
        if (!retrying) {
          retrying = true;
          this.#retrying += 1;
          if (this.#retrying === 1) this.#tell(outcome.error, remaining);
        }
        this.statistics.retries += 1;
        await pause(wait, signal);
      }
    } finally {
      if (retrying) this.#retrying -= 1;
    }
  }

  /** A body that is read while it comes. The caller destroys it; errors and the end come through it. */
  async stream(wanted: HttpRequest): Promise<Dispatcher.ResponseData['body']> {
    const signal = this.#signalOf(wanted);
    let refused: ClusterCredentials | undefined;
    for (;;) {
      try {
        const credentials = await this.#credentials(refused, signal);
        const response = await this.#request(wanted, credentials, signal, true);
        this.#answered = true;
        if (response.statusCode < 300) return response.body;
        const answer = await readAnswer(response);
        const refusal = refusalOf(answer, this.#sender(wanted));
        if (response.statusCode !== 401 || refused !== undefined) throw refusal;
        refused = credentials;
        if (isSame(await this.#credentials(refused, signal), refused)) throw refusal;
      } catch (error) {
        throw this.#failureOf(error, signal).error;
      }
    }
  }

  /** Ends what is under way with CancelledError, so that the process can end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pools.destroy();
  }

  async #attempt(wanted: HttpRequest, signal?: AbortSignal, refused?: ClusterCredentials): Promise<Attempt> {
    // Not tried again here: plugins and cloud ports know best which of their failures pass.
    const credentials = await this.#credentials(refused, signal);
    try {
      const response = await readAnswer(await this.#request(wanted, credentials, signal, false));
      this.#answered = true;
      const { status, text } = response;
      if (status < 300) {
        if (wanted.plainText) return { response: { ...response, json: {} } };
        return { response: { ...response, json: jsonOf(response, this.#sender(wanted)) } };
      }
      const error = refusalOf(response, this.#sender(wanted));
      return { status, text, retryAfter: headerOf(response, 'retry-after'), error, credentials };
    } catch (error) {
      return this.#failureOf(error, signal);
    }
  }

  #failureOf(error: unknown, signal?: AbortSignal): { error: Error; temporary: boolean; sent: boolean } {
    if (signal?.aborted) throw new CancelledError();
    if (this.#closed) throw closed(this.#access.server);
    if (error instanceof UnreachableError) return { error, temporary: true, sent: true };
    const failure = connectionFailure(this.#access.server, error);
    if (failure === undefined) throw error;
    return failure;
  }

  async #request(
    wanted: HttpRequest,
    credentials: ClusterCredentials,
    signal: AbortSignal | undefined,
    stream: boolean,
  ): Promise<Dispatcher.ResponseData> {
    if (signal?.aborted) throw new CancelledError();
    if (this.#closed) throw closed(this.#access.server);
    this.statistics.total += 1;
    this.statistics.byVerb[wanted.verb] = (this.statistics.byVerb[wanted.verb] ?? 0) + 1;
    return request(this.#access.server + wanted.path, {
      dispatcher: this.#pools.of(credentials, stream),
      method: wanted.method,
      headers: {
        accept: wanted.accept ?? json,
        'accept-encoding': stream ? 'identity' : 'gzip',
        'user-agent': 'gitops-for-azure-pipelines',
        ...this.#access.impersonation,
        ...(credentials.authorization && { authorization: credentials.authorization }),
        ...(wanted.body !== undefined && { 'content-type': wanted.contentType ?? json }),
      },
      headersTimeout: answerTimeout,
      bodyTimeout: stream ? streamTimeout : answerTimeout,
      ...(wanted.body !== undefined && { body: wanted.body }),
      ...(signal && { signal }),
    });
  }

  /** After a refusal: newer ones, asked for once by all requests that were refused with the same. */
  async #credentials(refused: ClusterCredentials | undefined, signal?: AbortSignal): Promise<ClusterCredentials> {
    const common = this.#options.signal;
    // Whoever asks first must not end it for the others, so it is not the request's own signal.
    const ask = (refresh: boolean) => this.#access.credentials({ refresh, ...(common && { signal: common }) });
    const current = await orCancelled(ask(false), signal);
    if (refused === undefined || !isSame(current, refused)) return current;
    this.#renewal ??= ask(true).finally(() => {
      this.#renewal = undefined;
    });
    return orCancelled(this.#renewal, signal);
  }

  #signalOf(wanted: HttpRequest): AbortSignal | undefined {
    const { signal } = this.#options;
    const own = wanted.signal;
    const combined = own === undefined || signal === undefined ? (own ?? signal) : AbortSignal.any([own, signal]);
    // Every request under way listens to it; Node warns of more than ten.
    if (combined !== undefined) setMaxListeners(0, combined);
    return combined;
  }

  /** Before the first answer a wrong address is likelier than an outage. */
  #budgetOf(wanted: HttpRequest): number {
    const budget = this.#options.retryBudget ?? (this.#answered ? 60_000 : 10_000);
    return Math.min(budget, wanted.retryBudget ?? budget);
  }

  #tell(error: unknown, remaining: number): void {
    this.#options.onRetry?.(
      `${this.#access.server}: ${messageOf(error)} Trying again for up to ${Math.ceil(remaining / 1000)} s.`,
    );
  }

  #sender(wanted: HttpRequest): Sender {
    return { server: this.#access.server, identity: this.#access.identity, path: wanted.path };
  }
}

function closed(server: string): CancelledError {
  return new CancelledError(`The connection to ${server} was closed.`);
}

function isSame(a: ClusterCredentials, b: ClusterCredentials): boolean {
  return a.authorization === b.authorization && a.cert === b.cert;
}

function headerOf(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

import { CancelledError } from '../../errors.ts';

/** What came of one attempt, as far as it decides whether there is another. */
export interface AttemptOutcome {
  /** HTTP status; undefined when no usable answer came. */
  readonly status?: number;
  readonly retryAfter?: string | undefined;
  readonly text?: string;
  /** Without an answer: another attempt may go better. */
  readonly temporary?: boolean;
  /** Without an answer: the request may have reached the server, so what became of it is unknown. */
  readonly sent?: boolean;
}

/** Milliseconds before attempt `attempt + 1`: 250 ms doubled up to 8 s, spread by a quarter so that parallel requests part. */
export function exponentialBackoff(attempt: number): number {
  return Math.min(8000, 250 * 2 ** attempt) * (0.75 + Math.random() / 2);
}

/**
 * Milliseconds until the next attempt; undefined when the outcome is final. A request that is not repeatable is sent again only
 * when the server certainly did not act on it: no connection was made, or the server was too busy (429).
 */
export function waitBefore(
  outcome: AttemptOutcome,
  request: { readonly repeatable: boolean },
  backoff: number,
): number | undefined {
  const { status } = outcome;
  if (status === undefined) {
    return outcome.temporary && (request.repeatable || !outcome.sent) ? backoff : undefined;
  }
  const wait = retryAfter(outcome.retryAfter) ?? backoff;
  if (status === 429) return wait;
  if (!request.repeatable || status < 500 || status === 501) return undefined;
  if (status > 500) return wait;
  return /leader changed|failed calling webhook|timed out|timeout/i.test(outcome.text ?? '') ? wait : undefined;
}

/** Seconds of a Retry-After header, in milliseconds. API servers send no dates. */
function retryAfter(value: string | undefined): number | undefined {
  const seconds = Number(value);
  return value !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
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

/** What the promise gives, or CancelledError as soon as the signal is aborted; the promise goes on for others. */
export async function orCancelled<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const waiting = new AbortController();
  try {
    return await new Promise<T>((resolve, reject) => {
      if (signal.aborted) reject(new CancelledError());
      signal.addEventListener('abort', () => reject(new CancelledError()), { once: true, signal: waiting.signal });
      promise.then(resolve, reject);
    });
  } finally {
    waiting.abort();
  }
}

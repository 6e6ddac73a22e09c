import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from '../../errors.ts';
import { HttpAnswer } from './http-answer.ts';

export interface RetryOptions {
  readonly signal?: AbortSignal;
  /** Tries in all. */
  readonly tries?: number;
  /** Milliseconds before the second try; doubled for each further one. */
  readonly delay?: number;
}

/** The service asks for at most this; a longer Retry-After is not waited for, since the deployment itself is done by then. */
const LONGEST_WAIT = 30_000;

/**
 * Repeats a call that may be repeated: no answer, 429 and 502 to 504. A 500 is an answer about this request and is not repeated.
 * The package's own retries know neither 429 nor Retry-After and wait milliseconds.
 */
export async function withRetry<T>(call: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const tries = options.tries ?? 3;
  for (let attempt = 1; ; attempt++) {
    if (options.signal?.aborted === true) throw new CancelledError();
    try {
      return await abortable(call(), options.signal);
    } catch (error) {
      if (error instanceof CancelledError || attempt >= tries || !mayRepeat(error)) throw error;
      const asked = error instanceof HttpAnswer ? error.retryAfter : undefined;
      const wait = asked === undefined ? (options.delay ?? 1000) * 2 ** (attempt - 1) : asked * 1000;
      if (wait > LONGEST_WAIT) throw error;
      await abortable(
        sleep(wait, undefined, options.signal === undefined ? {} : { signal: options.signal }),
        options.signal,
      );
    }
  }
}

function mayRepeat(error: unknown): boolean {
  if (error instanceof HttpAnswer) return error.status === 429 || (error.status >= 502 && error.status <= 504);
  const code = (error as NodeJS.ErrnoException).code;
  return (
    code !== undefined && /^(?:ECONN|EPIPE|ETIMEDOUT|ESOCKETTIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)/.test(code)
  );
}

/** The package cannot abort a request: the wait for it ends, the socket's own timeout does the rest. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new CancelledError());
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    throw error;
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

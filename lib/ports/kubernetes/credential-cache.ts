import { CancelledError } from '../../errors.ts';

/** How a credential is asked for: `refresh` after the server refused the last one. */
export interface CredentialRequest {
  readonly refresh: boolean;
  readonly signal?: AbortSignal;
}

/** When a credential ends and when it is to be renewed. Neither: it is kept for good. */
export interface Lifetime {
  readonly expiresAt?: Date;
  /** For what may change before it expires, such as a token in a file. */
  readonly renewAt?: Date;
}

interface Held<T> {
  readonly value: Promise<T>;
  /** Milliseconds since 1970; infinite while it is being asked for, so that many askers ask once. */
  renewAt: number;
  expiresAt: number;
}

/** When a renewal failed and the old credential still holds, it is tried again after this. */
const failedRenewalPause = 10_000;

/**
 * Asks once for what many requests need and keeps it until shortly before it expires. A renewal that fails while the old
 * credential is still good fails nobody. A failure is never kept.
 *
 * `margin` in milliseconds is cut to a fifth of a short lifetime: a plugin that hands out what it has cached would otherwise be
 * run for every request of the last minute.
 */
export function keepUntilExpiry<T extends Lifetime>(
  ask: (request: CredentialRequest) => Promise<T>,
  margin: number,
  now: () => number = () => Date.now(),
): (request: CredentialRequest) => Promise<T> {
  let held: Held<T> | undefined;

  const start = (request: CredentialRequest): Held<T> => {
    const fallback = held !== undefined && !request.refresh && now() < held.expiresAt ? held : undefined;
    const asked: Held<T> = {
      value: ask(request).catch((error: unknown) => {
        if (fallback === undefined || request.signal?.aborted) throw error;
        fallback.renewAt = now() + failedRenewalPause;
        if (held === asked) held = fallback;
        return fallback.value;
      }),
      renewAt: Number.POSITIVE_INFINITY,
      expiresAt: Number.POSITIVE_INFINITY,
    };
    asked.value.then(
      (value) => {
        asked.expiresAt = value.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
        const lifetime = asked.expiresAt - now();
        asked.renewAt = value.renewAt?.getTime() ?? asked.expiresAt - Math.min(margin, Math.max(0, lifetime / 5));
      },
      () => {
        if (held === asked) held = undefined;
      },
    );
    return asked;
  };

  return async (request) => {
    for (;;) {
      if (held === undefined || request.refresh || now() >= held.renewAt) held = start(request);
      try {
        return await held.value;
      } catch (error) {
        // Another asker was cancelled while this one waited for the same answer.
        if (!(error instanceof CancelledError) || request.signal?.aborted || request.refresh) throw error;
      }
    }
  };
}

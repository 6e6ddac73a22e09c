import { CancelledError, GitOpsError, messageOf } from '../../errors.ts';
import { statusOf } from '../../ports/kubernetes/kubernetes-error.ts';
import type { Clock } from './clock.ts';
import { oneLine } from './foreign-text.ts';

/** Reads what may be unreadable: what could not be had is undefined, and noted once. */
export interface CarefulReader {
  /** `what` stands in "... could not be read". */
  read<T>(what: string, action: () => Promise<T>): Promise<T | undefined>;
  readonly notes: readonly string[];
}

export interface CarefulReaderOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For all reads together: who explains a failure must not fail to end. */
  readonly timeoutMs: number;
}

const LATE: unique symbol = Symbol('late');

/** Throws CancelledError after the signal was aborted, and what is a bug; nothing else. */
export function createCarefulReader({ clock, signal, timeoutMs }: CarefulReaderOptions): CarefulReader {
  const notes = new Set<string>();
  const deadline = clock.now() + timeoutMs;
  return {
    get notes() {
      return [...notes];
    },
    read: async (what, action) => {
      if (signal.aborted) throw new CancelledError();
      const answered = new AbortController();
      const stop = (): void => answered.abort();
      signal.addEventListener('abort', stop, { once: true });
      const late = clock.sleep(Math.max(0, deadline - clock.now()), answered.signal).then((): typeof LATE => LATE);
      try {
        const value = await Promise.race([action(), late]);
        if (signal.aborted) throw new CancelledError();
        if (value !== LATE) return value;
        notes.add(`${what} could not be read: the cluster did not answer in time.`);
        return undefined;
      } catch (error) {
        if (signal.aborted || error instanceof CancelledError) throw new CancelledError();
        if (!(error instanceof GitOpsError)) throw error;
        const why = statusOf(error) === 403 ? 'not permitted' : 'failed';
        notes.add(`${what} could not be read (${why}): ${oneLine(messageOf(error))}`);
        return undefined;
      } finally {
        signal.removeEventListener('abort', stop);
        answered.abort();
      }
    },
  };
}

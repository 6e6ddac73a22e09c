import type { Clock } from './clock.ts';

/** Lets one loop sleep until something happens. */
export interface Wake {
  readonly call: () => void;
  /** Resolves after the time, or soon after a call; a call that came while nobody slept counts. */
  sleep(milliseconds: number): Promise<void>;
}

/** What happens within so short a time is told together. */
const GATHER_MS = 50;

export function createWake(clock: Clock, signal: AbortSignal): Wake {
  let called = false;
  let nap: AbortController | undefined;
  return {
    call: () => {
      called = true;
      nap?.abort();
    },
    sleep: async (milliseconds) => {
      if (!called) {
        nap = new AbortController();
        await clock.sleep(milliseconds, nap.signal);
      }
      if (called) await clock.sleep(GATHER_MS, signal);
      called = false;
    },
  };
}

import { UnreachableError } from '../../errors.ts';
import { type Clock, systemClock } from '../health-wait/clock.ts';

/** Adds a clock that is never set: only differences of its milliseconds mean anything. */
export interface LockClock extends Clock {
  monotonic(): number;
}

export const systemLockClock: LockClock = { ...systemClock, monotonic: () => performance.now() };

/** Ends what does not answer in time, with UnreachableError, and with `also` as the action itself ends then. */
export async function withDeadline<T>(
  clock: LockClock,
  milliseconds: number,
  action: (signal: AbortSignal) => Promise<T>,
  also: AbortSignal,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  void clock.sleep(milliseconds, done.signal).then(() => {
    if (!done.signal.aborted) late.abort();
  });
  try {
    return await action(AbortSignal.any([late.signal, also]));
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new UnreachableError(`no answer within ${milliseconds / 1000} s.`, { cause: error });
  } finally {
    done.abort();
  }
}

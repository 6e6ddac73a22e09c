import { fitsAny } from '../../core/own-files/pattern.ts';
import { type FreezeWindow, scheduleOf } from './windows.ts';

/** A window that is open now. */
export interface ActiveFreeze {
  readonly window: FreezeWindow;
  readonly since: Date;
  /** When the window is over; where it begins anew before it ends, when all of that is over. Undefined: no end is in sight. */
  readonly until?: Date;
}

export interface Freezable {
  readonly environment: string;
  readonly set: string;
  readonly action: string;
}

/** Two and a half years of days, a month of hours: beyond this nobody waits for the end. */
const mostBeginnings = 1_000;

/** The windows that stop something now, the one that lasts longest first. Pure. */
export function activeFreezes(windows: readonly FreezeWindow[], now: Date, run: Freezable): ActiveFreeze[] {
  return windows
    .filter((window) => concerns(window, run))
    .flatMap((window) => activeNow(window, now) ?? [])
    .sort((a, b) => endOf(b) - endOf(a));
}

/** The window that lasts longest of those that stop something now. */
export function activeFreeze(windows: readonly FreezeWindow[], now: Date, run: Freezable): ActiveFreeze | undefined {
  return activeFreezes(windows, now, run)[0];
}

function concerns(window: FreezeWindow, { environment, set, action }: Freezable): boolean {
  return (
    (window.actions as readonly string[]).includes(action) &&
    fitsAny(window.environments, environment.trim()) &&
    fitsAny(window.sets, set)
  );
}

/** A window is open from its beginning on, and no longer when its duration has passed. */
function activeNow(window: FreezeWindow, now: Date): ActiveFreeze | undefined {
  const schedule = scheduleOf(window);
  // The schedule tells what lies before a time, so a beginning at this very millisecond lies before the next one.
  const [since] = schedule.previousRuns(1, new Date(now.getTime() + 1));
  if (since === undefined || now.getTime() - since.getTime() >= window.durationMs) return undefined;
  let last = since;
  for (let count = 0; count < mostBeginnings; count += 1) {
    const next = schedule.nextRun(last);
    const end = last.getTime() + window.durationMs;
    if (next === null || next.getTime() > end) return { window, since, until: new Date(end) };
    last = next;
  }
  return { window, since };
}

function endOf({ until }: ActiveFreeze): number {
  return until?.getTime() ?? Number.POSITIVE_INFINITY;
}

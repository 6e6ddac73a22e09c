import { Cron } from 'croner';
import type { OwnDocument } from '../../core/own-files/read.ts';
import { messageOf, type Place, type Problem } from '../../errors.ts';
import { parseDuration } from '../../ports/agent/input-fields.ts';
import { type ChangingAction, changingActions } from '../changing-actions.ts';

/** A time in which nothing is deployed: it begins whenever the cron expression says, and lasts as long as the duration. */
export interface FreezeWindow {
  readonly name: string;
  readonly at: Place;
  readonly cron: string;
  readonly durationMs: number;
  /** IANA. */
  readonly timeZone: string;
  readonly reason: string;
  readonly environments: readonly string[];
  readonly sets: readonly string[];
  readonly actions: readonly ChangingAction[];
  readonly breakGlass: boolean;
}

interface WrittenWindow extends Pick<FreezeWindow, 'name' | 'cron' | 'timeZone' | 'reason'> {
  readonly duration: string;
  readonly environments?: readonly string[];
  readonly sets?: readonly string[];
  readonly actions?: readonly ChangingAction[];
  readonly breakGlass?: boolean;
}

const minute = 60_000;
const longest = 366 * 24 * 60 * minute;

/** What a document that fits its schema says; expressions and zones that mean nothing are problems. Pure. */
export function windowsOf(document: OwnDocument): { windows: FreezeWindow[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const windows = (document.value['windows'] as readonly WrittenWindow[]).flatMap((written, index): FreezeWindow[] => {
    const at = (field: string): Place => document.place(['windows', index, field]);
    const durationMs = parseDuration(written.duration) ?? 0;
    const found: Problem[] = [];
    if (durationMs < minute || durationMs > longest) {
      const message = `\`duration\` must be from 1 minute to 366 days; it is '${written.duration}'.`;
      found.push({ message, at: at('duration'), code: 'invalid-field' });
    }
    if (!isTimeZone(written.timeZone)) {
      const message = `'${written.timeZone}' is no time zone that Node knows. Write an IANA name such as Europe/Berlin.`;
      found.push({ message, at: at('timeZone'), code: 'invalid-field' });
    } else {
      const flaw = cronFlaw(written.cron, written.timeZone);
      if (flaw !== undefined) found.push({ message: flaw, at: at('cron'), code: 'invalid-field' });
    }
    problems.push(...found);
    if (found.length > 0) return [];
    return [
      {
        name: written.name,
        at: document.place(['windows', index]),
        cron: written.cron,
        durationMs,
        timeZone: written.timeZone,
        reason: written.reason,
        environments: written.environments ?? ['**'],
        sets: written.sets ?? ['**'],
        actions: written.actions ?? changingActions,
        breakGlass: written.breakGlass ?? true,
      },
    ];
  });
  return { windows, problems };
}

/**
 * The schedule of a window's beginnings. `no-wildcard`: when the clocks go forward over a beginning that is a fixed time or a list of
 * such, the window begins as they have; croner would skip a list, and with it a whole freeze.
 */
export function scheduleOf(window: Pick<FreezeWindow, 'cron' | 'timeZone'>): Cron {
  return new Cron(window.cron, {
    timezone: window.timeZone,
    mode: '5-part',
    fixedTimeRule: 'no-wildcard',
    paused: true,
  });
}

function cronFlaw(cron: string, timeZone: string): string | undefined {
  const expected = 'Write five fields, minute hour day month weekday, such as `0 18 * * FRI`.';
  try {
    const never = scheduleOf({ cron, timeZone }).nextRun(new Date(0)) === null;
    return never ? `\`cron\` '${cron}' names a day that no calendar has. ${expected}` : undefined;
  } catch (error) {
    return `\`cron\` '${cron}' cannot be read: ${messageOf(error)
      .replace(/^Cron\w+: /, '')
      .replace(/\.$/, '')}. ${expected}`;
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

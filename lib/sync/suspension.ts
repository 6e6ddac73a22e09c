import { InputError, type Problem } from '../errors.ts';
import { parseDuration } from '../ports/agent/input-fields.ts';
import { isChanging } from './changing-actions.ts';

/** Kept in the inventory while nobody is to change the set. Times are ISO 8601. */
export interface Suspension {
  readonly by: string;
  readonly why: string;
  readonly since: string;
  /** It ends by itself then; absent: until action resume. */
  readonly until?: string;
}

export type SuspensionDecision =
  | { readonly go: true; readonly note?: string }
  | { readonly go: false; readonly problem: Problem };

/**
 * Decides whether a run may go on. Actions that only look always may. What the inventory says and cannot be understood, because somebody
 * edited it, suspends: pure, never throws.
 */
export function decideSuspension(
  suspension: Suspension | undefined,
  run: { readonly set: string; readonly action: string },
  now: Date,
): SuspensionDecision {
  if (suspension === undefined) return { go: true };
  const told = describeSuspension(suspension);
  const until = suspension.until === undefined ? undefined : Date.parse(suspension.until);
  if (until !== undefined && now.getTime() >= until) {
    return { go: true, note: `Set '${run.set}' was ${told}; that is over.` };
  }
  if (!isChanging(run.action)) return { go: true, note: `Set '${run.set}' is ${told}.` };
  const message = `Set '${run.set}' is ${told}. Nothing was changed. Run action resume to go on${until === undefined || Number.isNaN(until) ? '' : ', or wait'}.`;
  return { go: false, problem: { message, code: 'suspended' } };
}

/** `suspended by Ada since 2026-03-01T10:00:00Z until 2026-03-02T10:00:00Z: database migration` */
export function describeSuspension({ by, why, since, until }: Suspension): string {
  const end =
    until === undefined ? '' : ` until ${until}${Number.isNaN(Date.parse(until)) ? ' (no time that can be read)' : ''}`;
  return `suspended by ${by} since ${since}${end}: ${why.trim().replace(/\.$/, '')}`;
}

export interface SuspendRequest {
  readonly by: string;
  /** The input suspendReason. */
  readonly why: string | undefined;
  /** The input suspendUntil: `3d`, `90m`, or a time with its offset, `2026-03-02T10:00:00Z`. */
  readonly until: string | undefined;
}

/** What action suspend records. Throws InputError for inputs that say nothing or lie in the past. */
export function newSuspension({ by, why, until }: SuspendRequest, now: Date): Suspension {
  const problems: Problem[] = [];
  const reason = why?.trim() ?? '';
  if (reason === '') {
    problems.push({
      input: 'suspendReason',
      code: 'input-required',
      message:
        'Input `suspendReason` is empty; action suspend needs the reason, for those who wonder why nothing is deployed.',
    });
  }
  const end = until === undefined ? undefined : endOf(until, now);
  if (typeof end === 'string') problems.push({ input: 'suspendUntil', code: 'input-invalid', message: end });
  if (problems.length > 0) throw new InputError(problems);
  return { by, why: reason, since: now.toISOString(), ...(end instanceof Date && { until: end.toISOString() }) };
}

function endOf(text: string, now: Date): Date | string {
  const expected = `Input \`suspendUntil\` is '${text}'; expected is a time to come such as \`3d\`, \`90m\` or \`2026-03-02T10:00:00Z\``;
  const duration = parseDuration(text);
  if (duration !== undefined) return duration > 0 ? new Date(now.getTime() + duration) : `${expected}.`;
  // A time without an offset would be read in the agent's zone, which nobody knows.
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return `${expected}.`;
  const end = new Date(text);
  if (Number.isNaN(end.getTime())) return `${expected}.`;
  return end > now ? end : `${expected}; that one has passed.`;
}

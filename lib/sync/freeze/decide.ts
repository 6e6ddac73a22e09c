import type { Problem } from '../../errors.ts';
import type { ActiveFreeze } from './active.ts';

/** What is kept when somebody works in a freeze window: in the inventory, the result and the audit trail. */
export interface BreakGlassRecord {
  readonly reason: string;
  /** Who asked for the run. */
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
  readonly run?: string;
  readonly windows: readonly { readonly name: string; readonly file: string; readonly until?: string }[];
}

export interface FreezeRequest {
  /** The input breakGlass. */
  readonly breakGlass?: string | undefined;
  /** The guardrails let a window be opened. */
  readonly breakGlassAllowed: boolean;
  readonly by: string;
  readonly run?: string | undefined;
  readonly now: Date;
}

export type FreezeDecision =
  | { readonly go: true; readonly record?: BreakGlassRecord; readonly warning?: string }
  | { readonly go: false; readonly problems: readonly Problem[] };

/** Decides whether a run goes on though windows are open. Pure. */
export function decideFreeze(freezes: readonly ActiveFreeze[], request: FreezeRequest): FreezeDecision {
  if (freezes.length === 0) return { go: true };
  const reason = request.breakGlass?.trim() ?? '';
  if (reason === '') {
    const offer = request.breakGlassAllowed && freezes.every(({ window }) => window.breakGlass);
    return { go: false, problems: freezes.map((freeze) => frozen(freeze, offer)) };
  }
  if (!request.breakGlassAllowed) {
    const message = 'A rule of the guardrails does not allow the input breakGlass, so the freeze window stays shut.';
    const problem: Problem = { message, input: 'breakGlass', code: 'guardrail-option' };
    return { go: false, problems: [...freezes.map((freeze) => frozen(freeze, false)), problem] };
  }
  const shut = freezes.filter(({ window }) => !window.breakGlass);
  if (shut.length > 0) {
    return { go: false, problems: shut.map((freeze) => frozen(freeze, false, ' It cannot be opened by breakGlass.')) };
  }
  const record: BreakGlassRecord = {
    reason,
    by: request.by,
    at: request.now.toISOString(),
    ...(request.run !== undefined && { run: request.run }),
    windows: freezes.map(({ window, until }) => ({
      name: window.name,
      file: window.at.file,
      ...(until && { until: until.toISOString() }),
    })),
  };
  const names = freezes.map(({ window }) => `'${window.name}'`).join(', ');
  return {
    go: true,
    record,
    warning: `Freeze window ${names} is opened by ${request.by}: ${reason}. This is recorded.`,
  };
}

function frozen(freeze: ActiveFreeze, offerBreakGlass: boolean, more = ''): Problem {
  const { window } = freeze;
  const how = offerBreakGlass ? ' Wait, or give a reason in the input breakGlass, which is recorded.' : '';
  const reason = window.reason.trim().replace(/\.$/, '');
  return {
    at: window.at,
    code: 'frozen',
    message: `Freeze window '${window.name}' is open ${untilText(freeze)}: ${reason}. Nothing was changed.${how}${more}`,
  };
}

/** `until Mon, 2026-03-30 06:00 Europe/Berlin (2026-03-30T04:00:00Z)` */
function untilText({ until, window }: ActiveFreeze): string {
  if (until === undefined) return 'with no end in sight';
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: window.timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(until);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? '';
  const day = `${part('year')}-${part('month')}-${part('day')}`;
  const instant = until.toISOString().replace(/\.\d+Z$/, 'Z');
  return `until ${part('weekday')}, ${day} ${part('hour')}:${part('minute')} ${window.timeZone} (${instant})`;
}

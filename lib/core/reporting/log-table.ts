import { printable } from '../objects/value-text.ts';
import { type Action, describeTarget } from '../plan/change.ts';
import type { ChangeResult, RunResult } from '../plan/result.ts';
import { nextStep } from './next-step.ts';
import {
  actionText,
  countsText,
  cutMiddle,
  durationText,
  fieldLines,
  isPlanned,
  messageText,
  outcomeText,
  placeText,
  plural,
  resultFileName,
  runDuration,
  wrap,
} from './text.ts';

/** A part of the report: a heading, which the log paints in its own way, and plain lines. */
export interface LogBlock {
  readonly title: string;
  readonly lines: readonly string[];
}

export interface LogTableOptions {
  /** Columns that a line may take, at least 140, which is the default. Lines of details and of differences are not broken. */
  readonly width?: number;
  /** Objects that a block lists before it counts the rest; default 500. */
  readonly maxObjects?: number;
}

/** `Sync set shop (production): applied. 2 created, 12 unchanged in 8.1 s.` */
export function headline(result: RunResult): string {
  const environment = result.set.environment === '' ? '' : ` (${printable(result.set.environment)})`;
  const duration = runDuration(result);
  const time = duration === undefined ? '' : ` in ${duration}`;
  return `Sync set ${printable(result.set.name)}${environment}: ${outcomeText(result.outcome)}. ${countsText(result)}${time}.`;
}

/**
 * What a run did, or would do, for the log: first what changes or would change, then everything that is worth a line, and failures
 * last, because a log is read from its end. Objects keep the order of the result. What is unchanged and well is only counted.
 */
export function logBlocks(result: RunResult, options: LogTableOptions = {}): LogBlock[] {
  const limits = { width: options.width ?? 140, maxObjects: options.maxObjects ?? 500 };
  const failed = result.changes.filter((change) => change.state === 'failed');
  const planned = result.changes.filter(isPlanned);
  const rows = result.changes.filter(
    (change) => change.state !== 'failed' && !isPlanned(change) && (result.action === 'status' || isWorthALine(change)),
  );
  const edited = result.changes.filter(
    (change) =>
      (change.state === 'done' || change.state === 'failed') && change.fields.length > 0 && change.action !== 'create',
  );
  const blocks: LogBlock[] = [];
  if (planned.length > 0) blocks.push({ title: planTitle(result), lines: planLines(planned, limits) });
  if (edited.length > 0) blocks.push({ title: 'What changed', lines: planLines(edited, limits) });
  if (rows.length > 0) {
    blocks.push({
      title: planned.length > 0 ? 'Other objects' : 'Objects',
      lines: tableLines(rows, limits.width, limits.maxObjects),
    });
  }
  const unlisted = result.changes.length - failed.length - planned.length - rows.length;
  const counted = unlisted === 0 ? [] : [`${plural(unlisted, 'object')} unchanged.`];
  if (failed.length > 0)
    blocks.push({ title: `Failed: ${plural(failed.length, 'object')}`, lines: failureLines(failed, limits) });
  return [...blocks, { title: 'Result', lines: [...counted, headline(result), ...closing(result, limits.width)] }];
}

/** What happened in a sentence, unless an error says the same below, and what to do next. */
function closing(result: RunResult, width: number): string[] {
  const isTold = result.errors.some(({ message }) => result.summary.startsWith(message));
  const next = nextStep(result);
  return [
    ...(isTold ? [] : wrap(printable(result.summary), width)),
    ...(next === undefined ? [] : wrap(`Next: ${printable(next)}`, width)),
  ];
}

const marks: Readonly<Record<Action, string>> = {
  create: '+',
  configure: '~',
  adopt: '~',
  unchanged: ' ',
  prune: '-',
  keep: '=',
  skip: '=',
};

export interface PlanOptions {
  readonly maxObjects?: number;
  /** Also lists the fields of what is created; a log would be full of them. */
  readonly creations?: boolean;
  /** Columns of the action; default: as many as the longest takes. */
  readonly padding?: number;
}

/** A plan as a difference: `+ create`, `~ configure` with a line for each field, `- prune`. */
export function planLines(changes: readonly ChangeResult[], options: PlanOptions = {}): string[] {
  const maxObjects = options.maxObjects ?? 500;
  const widest = options.padding ?? Math.max(...changes.map((change) => change.action.length));
  const lines = changes.slice(0, maxObjects).flatMap((change) => {
    const reason = change.reason === undefined ? '' : `: ${printable(change.reason)}`;
    const title = `${marks[change.action]} ${change.action.padEnd(widest)} ${targetText(change)}${reason}`;
    const telling = change.action !== 'prune' && (change.action !== 'create' || options.creations === true);
    return [title, ...(telling ? change.fields.flatMap(fieldLines) : []).map((line) => `      ${line}`)];
  });
  return [...lines, ...leftOut(changes.length - maxObjects)];
}

interface Column {
  readonly title: string;
  readonly maxWidth: number;
  readonly text: (change: ChangeResult) => string;
  readonly right?: boolean;
}

/** At their widest they leave room for a message within 140 columns. */
const columns: readonly Column[] = [
  { title: 'KIND', maxWidth: 28, text: (change) => change.target.kind },
  { title: 'NAME', maxWidth: 44, text: (change) => nameText(change) },
  { title: 'ACTION', maxWidth: 12, text: actionText },
  { title: 'HEALTH', maxWidth: 12, text: (change) => change.health ?? '' },
  {
    title: 'TIME',
    maxWidth: 11,
    text: (change) => (change.durationMs === undefined ? '' : durationText(change.durationMs)),
    right: true,
  },
];

const gap = '  ';

/** An aligned table; a message that does not fit goes on in its own column. */
export function tableLines(changes: readonly ChangeResult[], width = 140, maxObjects = 500): string[] {
  const shown = changes.slice(0, maxObjects);
  const cells = shown.map((change) =>
    columns.map((column) => cutMiddle(printable(column.text(change)), column.maxWidth)),
  );
  const used = columns.map((_, index) => cells.some((row) => row[index] !== ''));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => (row[index] ?? '').length)),
  );
  const line = (texts: readonly string[]) =>
    columns
      .flatMap((column, index) => {
        if (used[index] !== true) return [];
        const text = texts[index] ?? '';
        return [column.right === true ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0)];
      })
      .join(gap);
  const indent = line(columns.map(() => '')).length + gap.length;
  const messages = shown.map((change) => printable(messageText(change)));
  const anyMessage = messages.some((message) => message !== '');
  const header = `${line(columns.map((column) => column.title))}${anyMessage ? `${gap}MESSAGE` : ''}`;
  const rows = cells.flatMap((row, index) => {
    const [first = '', ...rest] = wrap(messages[index] ?? '', Math.max(20, width - indent));
    return [`${line(row)}${gap}${first}`, ...rest.map((text) => `${' '.repeat(indent)}${text}`)];
  });
  return [header, ...rows, ...leftOut(changes.length - maxObjects)].map((text) => text.trimEnd());
}

function failureLines(changes: readonly ChangeResult[], limits: { width: number; maxObjects: number }): string[] {
  const lines = changes.slice(0, limits.maxObjects).flatMap((change) => {
    const health = change.health === undefined ? '' : ` (${printable(change.health)})`;
    const time = change.durationMs === undefined ? '' : ` after ${durationText(change.durationMs)}`;
    const message = printable(messageText(change));
    const origin = change.origin === undefined ? [] : [`declared in ${placeText(change.origin)}`];
    return [
      `${targetText(change)}: ${actionText(change)}${health}${time}`,
      ...(message === '' ? [] : wrap(message, limits.width - 4)).map((line) => `    ${line}`),
      ...(change.details ?? []).map((line) => `      ${printable(line)}`),
      ...origin.map((line) => `    ${printable(line)}`),
    ];
  });
  return [...lines, ...leftOut(changes.length - limits.maxObjects)];
}

function isWorthALine(change: ChangeResult): boolean {
  if (change.action !== 'unchanged' || change.state === 'notReached') return true;
  return change.health !== undefined && change.health !== 'Healthy';
}

function planTitle(result: RunResult): string {
  return result.action === 'drift' ? 'Drift: what a sync would put back' : 'Plan: what a sync would do';
}

function targetText(change: ChangeResult): string {
  return printable(describeTarget(change.target));
}

function nameText(change: ChangeResult): string {
  const { namespace, name } = change.target;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

function leftOut(count: number): string[] {
  return count > 0 ? [`and ${plural(count, 'object')} more, see ${resultFileName}`] : [];
}

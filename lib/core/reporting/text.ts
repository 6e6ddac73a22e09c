import type { Place } from '../../errors.ts';
import { printable } from '../objects/value-text.ts';
import type { Action, FieldChange } from '../plan/change.ts';
import type { ChangeResult, Counts, RunResult } from '../plan/result.ts';

/** `840 ms`, `8.1 s`, `2 min 5 s`, `1 h 0 min`. */
export function durationText(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** How long the run took; undefined when its times cannot be read. */
export function runDuration(result: RunResult): string | undefined {
  const ms = Date.parse(result.finishedAt) - Date.parse(result.startedAt);
  return Number.isFinite(ms) ? durationText(ms) : undefined;
}

const done: Readonly<Record<Action, string>> = {
  create: 'created',
  configure: 'configured',
  adopt: 'adopted',
  unchanged: 'unchanged',
  prune: 'pruned',
  keep: 'kept',
  skip: 'skipped',
};

/** What became of a change, in a word or two: `created`, `to create`, `create failed`, `not healthy`, `not reached`. */
export function actionText(change: ChangeResult): string {
  switch (change.state) {
    case 'done':
      return done[change.action];
    case 'planned':
      return isPending(change) ? `to ${change.action}` : done[change.action];
    case 'failed':
      if (change.health !== undefined && change.health !== 'Healthy') return 'not healthy';
      return change.action === 'unchanged' ? 'failed' : `${change.action} failed`;
    case 'notReached':
      return 'not reached';
  }
}

/** Whether a change would alter the target and has not done so: what a plan or a drift report is about. */
export function isPlanned(change: ChangeResult): boolean {
  return change.state === 'planned' && isPending(change);
}

function isPending(change: ChangeResult): boolean {
  return (
    change.action === 'create' ||
    change.action === 'configure' ||
    change.action === 'adopt' ||
    change.action === 'prune'
  );
}

/** `2 created, 1 configured, 12 unchanged`; of what would be done: `2 to create, ...`. Zeros are left out. */
export function countsText(result: RunResult): string {
  const { counts } = result;
  const planned = result.changes.some(isPlanned);
  const parts: [number, string][] = [
    [counts.created, planned ? 'to create' : 'created'],
    [counts.configured, planned ? 'to configure' : 'configured'],
    [counts.pruned, planned ? 'to prune' : 'pruned'],
    [counts.unchanged, 'unchanged'],
    [counts.kept, 'left alone'],
    [counts.failed, 'failed'],
    [notReached(result), 'not reached'],
  ];
  const text = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return text.length === 0 ? 'nothing to do' : text.join(', ');
}

export function notReached(result: RunResult): number {
  return result.changes.filter((change) => change.state === 'notReached').length;
}

/** The counts with the names that people read, in the order in which they are told. */
export function namedCounts(counts: Counts): readonly (readonly [string, number])[] {
  return [
    ['Created', counts.created],
    ['Configured', counts.configured],
    ['Unchanged', counts.unchanged],
    ['Pruned', counts.pruned],
    ['Left alone', counts.kept],
    ['Failed', counts.failed],
  ];
}

/** `+ spec.paused: true`, `- spec.paused: true`, `~ spec.replicas: 2 -> 3 (set by kubectl-edit)`; a difference of lines follows. */
export function fieldLines(change: FieldChange): string[] {
  const path = printable(change.path);
  const setBy = change.setBy === undefined ? '' : ` (set by ${printable(change.setBy)})`;
  const before = change.before === undefined ? undefined : printable(change.before);
  const after = change.after === undefined ? undefined : printable(change.after);
  const lines = (change.lines ?? []).map((line) => `    ${printable(line)}`);
  if (before !== undefined && after !== undefined) {
    const line = `~ ${path}: ${before} -> ${after}${setBy}`;
    const broken = [`~ ${path}:${setBy}`, `       ${before}`, `    -> ${after}`];
    return line.length <= longestFieldLine ? [line, ...lines] : [...broken, ...lines];
  }
  if (before !== undefined) return [`- ${path}: ${before}${setBy}`, ...lines];
  if (after !== undefined) return [`+ ${path}: ${after}`, ...lines];
  return [path, ...lines];
}

/** Longer ones have each value on a line of its own. */
const longestFieldLine = 120;

/** `planHasChanges` as `plan has changes`. */
export function outcomeText(outcome: string): string {
  return outcome.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Why, and what it is about: `reason: message`, on one line. */
export function messageText(change: ChangeResult): string {
  const parts = [change.reason, change.message].filter((part) => part !== undefined && part !== '');
  return parts.join(': ').replace(/\s+/g, ' ').trim();
}

/** `apps/web.yaml:12` */
export function placeText(place: Place): string {
  return place.line === undefined ? place.file : `${place.file}:${place.line}`;
}

/** `7 objects`, `1 object`. */
export function plural(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count} ${word}s`;
}

/** Keeps both ends of a name: `very-long-…-name`. */
export function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = Math.max(0, width - 1);
  const start = Math.ceil(kept / 2);
  return `${text.slice(0, start)}…${text.slice(text.length - (kept - start))}`;
}

/** Breaks text at spaces; a word longer than the width is broken where it has to be. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    while (word.length > width) {
      const room = line === '' ? width : width - line.length - 1;
      if (room > width / 2) {
        lines.push(line === '' ? word.slice(0, room) : `${line} ${word.slice(0, room)}`);
        word = word.slice(room);
      } else {
        lines.push(line);
      }
      line = '';
    }
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

/** The name of the JSON report, which has what the others leave out. */
export const resultFileName = 'gitops-result.json';

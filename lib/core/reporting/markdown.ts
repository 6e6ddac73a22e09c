import type { Problem } from '../../errors.ts';
import { printable } from '../objects/value-text.ts';
import { describeTarget } from '../plan/change.ts';
import { type ChangeResult, outcomes, type RunResult } from '../plan/result.ts';
import { planLines } from './log-table.ts';
import { nextStep } from './next-step.ts';
import {
  actionText,
  cutMiddle,
  durationText,
  isPlanned,
  messageText,
  namedCounts,
  notReached,
  outcomeText,
  placeText,
  plural,
  resultFileName,
  runDuration,
} from './text.ts';

export interface MarkdownOptions {
  /** Characters, about; default one million. What does not fit is counted and left to the JSON report. */
  readonly maxLength?: number;
}

/** The summary page of a run: what happened, where, from which commit, what failed and why, what differs, and what to do next. */
export function markdownSummary(result: RunResult, options: MarkdownOptions = {}): string {
  const page = new Page(options.maxLength ?? 1_000_000);
  const failed = result.changes.filter((change) => change.state === 'failed');
  const planned = result.changes.filter(isPlanned);
  const others = result.changes.filter(
    (change) => !failed.includes(change) && !isPlanned(change) && (change.action !== 'unchanged' || isUnwell(change)),
  );
  const differing = result.changes.filter((change) => change.fields.length > 0 || isPlanned(change));

  page.add(`## ${heading(result)}`, '', text(result.summary), '', ...facts(result), '', ...countsTable(result), '');
  page.list(0.2, 'error', result.errors, { title: '### Errors', render: (problem) => [`- ${problemText(problem)}`] });
  page.list(0.5, 'object', failed, { title: `### Failed: ${plural(failed.length, 'object')}`, render: failure });
  page.list(0.6, 'warning', result.warnings, {
    title: '### Warnings',
    render: (problem) => [`- ${problemText(problem)}`],
  });
  page.list(0.75, 'object', others, {
    title: '### Objects',
    before: ['| Object | Action | Health | Time | Message |', '| --- | --- | --- | ---: | --- |'],
    render: (change) => [tableRow(change)],
  });
  page.add(...differenceBlock(differing, planned.length > 0, page.room(0.95)));
  const next = nextStep(result);
  if (next !== undefined) page.add('### Next step', '', text(next), '');
  return page.text();
}

/** Text that means nothing to Markdown or HTML, on one line. */
export function text(foreign: string): string {
  return printable(foreign.replace(/\s+/g, ' ').trim())
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]#|~$@]/g, '\\$&')
    .replace(/^(\d*)([-+=.)])/, '$1\\$2')
    .replace(/:\/\//g, ':&#47;&#47;')
    .replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}&#46;`);
}

/** Inline code, also in a table's cell: a fence longer than any run of backticks inside, and no pipe that would end the cell. */
export function code(foreign: string): string {
  const line = printable(foreign.replace(/\s+/g, ' ').trim());
  if (line === '') return '';
  const fence = '`'.repeat(longestRun(line) + 1);
  const padded = line.startsWith('`') || line.endsWith('`') ? ` ${line} ` : line;
  return `${fence}${padded.replace(/\|/g, '\\|')}${fence}`;
}

/** A block of code that nothing inside can end. */
export function fenced(lines: readonly string[], language = ''): string[] {
  const shown = lines.map((line) => cutMiddle(printable(line), maxLine));
  const fence = '`'.repeat(Math.max(3, ...shown.map((line) => longestRun(line) + 1)));
  return [`${fence}${language}`, ...shown, fence];
}

const maxLine = 1000;
const maxDetails = 200;

class Page {
  readonly #max: number;
  readonly #lines: string[] = [];
  #length = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(...lines: readonly string[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      this.#length += line.length + 1;
    }
  }

  /** Lists items until the page is as full as this list may make it, then counts the rest. Nothing for an empty list. */
  list<T>(
    share: number,
    word: string,
    items: readonly T[],
    parts: { title: string; before?: readonly string[]; render: (item: T) => readonly string[] },
  ): void {
    if (items.length === 0) return;
    this.add(parts.title, '', ...(parts.before ?? []));
    let shown = 0;
    for (const item of items) {
      const lines = parts.render(item);
      const length = lines.reduce((sum, line) => sum + line.length + 1, 0);
      if (length > this.room(share)) break;
      this.add(...lines);
      shown++;
    }
    if (shown < items.length) {
      this.add('', leftOut(items.length - shown, shown, word));
    }
    this.add('');
  }

  /** Characters until the page is as full as a part may make it. */
  room(share: number): number {
    return this.#max * share - this.#length;
  }

  text(): string {
    return `${this.#lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trimEnd()}\n`;
  }
}

function heading(result: RunResult): string {
  const mark = { Succeeded: '✅', SucceededWithIssues: '⚠️', Failed: '❌' }[outcomes[result.outcome]];
  const environment = result.set.environment === '' ? '' : ` in ${text(result.set.environment)}`;
  return `${mark} ${text(result.set.name)}${environment}: ${outcomeText(result.outcome)}`;
}

function facts(result: RunResult): string[] {
  const { source, cluster, set } = result;
  const version = cluster.version === undefined ? '' : `, Kubernetes ${text(cluster.version)}`;
  const duration = runDuration(result);
  const rows: [string, string | undefined][] = [
    ['Action', text(result.action)],
    ['Cluster', `${code(cluster.server)}${version}`],
    ['Sync set', `${code(set.name)}, inventory in namespace ${code(set.namespace)}`],
    ['Commit', source === undefined ? undefined : commitText(source)],
    ['Deployed before', source?.previousCommit === undefined ? undefined : code(shortCommit(source.previousCommit))],
    ['Duration', duration === undefined ? undefined : `${duration}, ${plural(result.requests.total, 'request')}`],
  ];
  const shown = rows.flatMap(([name, value]) => (value === undefined ? [] : [`| ${name} | ${value} |`]));
  return ['| | |', '| --- | --- |', ...shown];
}

function commitText(source: NonNullable<RunResult['source']>): string {
  const parts = [
    code(shortCommit(source.commit)),
    source.subject === undefined ? '' : `“${text(source.subject)}”`,
    source.author === undefined ? '' : `by ${text(source.author)}`,
    source.branch === undefined ? '' : `on ${code(source.branch)}`,
    source.repository === undefined ? '' : `in ${text(source.repository)}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** A full SHA-1 or SHA-256 is cut; a changeset number stays as it is. */
function shortCommit(commit: string): string {
  return /^[0-9a-f]{40,64}$/i.test(commit) ? commit.slice(0, 10) : commit;
}

function countsTable(result: RunResult): string[] {
  const missed = notReached(result);
  const counts = [...namedCounts(result.counts), ...(missed === 0 ? [] : [['Not reached', missed] as const])];
  return [
    `| ${counts.map(([name]) => name).join(' | ')} |`,
    `| ${counts.map(() => '---:').join(' | ')} |`,
    `| ${counts.map(([, count]) => count).join(' | ')} |`,
  ];
}

function problemText(problem: Problem): string {
  if (problem.at === undefined) return text(problem.message);
  return `${code(placeText(problem.at))}: ${text(problem.message)}`;
}

function failure(change: ChangeResult): string[] {
  const health = change.health === undefined ? '' : ` (${text(change.health)})`;
  const time = change.durationMs === undefined ? '' : ` after ${durationText(change.durationMs)}`;
  const message = messageText(change);
  const details = change.details ?? [];
  const rest = details.length > maxDetails ? [`and ${plural(details.length - maxDetails, 'line')} more`] : [];
  const place = change.origin === undefined ? '' : `, declared in ${code(placeText(change.origin))}`;
  return [
    `**${text(describeTarget(change.target))}**: ${actionText(change)}${health}${time}${place}`,
    '',
    ...(message === '' ? [] : [text(message), '']),
    ...(details.length === 0 ? [] : [...fenced([...details.slice(0, maxDetails), ...rest], 'text'), '']),
  ];
}

function tableRow(change: ChangeResult): string {
  const message = messageText(change);
  const time = change.durationMs === undefined ? '' : durationText(change.durationMs);
  const cells = [
    text(describeTarget(change.target)),
    actionText(change),
    text(change.health ?? ''),
    time,
    text(message),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** One block for all objects, so that it reads like a difference of files. */
function differenceBlock(changes: readonly ChangeResult[], planned: boolean, room: number): string[] {
  if (changes.length === 0) return [];
  const widest = Math.max(...changes.map((change) => change.action.length));
  const lines: string[] = [];
  let length = 0;
  let shown = 0;
  for (const change of changes) {
    const part = planLines([change], { padding: widest, creations: true });
    length += part.reduce((sum, line) => sum + Math.min(line.length, maxLine) + 1, 0);
    if (length > room) break;
    lines.push(...part);
    shown++;
  }
  const rest = changes.length - shown;
  const title = `${planned ? 'What a sync would change' : 'What changed'}: ${plural(changes.length, 'object')}`;
  return [
    `<details><summary>${title}</summary>`,
    '',
    ...(shown === 0 ? [] : [...fenced(lines, 'text'), '']),
    ...(rest === 0 ? [] : [leftOut(rest, shown, 'object'), '']),
    '</details>',
    '',
  ];
}

function leftOut(count: number, shown: number, word: string): string {
  return `${shown === 0 ? plural(count, word) : `And ${plural(count, word)} more`}: see \`${resultFileName}\`.`;
}

function isUnwell(change: ChangeResult): boolean {
  return change.state === 'notReached' || (change.health !== undefined && change.health !== 'Healthy');
}

function longestRun(line: string): number {
  return Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
}

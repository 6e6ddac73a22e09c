import type { Problem } from '../../errors.ts';
import { canonicalJson } from '../objects/canonical-json.ts';
import type { ChangeResult, RunResult, Truncation } from '../plan/result.ts';

export interface JsonOptions {
  /** Bytes; default 4 MB, which the results tab can load at once. */
  readonly maxBytes?: number;
}

/**
 * The result as JSON, by `sync-result.schema.json`: keys in a fixed order and one object of `changes` a line, so that two results can
 * be compared by any tool. When it is too large, the least telling goes first, and `truncated` says how much: objects that are
 * unchanged, then differences and details, then objects from the end, failed ones last.
 */
export function jsonReport(result: RunResult, options: JsonOptions = {}): string {
  const maxBytes = options.maxBytes ?? 4_000_000;
  const whole = write(result, result.changes);
  if (Buffer.byteLength(whole) <= maxBytes) return whole;

  const short = { ...result, errors: firstProblems(result.errors), warnings: firstProblems(result.warnings) };
  const total = result.changes.length;
  const telling = result.changes.filter((change) => change.action !== 'unchanged' || change.state === 'failed');
  const withDifferences = write(short, telling, { changes: total - telling.length, fields: 0 });
  if (Buffer.byteLength(withDifferences) <= maxBytes) return withDifferences;

  const bare = [...telling].sort((a, b) => rank(a) - rank(b)).map(withoutDifference);
  const fields = telling.reduce((sum, change) => sum + change.fields.length, 0);
  let length = Buffer.byteLength(write(short, [], { changes: total, fields }));
  const shown = bare.findIndex((change) => {
    length += Buffer.byteLength(canonicalJson(change)) + 2;
    return length > maxBytes;
  });
  const kept = shown < 0 ? bare : bare.slice(0, shown);
  return write(short, kept, { changes: total - kept.length, fields });
}

const maxProblems = 100;
const maxMessage = 1000;

function write(result: RunResult, changes: readonly ChangeResult[], truncated?: Truncation): string {
  const { changes: _changes, truncated: _truncated, ...rest } = result;
  const head = canonicalJson({ ...rest, ...(truncated === undefined ? {} : { truncated }) });
  const lines = changes.map((change) => `\n${canonicalJson(change)}`).join(',');
  return `${head.slice(0, -1)},"changes":[${lines}\n]}\n`;
}

function firstProblems(problems: readonly Problem[]): Problem[] {
  return problems.slice(0, maxProblems).map((problem) => ({ ...problem, message: cut(problem.message) }));
}

function withoutDifference(change: ChangeResult): ChangeResult {
  const { details: _, ...rest } = change;
  return { ...rest, fields: [], ...(rest.message === undefined ? {} : { message: cut(rest.message) }) };
}

function cut(text: string): string {
  return text.length <= maxMessage ? text : `${text.slice(0, maxMessage)}…`;
}

/** Failed objects first; sorting keeps the order of the rest. */
function rank(change: ChangeResult): number {
  return change.state === 'failed' ? 0 : 1;
}

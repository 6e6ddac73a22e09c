import { align } from './align.ts';
import { canonicalJson, compareText, isRecord } from './canonical-json.ts';

/** The longest text of a value, in characters. */
const maxLength = 100;

/** How much of what two long texts share is kept before the place where they part. */
const leadIn = 20;

/** Lines of a line difference that are shown. */
const maxLines = 20;

/** A value on one line: plain words bare, other text in quotes, all else as JSON, `{image: nginx:1.27, name: web}` for objects. Never cut. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return stringText(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (isRecord(value)) {
    const members = Object.keys(value)
      .sort(compareText)
      .map((key) => `${valueText(key)}: ${valueText(value[key])}`);
    return `{${members.join(', ')}}`;
  }
  return canonicalJson(value);
}

/** Bare where that can be read only one way; in single quotes, as in YAML, where those spare escapes. */
function stringText(text: string): string {
  if (isPlain(text)) return text;
  const needsNoEscape = text.includes('"') && !text.includes("'") && !text.includes('\\') && printable(text) === text;
  return needsNoEscape ? `'${text}'` : printable(JSON.stringify(text));
}

/** Whether a value's text fits on its line. */
export function fits(text: string): boolean {
  return text.length <= maxLength;
}

/** The text, cut at the end when it is long. */
export function shorten(text: string): string {
  return fits(text) ? text : `${sliceText(text, 0, maxLength - 1)}…`;
}

/** Two texts, both cut so that the place where they first differ is seen. */
export function shortenPair(before: string, after: string): { before: string; after: string } {
  if (fits(before) && fits(after)) return { before, after };
  let shared = 0;
  while (shared < before.length && before[shared] === after[shared]) shared++;
  const start = shared <= maxLength / 2 ? 0 : shared - leadIn;
  return { before: shortenFrom(before, start), after: shortenFrom(after, start) };
}

/**
 * How two texts of several lines differ: `@ line 3` (of the new text, or of the old where lines were only removed), then the lines
 * with `-` and `+`. Long differences end in a line that says how many lines were left out.
 */
export function lineDifference(before: string, after: string): string[] {
  const old = before.split('\n');
  const now = after.split('\n');
  const lines: string[] = [];
  let inside = false;
  for (const pair of align(old, now)) {
    if (pair.before !== undefined && pair.after !== undefined) {
      inside = false;
      continue;
    }
    if (!inside) lines.push(`@ line ${(pair.after ?? pair.before ?? 0) + 1}`);
    inside = true;
    if (pair.before !== undefined) lines.push(`- ${shorten(printable(old[pair.before] ?? ''))}`);
    if (pair.after !== undefined) lines.push(`+ ${shorten(printable(now[pair.after] ?? ''))}`);
  }
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines), `and ${lines.length - maxLines} more lines`];
}

/** Control and direction characters as escapes, so that text is one line and reads as it is. */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to go
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (character) => escapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text that nobody can take for anything but this string: no number, no `null`, no quotes, no brackets around it. */
function isPlain(text: string): boolean {
  return /^[^\s"'[\]{},][^"{}[\],]*$/.test(text) && text.trim() === text && printable(text) === text && !isJson(text);
}

function isJson(text: string): boolean {
  return text === 'true' || text === 'false' || text === 'null' || (text !== '' && !Number.isNaN(Number(text)));
}

function shortenFrom(text: string, start: number): string {
  if (start === 0) return shorten(text);
  return shorten(`…${sliceText(text, start, text.length)}`);
}

/** A slice that cuts no character in two. */
function sliceText(text: string, start: number, end: number): string {
  const from = isLowSurrogate(text, start) ? start + 1 : start;
  const to = isLowSurrogate(text, end) ? end - 1 : end;
  return text.slice(from, to);
}

function isLowSurrogate(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff;
}

import { type Event, parseEvents, YAMLException } from 'js-yaml';

/** Parsed text. `source` may differ from the text given by spaces that were put in; `originalOffset` leads back. */
export interface Parsed {
  readonly source: string;
  readonly events: readonly Event[];
  originalOffset(offset: number): number;
}

/** Spaces put in at a position of the text as it was given. */
interface Insertion {
  readonly at: number;
  readonly length: number;
}

/** More than any indentation that `maxDepth` allows in practice. */
const wideIndentation = ' '.repeat(400);
/** A file is read again after each line that is put right; the product bounds the time. */
const maxRepairWork = 200_000_000;

/**
 * Parses one document. YAML 1.2 wants every line of a flow collection or a quoted text to be indented deeper than its parent;
 * Kubernetes' parser does not, and a closing bracket below its key is common. White space at the beginning of such a line means
 * nothing, so it is put in and the text is parsed again. Throws YAMLException with offsets into the text as given.
 */
export function parseTolerant(text: string, maxDepth: number): Parsed {
  const insertions: Insertion[] = [];
  const originalOffset = (offset: number): number => mapBack(insertions, offset);
  let source = text;
  for (let work = 0; ; work += source.length) {
    try {
      return { source, events: parseEvents(source, { maxDepth }), originalOffset };
    } catch (error) {
      if (!(error instanceof YAMLException) || error.mark === undefined) throw error;
      const position = error.mark.position;
      const repaired =
        error.reason === 'deficient indentation' && work < maxRepairWork
          ? repair(source, position, insertions)
          : undefined;
      if (repaired === undefined) throw relocate(error, text, originalOffset(position));
      source = repaired;
    }
  }
}

/** The text with the line at `position` indented, or with a tab before `position` made a space; undefined when neither helps. */
function repair(source: string, position: number, insertions: Insertion[]): string | undefined {
  let start = position;
  while (start > 0 && isBlank(source.charCodeAt(start - 1))) start--;
  const atLineStart = start === 0 || isBreak(source.charCodeAt(start - 1));
  if (!atLineStart) {
    const gap = source.slice(start, position);
    if (!gap.includes('\t')) return undefined;
    return source.slice(0, start) + gap.replaceAll('\t', ' ') + source.slice(position);
  }
  if (source.startsWith(wideIndentation, start)) return undefined;
  const at = mapBack(insertions, start);
  insertions.push({ at, length: wideIndentation.length });
  insertions.sort((left, right) => left.at - right.at);
  return source.slice(0, start) + wideIndentation + source.slice(start);
}

function mapBack(insertions: readonly Insertion[], offset: number): number {
  let original = offset;
  for (const { at, length } of insertions) {
    if (original <= at) break;
    original = Math.max(at, original - length);
  }
  return original;
}

function relocate(error: YAMLException, text: string, position: number): YAMLException {
  const before = text.slice(0, position).split(/\r\n|\r|\n/);
  return new YAMLException(error.reason, {
    buffer: text,
    position,
    line: before.length - 1,
    column: before.at(-1)?.length ?? 0,
  });
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isBreak(code: number): boolean {
  return code === 0x0a || code === 0x0d;
}

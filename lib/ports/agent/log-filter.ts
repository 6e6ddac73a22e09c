/**
 * Makes text that is not ours harmless to print. The agent obeys `##vso[area.event ...]` anywhere in a line, from stdout and stderr
 * (azure-pipelines-agent `Command.TryParse`), warns at any other `##vso` (`WorkerCommandManager`), and its web page gives `##[...]` a
 * meaning. Manifests, differences, titles and servers' messages can hold any of these.
 *
 * The agent looks for the marker by .NET's culture-sensitive `IndexOf`, which skips characters without weight: zero-width
 * characters, control characters, on older Windows even characters that its tables do not know. So a marker is not broken by a
 * zero-width character but by a space, `# #vso[`, which also stays visible and can be copied; and a marker that is only written
 * with such characters between its letters is found too.
 */

/** Characters of a line beyond which it is continued on the next one. The agent's own limit is not documented. */
export const MAX_LINE_LENGTH = 32_000;

const LINE_BREAK = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

/** Colours that programs such as helm write: they carry nothing that a log needs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
const COLOUR = /\u001b\[[0-9;:]*m/g;

/** Controls, invisible and direction-changing characters and lone surrogates; not tab, nor the joiners that scripts and emoji need. */
const INVISIBLE = /(?![\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `I` = what the agent's comparison may skip. Case-insensitive although the agent is not known to be: a letter's case costs nothing. */
const I = '[^\\t\\u0020-\\u007e]*';
const MARKER = new RegExp(`#(?=${I}#${I}v${I}s${I}o|#\\[)`, 'giu');

/** Splits text at everything that an agent, a terminal or an editor may take as the end of a line. A last empty line is left out. */
export function splitLines(text: string): string[] {
  const lines = text.split(LINE_BREAK);
  if (lines.length > 1 && lines.at(-1) === '') lines.pop();
  return lines;
}

/** One line without anything that acts: colours are dropped, other control and invisible characters are shown by name. */
export function neutralizeLine(line: string): string {
  return line.replace(COLOUR, '').replace(INVISIBLE, visible).replace(MARKER, '# ');
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/** Cuts a line that is too long into several; nothing is lost, and each cut is marked. */
export function wrapLine(line: string, limit: number = MAX_LINE_LENGTH): string[] {
  if (line.length <= limit) return [line];
  const parts: string[] = [];
  let start = 0;
  while (line.length - start > limit) {
    const end = beforeHalfCharacter(line, start + limit);
    parts.push(`${parts.length === 0 ? '' : CONTINUED}${line.slice(start, end)}`);
    start = end;
  }
  parts.push(`${CONTINUED}${line.slice(start)}`);
  return parts;
}

const CONTINUED = '[line continued] ';

/** What is done to a line before it is made harmless: secrets are replaced while they still look as they were registered. */
export interface Masker {
  mask(text: string): string;
  /** Length of the longest secret, so that a line of any length can be printed in pieces without cutting one in two. */
  readonly longest: number;
}

/** Text of any origin as lines that can be printed. */
export function printableLines(text: string, masker: Masker): string[] {
  return splitLines(text).flatMap((line) => wrapLine(neutralizeLine(masker.mask(line))));
}

/** A line that has not ended is kept back up to this length, so that a marker or a secret in two writes is still seen whole. */
const MAX_PENDING = 2 * MAX_LINE_LENGTH;

/** The same for text that arrives in pieces, as other people's writes to stdout do. */
export class LineFilter {
  readonly #masker: Masker;
  #pending = '';
  #pendingIsContinued = false;
  /** The last chunk ended with CR, which may be the first half of CR LF. */
  #heldReturn = false;

  constructor(masker: Masker) {
    this.#masker = masker;
  }

  /** The lines that are complete now. */
  push(chunk: string): string[] {
    if (chunk === '') return [];
    const text = this.#heldReturn ? `\r${chunk}` : chunk;
    this.#heldReturn = text.endsWith('\r');
    const [first = '', ...more] = (this.#heldReturn ? text.slice(0, -1) : text).split(LINE_BREAK);
    this.#pending += first;
    const lines: string[] = [];
    for (const next of more) {
      lines.push(...this.#take());
      this.#pending = next;
    }
    if (this.#pending.length > MAX_PENDING) lines.push(...this.#relieve());
    return lines;
  }

  /** What is left when no more text comes. */
  flush(): string[] {
    if (this.#pending === '' && !this.#heldReturn) return [];
    this.#heldReturn = false;
    return this.#take();
  }

  #take(): string[] {
    const line = this.#pendingIsContinued ? CONTINUED + this.#pending : this.#pending;
    this.#pending = '';
    this.#pendingIsContinued = false;
    return printableLines(line, this.#masker);
  }

  /** Prints the front of an endless line; its tail stays, as a secret may just have begun there. */
  #relieve(): string[] {
    const masked = this.#masker.mask(this.#pending);
    const tail = Math.max(this.#masker.longest, MAX_LINE_LENGTH);
    const cut = beforeHalfCharacter(masked, Math.max(0, masked.length - tail));
    if (cut === 0) {
      this.#pending = masked;
      return [];
    }
    this.#pending = masked.slice(0, cut);
    const lines = this.#take();
    this.#pending = masked.slice(cut);
    this.#pendingIsContinued = true;
    return lines;
  }
}

function beforeHalfCharacter(text: string, end: number): number {
  return /[\ud800-\udbff]/.test(text.charAt(end - 1)) ? end - 1 : end;
}

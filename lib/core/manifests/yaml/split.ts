import type { Problem } from '../../../errors.ts';

/** The text of one document and where it begins. */
export interface Chunk {
  readonly text: string;
  /** Line of the file on which `text` begins, counted from 1. */
  readonly firstLine: number;
}

/**
 * Cuts a file into documents at the lines that begin with `---`, as Kubernetes' tools do, so that one broken document does not
 * hide what is wrong in the others. What is more than a comment on such a line is refused, as kubectl does.
 */
export function splitDocuments(text: string, file: string): { readonly chunks: Chunk[]; readonly problems: Problem[] } {
  const chunks: Chunk[] = [];
  const problems: Problem[] = [];
  const linePattern = /[^\r\n]*(?:\r\n|\r|\n|$)/y;
  let start = 0;
  let firstLine = 1;
  let line = 1;
  while (linePattern.lastIndex < text.length) {
    const offset = linePattern.lastIndex;
    if (text.startsWith('---', offset)) {
      const end = endOfLine(text, offset);
      const rest = text.slice(offset + 3, end).trim();
      if (rest !== '' && !rest.startsWith('#')) {
        problems.push({
          message: 'A document separator `---` must stand alone on its line. Begin the document on the next line.',
          at: { file, line },
          code: 'invalid-separator',
        });
      }
      const chunk = text.slice(start, offset);
      // Directives (`%YAML 1.1`) belong to the document that follows the separator.
      if (!isDirectives(chunk)) {
        chunks.push({ text: chunk, firstLine });
        start = end;
        firstLine = line;
      }
    }
    linePattern.exec(text);
    line++;
  }
  chunks.push({ text: text.slice(start), firstLine });
  return { chunks, problems };
}

function endOfLine(text: string, from: number): number {
  let index = from;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || code === 0x0d) break;
    index++;
  }
  return index;
}

function isDirectives(chunk: string): boolean {
  if (!/^%/m.test(chunk)) return false;
  return chunk.split(/\r\n|\r|\n/).every((line) => /^(?:%.*|\s*(?:#.*)?)$/.test(line));
}

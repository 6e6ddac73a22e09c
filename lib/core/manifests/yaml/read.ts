import { YAMLException } from 'js-yaml';
import { messageOf, type Place, type Problem } from '../../../errors.ts';
import { type Ambiguity, compose, type ScalarRewrite } from './compose.ts';
import { LineIndex } from './lines.ts';
import { offsetOf, type YamlNode, type YamlPath } from './node.ts';
import { parseTolerant } from './parse.ts';
import { countSeparators, maxSeparatorsOfAll, maxSeparatorsOfDocument } from './size.ts';
import { type Chunk, splitDocuments } from './split.ts';

/** One document that holds something. */
export interface YamlDocument {
  readonly file: string;
  readonly root: YamlNode;
  /** The document's own text, comments included. */
  readonly text: string;
  /** The line of the file on which `text` begins, counted from 1. */
  readonly firstLine: number;
  readonly ambiguities: readonly Ambiguity[];
  /** Where the key or item at a path stands; the file alone when it has no text of its own. */
  place(path: YamlPath): Place;
}

export interface YamlRead {
  readonly documents: YamlDocument[];
  readonly problems: Problem[];
}

/** Deeper than any custom resource definition, and far from the end of the stack. */
const maxDepth = 200;
/**
 * Reads a file as Kubernetes does. Everything that is wrong is reported with its line; documents that are sound are returned
 * beside those that are not. Documents without content are left out.
 */
export function readYaml(text: string, file: string, rewrite?: ScalarRewrite): YamlRead {
  if (countSeparators(text) > maxSeparatorsOfAll) {
    const message = 'The text holds more values than can be read. Declare less at a time.';
    return { documents: [], problems: [{ message, at: { file }, code: 'too-large' }] };
  }
  const { chunks, problems } = splitDocuments(text, file);
  const documents: YamlDocument[] = [];
  for (const chunk of chunks) {
    const result = readChunk(chunk, file, rewrite);
    problems.push(...result.problems);
    if (result.document !== undefined) documents.push(result.document);
  }
  return { documents, problems };
}

interface ChunkRead {
  readonly document?: YamlDocument;
  readonly problems: readonly Problem[];
}

function readChunk(chunk: Chunk, file: string, rewrite: ScalarRewrite | undefined): ChunkRead {
  const lines = new LineIndex(chunk.text, chunk.firstLine);
  const placeOfOffset = (offset: number): Place => ({ file, ...lines.position(offset) });
  const refuse = (message: string, offset: number, code: string): ChunkRead => ({
    problems: [{ message, at: placeOfOffset(offset), code }],
  });
  const isJson = isJsonText(chunk.text);
  // JSON strings hold no tabs as they are, so those that are there only indent; YAML forbids that.
  const source = isJson ? chunk.text.replaceAll('\t', ' ') : chunk.text;
  const separator = isJson ? -1 : source.search(/[\u0085\u2028\u2029]/);
  if (separator >= 0) {
    return refuse(
      'The line contains an invisible Unicode line separator (U+0085, U+2028 or U+2029), which YAML readers understand differently. Remove it, or write it as `\\u2028` in double quotes.',
      separator,
      'line-separator',
    );
  }
  if (countSeparators(source) > maxSeparatorsOfDocument) {
    return refuse(
      'The document holds more values than can be read. Split it into several files.',
      0,
      'document-too-large',
    );
  }
  try {
    const parsed = parseTolerant(source, maxDepth);
    const composed = compose(parsed.source, parsed.events, rewrite);
    const problems = composed.flaws.map(({ message, offset, code }) => ({
      message: code === 'key-not-text' && source.includes('{{') ? `${message} ${templateHint}` : message,
      at: placeOfOffset(parsed.originalOffset(offset)),
      code,
    }));
    const root = composed.root;
    if (root === undefined || problems.length > 0) return { problems };
    const place = (path: YamlPath): Place => {
      const offset = offsetOf(root, path);
      return offset === undefined ? { file } : placeOfOffset(parsed.originalOffset(offset));
    };
    const { text, firstLine } = chunk;
    const document = { file, root, text, firstLine, ambiguities: composed.ambiguities, place };
    return { document, problems };
  } catch (error) {
    return { problems: [syntaxProblem(error, chunk, file)] };
  }
}

function syntaxProblem(error: unknown, chunk: Chunk, file: string): Problem {
  if (!(error instanceof YAMLException)) {
    return { message: `The document cannot be read: ${messageOf(error)}`, at: { file }, code: 'yaml-syntax' };
  }
  const mark = error.mark;
  const at = mark === undefined ? { file } : { file, line: chunk.firstLine + mark.line, column: mark.column + 1 };
  return { message: `${sentence(error.reason)} ${hint(error.reason, chunk.text)}`.trim(), at, code: 'yaml-syntax' };
}

function sentence(reason: string): string {
  return `The YAML cannot be read: ${reason}.`;
}

const templateHint =
  'The file contains `{{`: if it is a template of a Helm chart, give the folder with its `Chart.yaml` and set `renderType` to `helm`.';

/** What usually lies behind a message of the parser. */
function hint(reason: string, text: string): string {
  if (text.includes('{{')) return templateHint;
  if (reason.includes('flow collection') && /[{[,:]\s*\$\{/.test(text))
    return `Inside brackets, put \`\${name}\` in quotes.`;
  if (reason.includes('tab')) return 'Indent with spaces.';
  if (reason.includes('maxDepth')) return 'No Kubernetes object is nested as deeply.';
  if (/bad indentation|expected ':'|implicit key/.test(reason)) {
    return 'Check the indentation of this line and of the one above it, and quote text that contains `: `.';
  }
  return '';
}

function isJsonText(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

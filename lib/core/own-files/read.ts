import type { Place, Problem } from '../../errors.ts';
import { nearest } from '../../ports/agent/nearest.ts';
import { toPlain, type YamlPath } from '../manifests/yaml/node.ts';
import { readYaml, type YamlDocument } from '../manifests/yaml/read.ts';
import { checkAgainst, type Schema } from './schema.ts';

export const ownApiVersion = 'gitops.pipelines/v1';

/** A document of one of our own kinds that fits its schema. */
export interface OwnDocument<Kind extends string = string> {
  readonly kind: Kind;
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Where a key or item stands. */
  place(path: YamlPath): Place;
}

export interface OwnFile<Kind extends string = string> {
  readonly documents: readonly OwnDocument<Kind>[];
  readonly problems: readonly Problem[];
}

/** A megabyte: a ConfigMap cannot hold more, and nobody writes more by hand. */
const maxLength = 1_000_000;

/**
 * Reads a YAML file that may hold documents of the given kinds only. Typing errors, unknown fields, values that YAML readers take for
 * different things, and a file without any document are problems with their lines.
 *
 * @param file as messages name it
 */
export function readOwnFile<Kind extends string>(
  text: string,
  file: string,
  schemas: Readonly<Record<Kind, Schema>>,
): OwnFile<Kind> {
  if (text.length > maxLength) {
    return { documents: [], problems: [{ message: 'The file is larger than 1 MB.', at: { file }, code: 'too-large' }] };
  }
  const read = readYaml(text, file);
  const problems: Problem[] = [...read.problems];
  const documents: OwnDocument<Kind>[] = [];
  const kinds = Object.keys(schemas) as Kind[];
  if (read.documents.length === 0 && problems.length === 0) {
    problems.push({
      message: `The file holds no document; expected is kind: ${kinds.join(' or ')}.`,
      at: { file },
      code: 'empty-file',
    });
  }
  for (const document of read.documents) {
    const found = readDocument(document, kinds, schemas);
    if ('problems' in found) problems.push(...found.problems);
    else documents.push(found);
  }
  return { documents, problems };
}

function readDocument<Kind extends string>(
  document: YamlDocument,
  kinds: readonly Kind[],
  schemas: Readonly<Record<Kind, Schema>>,
): OwnDocument<Kind> | { readonly problems: Problem[] } {
  const { file } = document;
  const at = { file, line: firstLineOf(document) };
  const value = toPlain(document.root);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {
      problems: [{ message: `A document must be a mapping with kind: ${kinds.join(' or ')}.`, at, code: 'not-ours' }],
    };
  }
  const { apiVersion, kind } = value as Record<string, unknown>;
  const known = kinds.find((one) => one === kind);
  if (apiVersion !== ownApiVersion || known === undefined) {
    return { problems: [foreign(document, apiVersion, kind, kinds)] };
  }
  const misfits = checkAgainst(schemas[known], value).map(
    ({ message, path, code }): Problem => ({ message, at: placeOf(document, path), code }),
  );
  const ambiguous = document.ambiguities.map(
    ({ path, text, kubernetes, yaml12 }): Problem => ({
      message: `\`${text}\` means ${String(kubernetes)} to Kubernetes' YAML and ${String(yaml12)} to others. Put it in quotes if it is text.`,
      at: placeOf(document, path),
      code: 'ambiguous-value',
    }),
  );
  if (misfits.length + ambiguous.length > 0) return { problems: [...misfits, ...ambiguous] };
  return {
    kind: known,
    file,
    value: value as Readonly<Record<string, unknown>>,
    place: (path) => placeOf(document, path),
  };
}

/** Of the nearest thing on the way to a path that has a line: an empty list has none. */
function placeOf(document: YamlDocument, path: YamlPath): Place {
  for (let length = path.length; length > 0; length -= 1) {
    const place = document.place(path.slice(0, length));
    if (place.line !== undefined) return place;
  }
  return { file: document.file, line: firstLineOf(document) };
}

function firstLineOf(document: YamlDocument): number {
  return document.place([]).line ?? document.firstLine;
}

function foreign(document: YamlDocument, apiVersion: unknown, kind: unknown, kinds: readonly string[]): Problem {
  const wrongVersion = apiVersion !== ownApiVersion;
  const near = !wrongVersion && typeof kind === 'string' ? nearest(kind, kinds) : undefined;
  const advice = near === undefined ? '' : ` Did you mean ${near}?`;
  return {
    message: `Expected is apiVersion: ${ownApiVersion} and kind: ${kinds.join(' or ')}; this is apiVersion: ${shown(apiVersion)} and kind: ${shown(kind)}.${advice}`,
    at: placeOf(document, [wrongVersion ? 'apiVersion' : 'kind']),
    code: 'not-ours',
  };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 100)}'` : value === undefined ? 'missing' : 'not text';
}

import { canonicalJson, compareText } from './canonical-json.ts';

/**
 * One step of the way to a field, as Kubernetes' field ownership knows it: a named field, an item of an associative list by its keys,
 * an item of a set by its value, an item of any other list by its place.
 */
export type PathElement =
  | { readonly type: 'field'; readonly name: string }
  | { readonly type: 'key'; readonly keys: Readonly<Record<string, unknown>> }
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'index'; readonly index: number };

export type FieldPath = readonly PathElement[];

export function field(name: string): PathElement {
  return { type: 'field', name };
}

/**
 * `spec.template.spec.containers[name=web].image`, `metadata.annotations["a.b/c"]`, `spec.ports[port=80,protocol=TCP]`,
 * `metadata.finalizers[=example.com/keep]`, `spec.args[0]`. Whatever is not a plain word stands in quotes, so a path is one line and
 * reads back with {@link parseFieldPath}. The object itself is `.`.
 */
export function formatFieldPath(path: FieldPath): string {
  let text = '';
  for (const element of path) {
    switch (element.type) {
      case 'field':
        if (!isPlainName(element.name)) text += `[${quote(element.name)}]`;
        else text += text === '' ? element.name : `.${element.name}`;
        break;
      case 'key':
        text += `[${Object.keys(element.keys)
          .sort(compareText)
          .map((key) => `${isPlainName(key) ? key : quote(key)}=${formatValue(element.keys[key])}`)
          .join(',')}]`;
        break;
      case 'value':
        text += `[=${formatValue(element.value)}]`;
        break;
      case 'index':
        text += `[${element.index}]`;
        break;
    }
  }
  return text === '' ? '.' : text;
}

/**
 * The path as the API server writes it in the causes of a conflict: `.spec.template.spec.containers[name="web"].image` (source:
 * PathElement.String of sigs.k8s.io/structured-merge-diff). It cannot be read back for sure: in
 * `.metadata.annotations.example.com/cache` a name holds a dot. Write the paths that may be meant, and compare.
 */
export function serverPath(path: FieldPath): string {
  return path.map(serverElement).join('');
}

function serverElement(element: PathElement): string {
  switch (element.type) {
    case 'field':
      return `.${element.name}`;
    case 'key':
      return `[${Object.keys(element.keys)
        .sort(compareText)
        .map((key) => `${key}=${canonicalJson(element.keys[key])}`)
        .join(',')}]`;
    case 'value':
      return `[=${canonicalJson(element.value)}]`;
    case 'index':
      return `[${element.index}]`;
  }
}

/**
 * Reads a path as {@link formatFieldPath} writes it, or as a user may write it in a setting, with or without a dot before it and with
 * values in quotes or not. Undefined for what is no path.
 */
export function parseFieldPath(text: string): FieldPath | undefined {
  const path: PathElement[] = [];
  let rest = text.trim();
  if (rest === '.') return path;
  if (rest !== '' && !rest.startsWith('.') && !rest.startsWith('[')) rest = `.${rest}`;
  while (rest !== '') {
    const plain = /^\.([^.[\]]+)/.exec(rest);
    if (plain?.[1] !== undefined) {
      path.push(field(plain[1]));
      rest = rest.slice(plain[0].length);
      continue;
    }
    const bracket = readBracket(rest);
    if (bracket === undefined) return undefined;
    path.push(bracket.element);
    rest = rest.slice(bracket.length);
  }
  return path.length === 0 ? undefined : path;
}

const plainName = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const plainValue = /^[A-Za-z_/][A-Za-z0-9_./:@-]*$/;
const quoted = /^"(?:[^"\\]|\\.)*"/;
const bareValue = /^[^,\]"]*/;

function isPlainName(name: string): boolean {
  return plainName.test(name);
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return plainValue.test(value) && !isJsonWord(value) ? value : quote(value);
  return canonicalJson(value);
}

function isJsonWord(text: string): boolean {
  return text === 'true' || text === 'false' || text === 'null';
}

/** JSON's quoting; also of line separators and control characters that JSON lets through, so that a path stays one line. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function readBracket(text: string): { element: PathElement; length: number } | undefined {
  const index = /^\[(\d+)\]/.exec(text);
  if (index?.[1] !== undefined) {
    return { element: { type: 'index', index: Number(index[1]) }, length: index[0].length };
  }
  if (!text.startsWith('[')) return undefined;
  let at = 1;
  const name = quoted.exec(text.slice(at));
  if (name !== null && text[at + name[0].length] === ']') {
    const value = parseJson(name[0]);
    return typeof value === 'string' ? { element: field(value), length: at + name[0].length + 1 } : undefined;
  }
  if (text[at] === '=') {
    const value = readValue(text, at + 1);
    return value !== undefined && text[value.end] === ']'
      ? { element: { type: 'value', value: value.value }, length: value.end + 1 }
      : undefined;
  }
  const keys: [string, unknown][] = [];
  for (;;) {
    const pair = readKey(text, at);
    if (pair === undefined) return undefined;
    keys.push([pair.key, pair.value]);
    at = pair.end + 1;
    if (text[pair.end] === ']') return { element: { type: 'key', keys: Object.fromEntries(keys) }, length: at };
    if (text[pair.end] !== ',') return undefined;
  }
}

function readKey(text: string, start: number): { key: string; value: unknown; end: number } | undefined {
  const rest = text.slice(start);
  const name = quoted.exec(rest) ?? /^[^="[\],]+/.exec(rest);
  if (name === null || rest[name[0].length] !== '=') return undefined;
  const key = name[0].startsWith('"') ? parseJson(name[0]) : name[0];
  const value = readValue(text, start + name[0].length + 1);
  return typeof key === 'string' && value !== undefined ? { key, ...value } : undefined;
}

function readValue(text: string, start: number): { value: unknown; end: number } | undefined {
  const rest = text.slice(start);
  const inQuotes = quoted.exec(rest);
  if (inQuotes !== null) {
    const value = parseJson(inQuotes[0]);
    return value === undefined ? undefined : { value, end: start + inQuotes[0].length };
  }
  const bare = bareValue.exec(rest)?.[0] ?? '';
  if (bare === '') return undefined;
  const value = parseJson(bare);
  return { value: value === undefined ? bare : value, end: start + bare.length };
}

/** Undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

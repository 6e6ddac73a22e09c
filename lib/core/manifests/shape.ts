import type { Problem } from '../../errors.ts';
import { member, textOf, type YamlMapping, type YamlNode, type YamlPath } from './yaml/node.ts';
import type { YamlDocument } from './yaml/read.ts';

/** One object inside a document: the document itself, or an item of a list. */
export interface Candidate {
  readonly document: YamlDocument;
  readonly path: YamlPath;
  readonly node: YamlNode;
  /** Given by a typed list to items that do not say it themselves. */
  readonly inherited?: { readonly apiVersion: string; readonly kind: string };
}

/** An object whose identity is sound. */
export interface Identified extends Candidate {
  readonly node: YamlMapping;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** The objects of a document; `List` and typed lists (`ConfigMapList`) are taken apart, however deep. */
export function candidates(document: YamlDocument): Candidate[] {
  return flatten({ document, path: [], node: document.root });
}

function flatten(candidate: Candidate): Candidate[] {
  const { node, document, path } = candidate;
  const kind = textOf(member(node, 'kind'));
  const apiVersion = textOf(member(node, 'apiVersion'));
  const items = member(node, 'items');
  // A custom resource may be called a list and have items; only an object without a name of its own is a list.
  const isList = kind?.endsWith('List') === true && apiVersion !== undefined && items !== undefined;
  if (!isList || member(member(node, 'metadata'), 'name') !== undefined) return [candidate];
  if (items.kind === 'scalar' && items.value === null) return [];
  if (items.kind !== 'sequence') return [candidate];
  const itemKind = kind.slice(0, -'List'.length);
  const inherited = itemKind === '' ? undefined : { apiVersion, kind: itemKind };
  return items.items.flatMap((item, index) =>
    flatten({
      document,
      path: [...path, 'items', index],
      node: item,
      ...(inherited === undefined ? {} : { inherited }),
    }),
  );
}

/** Checks what makes an object one: apiVersion, kind, metadata.name, and maps of text where Kubernetes has them. */
export function identify(candidate: Candidate, problems: Problem[]): Identified | undefined {
  const check = new ShapeCheck(candidate, problems);
  const before = problems.length;
  const { node } = candidate;
  if (node.kind !== 'mapping') {
    check.report(
      [],
      `An object was expected here, not ${describeNode(node)}. A manifest has \`apiVersion\`, \`kind\` and \`metadata\`.`,
      'not-an-object',
    );
    return undefined;
  }
  if (check.isForeignFile(node)) return undefined;
  const apiVersion = check.text('apiVersion', apiVersionPattern, 'for example `apps/v1`');
  const kind = check.text('kind', kindPattern, 'for example `Deployment`');
  const name = check.metadata(node);
  if (problems.length > before || apiVersion === undefined || kind === undefined || name === undefined)
    return undefined;
  return { ...candidate, node, apiVersion, kind, name };
}

const apiVersionPattern = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/i;
const kindPattern = /^[A-Za-z][A-Za-z0-9]*$/;
const namespacePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

class ShapeCheck {
  readonly #candidate: Candidate;
  readonly #problems: Problem[];

  constructor(candidate: Candidate, problems: Problem[]) {
    this.#candidate = candidate;
    this.#problems = problems;
  }

  report(path: YamlPath, message: string, code: string): void {
    const { document } = this.#candidate;
    this.#problems.push({ message, at: this.#place(path), code, ...(document.file === '' ? {} : {}) });
  }

  /** Files that lie beside manifests and are none: said by name, because the usual message would puzzle. */
  isForeignFile(node: YamlMapping): boolean {
    const apiVersion = textOf(member(node, 'apiVersion')) ?? '';
    const foreign = apiVersion.startsWith('kustomize.config.k8s.io/')
      ? 'a kustomization, which is for kustomize and not for the cluster. Name its folder in `manifests` and set `renderType` to `kustomize`'
      : node.entries.has('apiVersion') || node.entries.has('kind') || this.#candidate.inherited !== undefined
        ? undefined
        : 'no Kubernetes object: it has neither `apiVersion` nor `kind`. Leave the file out with a line `!path` in `manifests`, or add them';
    if (foreign === undefined) return false;
    this.report([], `This is ${foreign}.`, 'not-a-manifest');
    return true;
  }

  text(key: 'apiVersion' | 'kind', pattern: RegExp, example: string): string | undefined {
    const value = member(this.#candidate.node, key);
    const inherited = this.#candidate.inherited?.[key];
    if (value === undefined && inherited !== undefined) return inherited;
    if (value === undefined) {
      this.report([], `\`${key}\` is missing. Add it, ${example}.`, `${key}-missing`);
      return undefined;
    }
    const text = textOf(value);
    if (text === undefined || !pattern.test(text)) {
      this.report([key], `\`${key}\` must be text, ${example}, not ${describeNode(value)}.`, `${key}-invalid`);
      return undefined;
    }
    return text;
  }

  /** Returns the name. */
  metadata(node: YamlMapping): string | undefined {
    const metadata = member(node, 'metadata');
    if (metadata?.kind !== 'mapping') {
      const found = metadata === undefined ? 'missing' : `${describeNode(metadata)}`;
      this.report(
        metadata === undefined ? [] : ['metadata'],
        `\`metadata\` is ${found}. It must be an object with at least a \`name\`.`,
        'metadata-missing',
      );
      return undefined;
    }
    this.#textMap(metadata, 'labels');
    this.#textMap(metadata, 'annotations');
    this.#namespace(metadata);
    return this.#name(metadata);
  }

  #name(metadata: YamlMapping): string | undefined {
    const value = member(metadata, 'name');
    if (value === undefined) {
      const message = metadata.entries.has('generateName')
        ? '`metadata.generateName` makes a new object at each run, which nothing could find again. Give the object a fixed `metadata.name`.'
        : '`metadata.name` is missing. Add it.';
      const path = metadata.entries.has('generateName') ? ['metadata', 'generateName'] : ['metadata'];
      this.report(path, message, metadata.entries.has('generateName') ? 'generate-name' : 'name-missing');
      return undefined;
    }
    const name = textOf(value);
    if (name === undefined) {
      this.report(
        ['metadata', 'name'],
        `\`metadata.name\` must be text, not ${describeNode(value)}.${quoteHint(value)}`,
        'name-invalid',
      );
      return undefined;
    }
    // What the API server's paths can carry; each kind has narrower rules, which the server checks.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
    if (name === '' || name.length > 253 || name === '.' || name === '..' || /[/%\u0000-\u001f\u007f]/.test(name)) {
      this.report(
        ['metadata', 'name'],
        '`metadata.name` must be 1 to 253 characters without `/` and `%`, and not `.` or `..`.',
        'name-invalid',
      );
      return undefined;
    }
    return name;
  }

  #namespace(metadata: YamlMapping): void {
    const value = member(metadata, 'namespace');
    if (value === undefined || (value.kind === 'scalar' && (value.value === null || value.value === ''))) return;
    const namespace = textOf(value);
    if (namespace !== undefined && namespacePattern.test(namespace)) return;
    this.report(
      ['metadata', 'namespace'],
      `\`metadata.namespace\` must be lower-case letters, digits and hyphens, at most 63.${quoteHint(value)}`,
      'namespace-invalid',
    );
  }

  #textMap(metadata: YamlMapping, key: 'labels' | 'annotations'): void {
    const map = member(metadata, key);
    if (map === undefined || (map.kind === 'scalar' && map.value === null)) return;
    if (map.kind !== 'mapping') {
      this.report(
        ['metadata', key],
        `\`metadata.${key}\` must be an object of texts, not ${describeNode(map)}.`,
        `${key}-invalid`,
      );
      return;
    }
    for (const [name, entry] of map.entries) {
      if (textOf(entry.value) !== undefined) continue;
      this.report(
        ['metadata', key, name],
        `The value of \`${name}\` in \`metadata.${key}\` must be text, not ${describeNode(entry.value)}.${quoteHint(entry.value)}`,
        `${key}-invalid`,
      );
    }
  }

  #place(path: YamlPath): NonNullable<Problem['at']> {
    const { document } = this.#candidate;
    return document.place([...this.#candidate.path, ...path]);
  }
}

/** `a list`, `the number 3`: short, and never longer than a line. */
export function describeNode(node: YamlNode): string {
  if (node.kind === 'sequence') return 'a list';
  if (node.kind === 'mapping') return 'an object';
  const value = node.value;
  if (value === null) return 'empty';
  if (typeof value === 'string') return value.length <= 60 ? `the text \`${value}\`` : 'a long text';
  return typeof value === 'boolean' ? `the boolean \`${value}\`` : `the number \`${value}\``;
}

/** What to write instead of a value that YAML did not read as text. */
export function quoteHint(node: YamlNode): string {
  return node.kind === 'scalar' && node.value !== null && typeof node.value !== 'string'
    ? ` Quote it: \`"${node.value}"\`.`
    : node.kind === 'scalar' && node.value === null
      ? ' Write `""` for empty text.'
      : '';
}

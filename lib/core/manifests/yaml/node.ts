import type { ScalarValue } from './scalar.ts';

/** A value and where it stands. Offsets count UTF-16 units from the beginning of the document's text. */
export type YamlNode = YamlScalar | YamlSequence | YamlMapping;

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly value: ScalarValue;
  /** -1 when there is no text: an empty value. */
  readonly offset: number;
}

export interface YamlSequence {
  readonly kind: 'sequence';
  readonly items: YamlNode[];
  readonly offset: number;
}

export interface YamlMapping {
  readonly kind: 'mapping';
  readonly entries: Map<string, YamlEntry>;
  readonly offset: number;
}

export interface YamlEntry {
  readonly keyOffset: number;
  readonly value: YamlNode;
}

/** Steps from the root of a document: keys of mappings, indexes of sequences. */
export type YamlPath = readonly (string | number)[];

/** A fresh plain value; what an alias names twice becomes two copies. */
export function toPlain(node: YamlNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'sequence':
      return node.items.map(toPlain);
    case 'mapping': {
      const result: Record<string, unknown> = {};
      for (const [key, entry] of node.entries) result[key] = toPlain(entry.value);
      return result;
    }
  }
}

/** The node at a path; undefined when the path leads nowhere. */
export function nodeAt(root: YamlNode, path: YamlPath): YamlNode | undefined {
  let node: YamlNode | undefined = root;
  for (const step of path) node = node === undefined ? undefined : childOf(node, step)?.value;
  return node;
}

/** The offset of the key, or of the sequence's item, that a path ends at; undefined when it has no text of its own. */
export function offsetOf(root: YamlNode, path: YamlPath): number | undefined {
  const last = path.at(-1);
  if (last === undefined) return root.offset < 0 ? undefined : root.offset;
  const parent = nodeAt(root, path.slice(0, -1));
  const offset = parent === undefined ? undefined : childOf(parent, last)?.offset;
  return offset === undefined || offset < 0 ? undefined : offset;
}

/** The value of a mapping's key; undefined for other nodes. */
export function member(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === 'mapping' ? node.entries.get(key)?.value : undefined;
}

/** The text of a scalar that is text; undefined for anything else. */
export function textOf(node: YamlNode | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

function childOf(node: YamlNode, step: string | number): { value: YamlNode; offset: number } | undefined {
  if (node.kind === 'mapping') {
    const entry = node.entries.get(String(step));
    return entry === undefined ? undefined : { value: entry.value, offset: entry.keyOffset };
  }
  if (node.kind === 'sequence') {
    const item = node.items[Number(step)];
    return item === undefined ? undefined : { value: item, offset: item.offset };
  }
  return undefined;
}

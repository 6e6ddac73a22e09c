import { canonicalJson, compareText, isRecord, jsonEquals, ownValue } from './canonical-json.ts';
import { type FieldPath, formatFieldPath, type PathElement, parseJson, serverPath } from './field-path.ts';

/**
 * A set of fields of one object, as `managedFields` records who owns what. The format (FieldsV1) and the meaning of each operation are
 * those of sigs.k8s.io/structured-merge-diff, package fieldpath.
 */
export interface FieldSet {
  /** By path element in FieldsV1's own writing with keys sorted: `f:spec`, `k:{"name":"web"}`. */
  readonly nodes: ReadonlyMap<string, FieldNode>;
}

export interface FieldNode {
  readonly element: PathElement;
  /** The field itself is in the set, not only something below it. */
  readonly member: boolean;
  readonly below: FieldSet;
}

export const emptyFieldSet: FieldSet = { nodes: new Map() };

/**
 * Reads FieldsV1. Elements of a type that is not known are left out, as the API server does with what a later version may add; so is
 * anything that is not FieldsV1 at all.
 */
export function parseFieldSet(fieldsV1: unknown): FieldSet {
  return readLevel(fieldsV1).below;
}

/** FieldsV1 of a set, the inverse of {@link parseFieldSet}. */
export function fieldsV1Of(set: FieldSet): Record<string, unknown> {
  const level: Record<string, unknown> = {};
  for (const [key, node] of sortedNodes(set)) {
    const below = fieldsV1Of(node.below);
    level[key] = node.member && !isEmpty(node.below) ? { '.': {}, ...below } : below;
  }
  return level;
}

export function isEmpty(set: FieldSet): boolean {
  return set.nodes.size === 0;
}

/** What is in either set. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const nodes = new Map(a.nodes);
  for (const [key, node] of b.nodes) {
    const other = nodes.get(key);
    nodes.set(
      key,
      other === undefined
        ? node
        : { element: node.element, member: other.member || node.member, below: union(other.below, node.below) },
    );
  }
  return { nodes };
}

/** What is in `a` and not in `b`, path by path: a field of `b` takes nothing away that `a` has below it. */
export function subtract(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (node, other) => node.member && other?.member !== true, subtract);
}

/** What is in both sets. */
export function intersect(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, (node, other) => node.member && other?.member === true, intersect);
}

/** Whether every path of `inner` is in `outer`. */
export function contains(outer: FieldSet, inner: FieldSet): boolean {
  return isEmpty(subtract(inner, outer));
}

/** Whether the set has this very path, not only something above or below it. */
export function hasPath(set: FieldSet, path: FieldPath): boolean {
  return nodeAt(set, path)?.member === true;
}

/** What the set has below a path: the part of the set that `path` leads to. */
export function below(set: FieldSet, path: FieldPath): FieldSet {
  return path.length === 0 ? set : (nodeAt(set, path)?.below ?? emptyFieldSet);
}

/** Every path of the set, in the order of FieldsV1's keys. */
export function fieldPaths(set: FieldSet): FieldPath[] {
  const found: FieldPath[] = [];
  collectPaths(set, [], found);
  return found;
}

/** The set of exactly these paths. */
export function fieldSetOf(paths: readonly FieldPath[]): FieldSet {
  return paths.map(singlePath).reduce(union, emptyFieldSet);
}

function singlePath(path: FieldPath): FieldSet {
  return path.reduceRight<FieldSet>(
    (below, element) => ({ nodes: new Map([[elementKey(element), { element, member: isEmpty(below), below }]]) }),
    emptyFieldSet,
  );
}

/** The paths as messages write them: `spec.template.spec.containers[name=web].image`. */
export function pathsOf(set: FieldSet): string[] {
  return fieldPaths(set).map(formatFieldPath);
}

/** The path of the set that the API server writes so, see {@link serverPath}; undefined when the set has none. */
export function findServerPath(set: FieldSet, text: string): FieldPath | undefined {
  return fieldPaths(set).find((path) => serverPath(path) === text);
}

/**
 * The part of an object that a field set names. Items of associative lists and sets are found by their keys or values and keep the
 * object's order; what the object does not have is left out. An item brings its key fields along, whoever owns them.
 *
 * FieldsV1 does not tell a field that is owned whole (`f:selector: {}`, an atomic map) from an empty map that others may fill
 * (`f:emptyDir: {}`); the schema would. Give the fields of everybody else as `others`: where they have something below a field that
 * ends here, that part is theirs. Without `others` the whole value is taken.
 */
export function project(object: unknown, set: FieldSet, others: FieldSet = emptyFieldSet): unknown {
  if (Array.isArray(object)) return projectList(object, set, others);
  if (isRecord(object)) return projectMap(object, set, others);
  return isEmpty(set) ? undefined : object;
}

/** FieldsV1's writing of one path element, with the keys of a `k:` element sorted. */
export function elementKey(element: PathElement): string {
  switch (element.type) {
    case 'field':
      return `f:${element.name}`;
    case 'key':
      return `k:${canonicalJson(element.keys)}`;
    case 'value':
      return `v:${canonicalJson(element.value)}`;
    case 'index':
      return `i:${element.index}`;
  }
}

function readLevel(level: unknown): { member: boolean; below: FieldSet } {
  const nodes = new Map<string, FieldNode>();
  let self = false;
  for (const [key, value] of Object.entries(isRecord(level) ? level : {})) {
    if (key === '.') {
      self = true;
      continue;
    }
    const element = readElement(key);
    if (element === undefined) continue;
    nodes.set(elementKey(element), { element, ...readLevel(value) });
  }
  return { member: self || nodes.size === 0, below: { nodes } };
}

function readElement(key: string): PathElement | undefined {
  const rest = key.slice(2);
  switch (key.slice(0, 2)) {
    case 'f:':
      return { type: 'field', name: rest };
    case 'k:': {
      const keys = parseJson(rest);
      return isRecord(keys) ? { type: 'key', keys } : undefined;
    }
    case 'v:': {
      const value = parseJson(rest);
      return value === undefined ? undefined : { type: 'value', value };
    }
    case 'i:':
      return /^\d+$/.test(rest) ? { type: 'index', index: Number(rest) } : undefined;
    default:
      return undefined;
  }
}

function combine(
  a: FieldSet,
  b: FieldSet,
  member: (node: FieldNode, other: FieldNode | undefined) => boolean,
  descend: (a: FieldSet, b: FieldSet) => FieldSet,
): FieldSet {
  const nodes = new Map<string, FieldNode>();
  for (const [key, node] of a.nodes) {
    const other = b.nodes.get(key);
    const kept = {
      element: node.element,
      member: member(node, other),
      below: descend(node.below, other?.below ?? emptyFieldSet),
    };
    if (kept.member || !isEmpty(kept.below)) nodes.set(key, kept);
  }
  return { nodes };
}

function nodeAt(set: FieldSet, path: FieldPath): FieldNode | undefined {
  let node: FieldNode | undefined;
  let level = set;
  for (const element of path) {
    node = level.nodes.get(elementKey(element));
    if (node === undefined) return undefined;
    level = node.below;
  }
  return node;
}

function sortedNodes(set: FieldSet): [string, FieldNode][] {
  return [...set.nodes].sort(([a], [b]) => compareText(a, b));
}

function collectPaths(set: FieldSet, prefix: FieldPath, found: FieldPath[]): void {
  for (const [, node] of sortedNodes(set)) {
    const path = [...prefix, node.element];
    if (node.member) found.push(path);
    collectPaths(node.below, path, found);
  }
}

function projectMap(object: Record<string, unknown>, set: FieldSet, others: FieldSet): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [key, node] of set.nodes) {
    if (node.element.type !== 'field') continue;
    const value = ownValue(object, node.element.name);
    if (value === undefined) continue;
    entries.push([node.element.name, projectNode(value, node, others.nodes.get(key)?.below ?? emptyFieldSet)]);
  }
  return Object.fromEntries(entries);
}

function projectList(list: readonly unknown[], set: FieldSet, others: FieldSet): unknown[] {
  const projected: unknown[] = [];
  list.forEach((item, index) => {
    for (const [key, node] of set.nodes) {
      if (!isItem(item, index, node.element)) continue;
      const part = projectNode(item, node, others.nodes.get(key)?.below ?? emptyFieldSet);
      const keys = node.element.type === 'key' && isRecord(item) ? presentKeys(item, node.element.keys) : {};
      projected.push(isRecord(part) ? { ...keys, ...part } : part);
      return;
    }
  });
  return projected;
}

function projectNode(value: unknown, node: FieldNode, others: FieldSet): unknown {
  if (!isEmpty(node.below)) return project(value, node.below, others);
  return isEmpty(others) ? value : without(value, others);
}

/** The object less the fields that the set names, the inverse of {@link project}; a map or list that loses them all stays, empty. */
export function without(value: unknown, set: FieldSet): unknown {
  const takes = (element: PathElement) => set.nodes.get(elementKey(element));
  if (isRecord(value)) {
    const entries = Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
      const node = takes({ type: 'field', name });
      if (node === undefined) return [[name, member]];
      return node.member ? [] : [[name, without(member, node.below)]];
    });
    return Object.fromEntries(entries);
  }
  if (!Array.isArray(value)) return value;
  const nodes = [...set.nodes.values()];
  return value.flatMap((item: unknown, index) => {
    const node = nodes.find((candidate) => isItem(item, index, candidate.element));
    if (node === undefined) return [item];
    return node.member ? [] : [without(item, node.below)];
  });
}

function isItem(item: unknown, index: number, element: PathElement): boolean {
  switch (element.type) {
    case 'key':
      return (
        isRecord(item) &&
        Object.entries(element.keys).every(([key, value]) => jsonEquals(ownValue(item, key) ?? null, value))
      );
    case 'value':
      return jsonEquals(item, element.value);
    case 'index':
      return index === element.index;
    case 'field':
      return false;
  }
}

function presentKeys(item: Record<string, unknown>, keys: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(keys).flatMap((key) => (Object.hasOwn(item, key) ? [[key, item[key]]] : [])));
}

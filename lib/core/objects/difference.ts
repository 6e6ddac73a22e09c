import type { FieldChange } from '../plan/change.ts';
import { align } from './align.ts';
import { canonicalJson, compareText, isRecord, jsonEquals, ownValue } from './canonical-json.ts';
import { type FieldPath, field, formatFieldPath, type PathElement } from './field-path.ts';
import { elementKey, type FieldSet, isEmpty } from './field-set.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { itemKeys } from './list-keys.ts';
import { fieldSet, managedFieldsOf } from './managed-fields.ts';
import { type MaskingOptions, maskObject, secretValuesOf } from './masking.ts';
import { fits, lineDifference, shorten, shortenPair, valueText } from './value-text.ts';

export interface DifferenceOptions extends MaskingOptions {
  /** Our field manager's name: `setBy` then names who else set the value that is there before. */
  readonly ourManager?: string;
  /** Changes of one object that are listed; one more entry counts the rest. Default 40. */
  readonly maxChanges?: number;
}

/**
 * How an object as the server knows it differs from another: usually the live object and the answer of a dry run. What the server
 * keeps for itself is left out: `status`, `managedFields`, versions, uid and timestamps. Values are masked first and compared then,
 * so what is secret shows as a digest that changed. Sorted by field; swapping the objects swaps `before` and `after`.
 *
 * `undefined` stands for an object that does not exist: then everything that the other declares is listed.
 */
export function differences(
  before: KubernetesObject | undefined,
  after: KubernetesObject | undefined,
  options: DifferenceOptions,
): FieldChange[] {
  const comparison = new Comparison(before === undefined ? () => undefined : settersOf(before, options.ourManager));
  const known = [before, after].flatMap((object) => (object === undefined ? [] : secretValuesOf(object)));
  const masking = { ...options, known: [...(options.known ?? []), ...known] };
  comparison.members([], comparable(before, after, masking), comparable(after, before, masking));
  const limit = options.maxChanges ?? 40;
  const { changes } = comparison;
  if (changes.length <= limit) return changes;
  return [...changes.slice(0, limit), { path: `and ${changes.length - limit} more` }];
}

/** Fields that the server writes on its own, or that name the object rather than describe it. */
const serverFields: readonly string[] = [
  'managedFields',
  'resourceVersion',
  'uid',
  'generation',
  'selfLink',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** Annotations that controllers of the cluster keep for themselves. */
const serverAnnotations: readonly string[] = [
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
];

function comparable(
  object: KubernetesObject | undefined,
  other: KubernetesObject | undefined,
  options: MaskingOptions,
): Record<string, unknown> {
  if (object === undefined) return {};
  const { status: _, metadata, ...rest } = object;
  const kept = Object.fromEntries(
    Object.entries(isRecord(metadata) ? metadata : {}).filter(([name]) => !serverFields.includes(name)),
  );
  const annotations = kept['annotations'];
  if (isRecord(annotations)) {
    const shown = Object.entries(annotations).filter(([name]) => !serverAnnotations.includes(name));
    if (shown.length === 0) delete kept['annotations'];
    else kept['annotations'] = Object.fromEntries(shown);
  }
  const masked = maskObject({ ...rest, metadata: kept } as unknown as KubernetesObject, options);
  if (other !== undefined) return withoutTemplateTimestamps(masked) as Record<string, unknown>;
  const { apiVersion: _version, kind: _kind, metadata: shown, ...fields } = masked;
  const { name: _name, namespace: _namespace, ...described } = shown;
  return withoutTemplateTimestamps({ ...fields, metadata: described }) as Record<string, unknown>;
}

/** Older servers write `creationTimestamp: null` into every template. */
function withoutTemplateTimestamps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTemplateTimestamps);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, member]) => name !== 'creationTimestamp' || member !== null)
      .map(([name, member]) => [name, withoutTemplateTimestamps(member)]),
  );
}

/** Paths shorter than this are never told as one value: `metadata` and `spec` are not what a reader looks for. */
const splitDepth = 2;

class Comparison {
  readonly changes: FieldChange[] = [];
  readonly #setBy: (path: FieldPath) => string | undefined;

  constructor(setBy: (path: FieldPath) => string | undefined) {
    this.#setBy = setBy;
  }

  members(path: FieldPath, before: Record<string, unknown>, after: Record<string, unknown>): void {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(compareText);
    for (const name of names) {
      this.#value([...path, field(name)], ownValue(before, name), ownValue(after, name));
    }
  }

  #value(path: FieldPath, before: unknown, after: unknown): void {
    if (before === after || jsonEquals(before, after)) return;
    if (isRecord(before) && isRecord(after)) this.members(path, before, after);
    else if (Array.isArray(before) && Array.isArray(after)) this.#items(path, before, after);
    else if (before === undefined || after === undefined) this.#wholeValue(path, before, after);
    else this.#leaf(path, before, after);
  }

  /** What is only on one side: on one line if it fits, otherwise by its parts. */
  #wholeValue(path: FieldPath, before: unknown, after: unknown): void {
    const value = before ?? after;
    if (isContainer(value) && (path.length < splitDepth || !fits(valueText(value)))) {
      if (isRecord(value)) this.members(path, before === undefined ? {} : value, after === undefined ? {} : value);
      else
        this.#items(
          path,
          before === undefined ? [] : (value as unknown[]),
          after === undefined ? [] : (value as unknown[]),
        );
    } else {
      this.#leaf(path, before, after);
    }
  }

  #items(path: FieldPath, before: readonly unknown[], after: readonly unknown[]): void {
    const last = path.at(-1);
    const keys = itemKeys(last?.type === 'field' ? last.name : '', before, after);
    if (keys === undefined) this.#byPlace(path, before, after);
    else this.#byKey(path, before, after, keys);
  }

  #byKey(
    path: FieldPath,
    before: readonly unknown[],
    after: readonly unknown[],
    keys: { before: PathElement[]; after: PathElement[] },
  ): void {
    const old = new Map(keys.before.map((element, index) => [elementKey(element), { element, item: before[index] }]));
    const now = new Map(keys.after.map((element, index) => [elementKey(element), { element, item: after[index] }]));
    for (const name of [...new Set([...old.keys(), ...now.keys()])].sort(compareText)) {
      const element = (old.get(name) ?? now.get(name))?.element;
      if (element !== undefined) this.#value([...path, element], old.get(name)?.item, now.get(name)?.item);
    }
    const oldOrder = [...old.keys()].filter((name) => now.has(name));
    const newOrder = [...now.keys()].filter((name) => old.has(name));
    if (!jsonEquals(oldOrder, newOrder)) {
      const order = (names: readonly string[], items: typeof old) =>
        names.map((name) => itemName(items.get(name)?.element)).join(', ');
      this.#add(path, `in the order ${order(oldOrder, old)}`, `in the order ${order(newOrder, now)}`);
    }
  }

  #byPlace(path: FieldPath, before: readonly unknown[], after: readonly unknown[]): void {
    const gap: { before: number[]; after: number[] } = { before: [], after: [] };
    for (const pair of align(before.map(canonicalJson), after.map(canonicalJson))) {
      if (pair.before !== undefined && pair.after !== undefined) this.#gap(path, before, after, gap);
      else if (pair.before !== undefined) gap.before.push(pair.before);
      else if (pair.after !== undefined) gap.after.push(pair.after);
    }
    this.#gap(path, before, after, gap);
  }

  /** Items between two that are equal: as many as both lists have are taken for changed ones, the rest was removed or added. */
  #gap(
    path: FieldPath,
    before: readonly unknown[],
    after: readonly unknown[],
    gap: { before: number[]; after: number[] },
  ): void {
    const count = Math.max(gap.before.length, gap.after.length);
    for (let i = 0; i < count; i++) {
      const old = gap.before[i];
      const now = gap.after[i];
      const index = Math.min(old ?? Number.MAX_SAFE_INTEGER, now ?? Number.MAX_SAFE_INTEGER);
      this.#value(
        [...path, { type: 'index', index }],
        old === undefined ? undefined : before[old],
        now === undefined ? undefined : after[now],
      );
    }
    gap.before = [];
    gap.after = [];
  }

  #leaf(path: FieldPath, before: unknown, after: unknown): void {
    if (typeof before === 'string' && typeof after === 'string' && (isMultiLine(before) || isMultiLine(after))) {
      this.#add(path, lineCount(before), lineCount(after), lineDifference(before, after));
      return;
    }
    this.#add(path, leafText(before), leafText(after));
  }

  #add(path: FieldPath, before: string | undefined, after: string | undefined, lines?: readonly string[]): void {
    const text = formatFieldPath(path);
    const shown = before !== undefined && after !== undefined ? shortenPair(before, after) : { before, after };
    const setBy = before === undefined ? undefined : this.#setBy(path);
    this.changes.push({
      path: text,
      ...(shown.before === undefined ? {} : { before: shorten(shown.before) }),
      ...(shown.after === undefined ? {} : { after: shorten(shown.after) }),
      ...(setBy === undefined ? {} : { setBy }),
      ...(lines === undefined ? {} : { lines }),
    });
  }
}

function leafText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' && isMultiLine(value)
    ? `${lineCount(value)}: ${valueText(value)}`
    : valueText(value);
}

function isMultiLine(text: string): boolean {
  return text.trimEnd().includes('\n');
}

function lineCount(text: string): string {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return lines === 1 ? '1 line' : `${lines} lines`;
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function itemName(element: PathElement | undefined): string {
  return element?.type === 'key' ? Object.values(element.keys).map(valueText).join('/') : '';
}

/** Who, other than us, set the field or something around it. Nobody when we own the very field too: then the value is ours. */
function settersOf(object: KubernetesObject, ourManager: string | undefined): (path: FieldPath) => string | undefined {
  const entries = ourManager === undefined ? [] : managedFieldsOf(object);
  const sets = entries.map((entry) => ({ manager: entry.manager ?? 'unknown', set: fieldSet(entry) }));
  return (path) => {
    const names = sets.filter(({ set }) => reaches(set, path)).map(({ manager }) => manager);
    if (names.length === 0 || (ourManager !== undefined && names.includes(ourManager))) return undefined;
    return [...new Set(names)].sort(compareText).join(', ');
  };
}

/** Whether a set has the path, something below it, or ends above it in a field that is owned whole. */
function reaches(set: FieldSet, path: FieldPath): boolean {
  let level = set;
  for (const element of path) {
    const node = level.nodes.get(elementKey(element));
    if (node === undefined) return false;
    if (isEmpty(node.below)) return true;
    level = node.below;
  }
  return true;
}

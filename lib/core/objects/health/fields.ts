/** A condition as most kinds write it into `status.conditions`. Fields of wrong types read as empty. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** Reads fields of foreign JSON. A field of another type than asked for reads as absent and is remembered in `problems`. */
export interface Fields {
  /** Whole numbers; the fallback when the field is absent. */
  count(path: string): number | undefined;
  count(path: string, fallback: number): number;
  text(path: string): string;
  flag(path: string): boolean;
  /** The objects of an array. */
  records(path: string): readonly Fields[];
  has(path: string): boolean;
  condition(type: string): Condition | undefined;
  /** Sentences about fields of wrong types that were asked for: what stands on them is not known. */
  readonly problems: readonly string[];
}

type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of own fields, `status.replicas`; undefined when any part is absent or null. */
export function valueAt(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const name of path.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value ?? undefined;
}

/** The conditions that have a type; nothing when the list has another shape, because custom resources are free in theirs. */
export function conditionsOf(object: unknown): Condition[] {
  const list = valueAt(object, 'status.conditions');
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).flatMap((entry) => {
    const type = textOf(entry['type']);
    if (type === '') return [];
    const observed = wholeNumber(entry['observedGeneration']);
    return [
      {
        type,
        status: textOf(entry['status']),
        reason: textOf(entry['reason']),
        message: textOf(entry['message']),
        ...(observed === undefined ? {} : { observedGeneration: observed }),
      },
    ];
  });
}

/** A whole number, also one written as text: Argo Rollouts writes its observedGeneration so. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  return undefined;
}

export function fieldsOf(object: unknown, at = '', problems: string[] = []): Fields {
  const read = <T>(path: string, expected: string, accept: (value: unknown) => value is T): T | undefined => {
    const value = valueAt(object, path);
    if (value === undefined || accept(value)) return value;
    problems.push(`${at}${path} should be ${expected} and is ${describeType(value)}.`);
    return undefined;
  };
  return {
    count: ((path: string, fallback?: number) => read(path, 'a whole number', isWhole) ?? fallback) as Fields['count'],
    text: (path) => read(path, 'text', isText) ?? '',
    flag: (path) => read(path, 'true or false', isFlag) ?? false,
    records: (path) =>
      (read(path, 'a list', isList) ?? []).map((entry, index) => fieldsOf(entry, `${at}${path}[${index}].`, problems)),
    has: (path) => valueAt(object, path) !== undefined,
    condition: (type) => {
      read('status.conditions', 'a list', isList);
      return conditionsOf(object).find((condition) => condition.type === type);
    },
    problems,
  };
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function describeType(value: unknown): string {
  return Array.isArray(value) ? 'a list' : typeof value;
}

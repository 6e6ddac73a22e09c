import { isRecord, ownValue } from './canonical-json.ts';
import type { PathElement } from './field-path.ts';
import { elementKey } from './field-set.ts';

/**
 * What identifies an item of a list, by the list's field name: the keys by which the API server merges it (source: the
 * x-kubernetes-list-map-keys of the API's OpenAPI document), and for a few lists that the server replaces whole what a reader would
 * tell items apart by. More than one where the same name means different lists; the first that fits the items is taken.
 */
export const listKeys: Readonly<Record<string, readonly (readonly string[])[]>> = {
  ports: [
    ['containerPort', 'protocol'],
    ['port', 'protocol'],
  ],
  volumeMounts: [['mountPath']],
  volumeDevices: [['devicePath']],
  hostAliases: [['ip']],
  topologySpreadConstraints: [['topologyKey', 'whenUnsatisfiable']],
  conditions: [['type']],
  addresses: [['type']],
  ownerReferences: [['uid']],
  taints: [['key', 'effect']],
  tolerations: [['key', 'effect']],
  matchExpressions: [['key', 'operator']],
  tls: [['secretName']],
  subjects: [['kind', 'namespace', 'name']],
  'x-kubernetes-validations': [['rule']],
};

/** Containers, volumes, variables, image pull secrets, webhooks and most lists of custom resources. */
const byName: readonly string[] = ['name'];

/**
 * The key of every item, when all items of both lists have one and no two in a list share it; otherwise undefined, and the items have
 * to be told apart by their places.
 */
export function itemKeys(
  listName: string,
  before: readonly unknown[],
  after: readonly unknown[],
): { before: PathElement[]; after: PathElement[] } | undefined {
  for (const keys of [...(Object.hasOwn(listKeys, listName) ? (listKeys[listName] ?? []) : []), byName]) {
    const ofBefore = keysOf(before, keys);
    const ofAfter = keysOf(after, keys);
    if (ofBefore !== undefined && ofAfter !== undefined) return { before: ofBefore, after: ofAfter };
  }
  return undefined;
}

function keysOf(items: readonly unknown[], keys: readonly string[]): PathElement[] | undefined {
  const seen = new Set<string>();
  const elements: PathElement[] = [];
  for (const item of items) {
    if (!isRecord(item)) return undefined;
    const values = keys.map((key) => ownValue(item, key));
    // The first key makes the identity; the others may be absent, as the protocol of a port may in a manifest.
    if (values[0] === undefined || !values.every((value) => value === undefined || isKeyValue(value))) return undefined;
    const present = keys.filter((_, index) => values[index] !== undefined);
    const element: PathElement = { type: 'key', keys: Object.fromEntries(present.map((key) => [key, item[key]])) };
    if (seen.has(elementKey(element))) return undefined;
    seen.add(elementKey(element));
    elements.push(element);
  }
  return elements;
}

function isKeyValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

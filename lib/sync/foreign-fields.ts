import { classifyManager } from '../core/objects/field-managers.ts';
import type { FieldPath } from '../core/objects/field-path.ts';
import {
  below,
  emptyFieldSet,
  type FieldSet,
  fieldPaths,
  fieldSetOf,
  hasPath,
  isEmpty,
  parseFieldSet,
  subtract,
  union,
} from '../core/objects/field-set.ts';
import type { KubernetesObject, ManagedFieldsEntry } from '../core/objects/kubernetes-object.ts';
import { applyEntryOf, fieldSet, foldInto, managedFieldsOf } from '../core/objects/managed-fields.ts';
import type { JsonPatchOperation } from '../ports/kubernetes/kubernetes-client.ts';
import { withoutField } from './payload.ts';

/**
 * Fields that stay as they are though a person set them. A rollout restart is an order, not a state: removing its mark would
 * restart everything once more. A number of replicas that Git does not name is an autoscaler's or was left open on purpose;
 * removing it would scale to 1.
 */
const leftAlone: FieldSet = parseFieldSet({
  'f:spec': {
    'f:replicas': {},
    'f:template': { 'f:metadata': { 'f:annotations': { '.': {}, 'f:kubectl.kubernetes.io/restartedAt': {} } } },
  },
});

/**
 * Nobody knows who set what `before-first-apply` has: the record of that was wiped, or is older than the server's. These are never a
 * person's: what keeps an object from being deleted, what the cluster allocates, and what its controllers note down.
 */
const originUnknown = 'before-first-apply';
const ofTheCluster: FieldSet = parseFieldSet({
  'f:metadata': { 'f:finalizers': {}, 'f:ownerReferences': {} },
  'f:spec': {
    'f:claimRef': {},
    'f:clusterIP': {},
    'f:clusterIPs': {},
    'f:finalizers': {},
    'f:healthCheckNodePort': {},
    'f:nodeName': {},
    'f:volumeName': {},
  },
  'f:secrets': {},
});
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function leftAloneOf(live: KubernetesObject): FieldSet {
  const unknown = managedFieldsOf(live).filter((entry) => entry.manager === originUnknown);
  const theirs = unknown
    .flatMap((entry) => fieldPaths(fieldSet(entry)))
    .filter(
      (path) =>
        isOfTheCluster(path) && !path.some((element) => element.type === 'field' && element.name === lastApplied),
    );
  return union(leftAlone, fieldSetOf(theirs));
}

function isOfTheCluster(path: FieldPath): boolean {
  const [first, second, third] = path.map((element) => (element.type === 'field' ? element.name : ''));
  if (first === 'metadata' && second === 'annotations') return /(^|\.)(kubernetes|k8s)\.io\//.test(third ?? '');
  return path.some((_, index) => hasPath(ofTheCluster, path.slice(0, index + 1)));
}

/** Server-side apply keeps what others add, and its dry run does not show it; only `managedFields` does. */
export interface ForeignFields {
  readonly fields: FieldSet;
  /** Names of the managers, for messages. */
  readonly managers: readonly string[];
  /** Those of tools are among them, because the object is taken over. */
  readonly andTools: boolean;
}

export interface ForeignOptions {
  /** Fields of other tools count as well: those of an object that is taken over. */
  readonly andTools: boolean;
  /**
   * The answer of a dry run, when there is one: fields that we shall own then were not added but changed, and are put back by the
   * apply itself.
   */
  readonly after?: KubernetesObject;
}

/** What people added to the object: fields that a person's manager owns and we do not. Undefined when there are none. */
export function foreignFields(
  live: KubernetesObject,
  fieldManager: string,
  options: ForeignOptions,
): ForeignFields | undefined {
  const ours = union(fieldsOfOurs(live, fieldManager), fieldsOfOurs(options.after, fieldManager));
  const managers: string[] = [];
  let fields = emptyFieldSet;
  for (const entry of live.metadata.managedFields ?? []) {
    if (!isTaken(entry, fieldManager, options.andTools)) continue;
    const added = subtract(subtract(fieldSet(entry), ours), leftAloneOf(live));
    if (isEmpty(added)) continue;
    fields = union(fields, added);
    if (entry.manager !== undefined && !managers.includes(entry.manager)) managers.push(entry.manager);
  }
  return isEmpty(fields) ? undefined : { fields, managers, andTools: options.andTools };
}

function fieldsOfOurs(object: KubernetesObject | undefined, fieldManager: string): FieldSet {
  const entry = object === undefined ? undefined : applyEntryOf(object, fieldManager);
  return entry === undefined ? emptyFieldSet : fieldSet(entry);
}

/**
 * The patch that makes people's fields ours, so that the next apply removes those that Git does not declare. It is refused
 * when the object changed since it was read. `andTools`: also take the fields of the tool whose object is taken over.
 */
export function foldPatch(
  live: KubernetesObject,
  fieldManager: string,
  options: { readonly andTools: boolean },
): JsonPatchOperation[] | undefined {
  const folded = foldInto(
    live,
    fieldManager,
    (entry) => isTaken(entry, fieldManager, options.andTools),
    leftAloneOf(live),
  );
  if (folded === undefined) return undefined;
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion },
    // `add` replaces what is there, and works also where somebody wiped the field.
    { op: 'add', path: '/metadata/managedFields', value: folded },
  ];
}

/** The object as it will be once the foreign fields are gone; a map or list that others use as well stays. */
export function withoutForeign(
  object: KubernetesObject,
  live: KubernetesObject,
  foreign: ForeignFields,
  fieldManager: string,
): KubernetesObject {
  const kept = (live.metadata.managedFields ?? [])
    .filter((entry) => !isTaken(entry, fieldManager, foreign.andTools))
    .map(fieldSet)
    .reduce(union, emptyFieldSet);
  return fieldPaths(foreign.fields)
    .filter((path) => !hasPath(kept, path) && isEmpty(below(kept, path)))
    .reduce((rest, path) => withoutField(rest, path) ?? rest, object);
}

/** Scaling by hand goes through a subresource: replicas that Git declares are put back by the apply itself. */
function isTaken(entry: ManagedFieldsEntry, fieldManager: string, andTools: boolean): boolean {
  if ((entry.subresource ?? '') !== '') return false;
  const owner = classifyManager(entry, fieldManager);
  return owner === 'person' || (andTools && owner === 'tool');
}

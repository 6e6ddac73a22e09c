import { randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import { jsonEquals } from '../core/objects/canonical-json.ts';
import { type FieldSet, fieldPaths, fieldSetOf, isEmpty, project, subtract } from '../core/objects/field-set.ts';
import { describeId, type KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { managedFieldsOf } from '../core/objects/managed-fields.ts';
import { CancelledError, InputError, NotPermittedError, type Problem, UnreachableError } from '../errors.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { deniedAccess } from './access-review.ts';
import type { ConflictPolicy, FieldConflict } from './conflicts.ts';
import type { Decision } from './decide.ts';
import { foreignFields } from './foreign-fields.ts';
import { withLiveReplicas } from './hand-over.ts';
import type { PruneDecision } from './prune-guards.ts';
import { problemOf, serverApply } from './server-apply.ts';
import type { Target } from './targets.ts';

/** A decision after the server was asked. */
export interface Prepared {
  readonly decision: Decision;
  /** The object as the server would make it; absent where it could not be asked yet. */
  readonly after?: KubernetesObject;
  /** `after` is what the server made in earnest, without the fields that others had added. */
  readonly isDone?: boolean;
  readonly yielded: readonly FieldConflict[];
  readonly forced: readonly FieldConflict[];
}

export interface PreflightResult {
  readonly prepared: readonly Prepared[];
  readonly problems: readonly Problem[];
  readonly errors: readonly unknown[];
  readonly warnings: readonly Problem[];
}

export interface PreflightOptions {
  readonly mode: 'server' | 'client';
  readonly fieldManager: string;
  readonly conflicts: ConflictPolicy;
  /** Fields that people added are to be found. */
  readonly lookAtForeignFields: boolean;
  /** Show also what would be refused for a conflict. */
  readonly overrule?: boolean;
}

const parallel = 16;
const namespaces: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  verbs: [],
};

/**
 * Asks the server about everything before anything is written: permissions, and with `server` a dry run of every change, so
 * that immutable fields, quotas, webhooks and policies are found while nothing has happened yet.
 */
export async function preflight(
  client: KubernetesClient,
  decisions: readonly Decision[],
  prunes: readonly PruneDecision[],
  options: PreflightOptions,
): Promise<PreflightResult> {
  const limit = pLimit(parallel);
  const problems: Problem[] = [];
  const errors: unknown[] = [];
  const warnings: Problem[] = [];
  const places = await findNamespaces(client, decisions);
  for (const problem of places.problems) {
    problems.push(problem);
    errors.push(new InputError(problem));
  }
  const prepared = await Promise.all(
    decisions.map((decision) =>
      limit(async (): Promise<Prepared> => {
        const asIs: Prepared = { decision, yielded: [], forced: [] };
        if (decision.kind === 'unchanged') return asIs;
        const { target } = decision;
        const cannotAsk = target.awaitsDefinition || places.missing.has(target.id.namespace);
        if (options.mode === 'client' || cannotAsk) return asIs;
        try {
          const answer = await serverApply(client, whatStays(decision), decision.live, {
            ...options,
            dryRun: true,
            adopts: decision.kind === 'adopt',
          });
          for (const text of answer.warnings) {
            warnings.push({
              at: target.manifest.origin,
              message: `${describeId(target.id)}: ${text}`,
              code: 'api-warning',
            });
          }
          const attributed = attributeWiped(decision, answer.object, options);
          const narrowed = await onlyAdded(client, attributed, answer.object, options.fieldManager);
          return { decision: narrowed, after: answer.object, yielded: answer.yielded, forced: answer.forced };
        } catch (error) {
          if (error instanceof CancelledError || error instanceof UnreachableError) throw error;
          errors.push(error);
          problems.push(problemOf(target, error));
          return asIs;
        }
      }),
    ),
  );
  for (const problem of await deniedAccess(client, decisions, prunes, options.mode)) {
    problems.push(problem);
    errors.push(new NotPermittedError(problem));
  }
  return { prepared, problems: sortByPlace(problems), errors, warnings: sortByPlace(warnings) };
}

/** The target as the server has to judge it. */
function whatStays({ target, live, handsOverReplicas }: Decision): Target {
  if (!handsOverReplicas || live === undefined) return target;
  return { ...target, payload: withLiveReplicas(target.payload, live) };
}

/**
 * Somebody wiped managedFields. The server calls whoever made the object `before-first-apply` from the next apply on; looked at in the
 * dry run's answer, what Git declares no more is found in this run.
 */
function attributeWiped(decision: Decision, after: KubernetesObject, options: PreflightOptions): Decision {
  const { live, kind } = decision;
  const { managedFields } = after.metadata;
  if (live === undefined || managedFields === undefined || managedFieldsOf(live).length > 0) return decision;
  if (kind !== 'adopt' && !options.lookAtForeignFields) return decision;
  const attributed = { ...live, metadata: { ...live.metadata, managedFields } };
  const foreign = foreignFields(attributed, options.fieldManager, { andTools: kind === 'adopt' });
  return { ...decision, live: attributed, ...(foreign && { foreign }) };
}

/** Namespaces that do not exist: `missing` ones will be made by this run, others are problems. */
async function findNamespaces(client: KubernetesClient, decisions: readonly Decision[]) {
  const declared = new Set(
    decisions
      .filter(({ target }) => target.id.kind === 'Namespace' && target.id.group === '')
      .map(({ target }) => target.id.name),
  );
  const problems: Problem[] = [];
  const missing = new Set<string>();
  const used = new Map<string, Decision>();
  for (const decision of decisions) {
    const namespace = decision.target.id.namespace;
    if (decision.kind === 'create' && namespace !== '' && !used.has(namespace)) used.set(namespace, decision);
  }
  await Promise.all(
    [...used].map(async ([name, decision]) => {
      if (!(await isMissing(client, name))) return;
      if (declared.has(name)) {
        missing.add(name);
        return;
      }
      problems.push({
        at: decision.target.manifest.origin,
        code: 'missing-namespace',
        message: `Namespace ${name} does not exist, and Git does not declare it. Add a Namespace '${name}' to the manifests, or set the input namespace to one that exists.`,
      });
      missing.add(name);
    }),
  );
  return { missing, problems };
}

async function isMissing(client: KubernetesClient, namespace: string): Promise<boolean> {
  try {
    return (await client.get(namespaces, '', namespace)) === undefined;
  } catch (error) {
    // Without the right to read namespaces the apply itself will tell.
    if (error instanceof NotPermittedError) return false;
    throw error;
  }
}

/**
 * Leaves of people's fields only those that they added. Fields that Git declares are put back by the apply. Fields that a person's
 * entry has only because the server filled in its defaults are no drift either: a dry run of making our object alone, under a name of
 * its own, shows those. Where the server refuses that, all fields count.
 */
async function onlyAdded(
  client: KubernetesClient,
  decision: Decision,
  after: KubernetesObject,
  fieldManager: string,
): Promise<Decision> {
  const { foreign: found, live, target, ...rest } = decision;
  if (found === undefined || live === undefined) return decision;
  const foreign = foreignFields(live, fieldManager, { after, andTools: found.andTools });
  if (foreign === undefined) return { ...rest, live, target };
  if (target.id.kind === 'CustomResourceDefinition') return { ...decision, foreign };
  const name = `gitops-dry-run-${randomBytes(6).toString('hex')}`;
  const body = { ...target.payload, metadata: { ...target.payload.metadata, name } };
  const alone = await client
    .create(target.resource, target.id.namespace, body as Json, { dryRun: true })
    .catch((error: unknown) => {
      if (error instanceof CancelledError || error instanceof UnreachableError) throw error;
      return undefined;
    });
  if (alone === undefined) return { ...decision, foreign };
  const defaults = sameIn(foreign.fields, live, alone as KubernetesObject);
  const remaining = subtract(foreign.fields, defaults);
  return isEmpty(remaining)
    ? { ...rest, live, target, foreignDefaults: true }
    : { ...decision, foreign: { ...foreign, fields: remaining } };
}

/** The paths of the set whose values are the same in both objects. */
function sameIn(fields: FieldSet, a: KubernetesObject, b: KubernetesObject): FieldSet {
  const same = fieldPaths(fields).filter((path) => {
    const only = fieldSetOf([path]);
    const left = project(a, only);
    return left !== undefined && jsonEquals(left, project(b, only));
  });
  return fieldSetOf(same);
}

function sortByPlace(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) =>
      (a.at?.file ?? '').localeCompare(b.at?.file ?? '') ||
      (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
      a.message.localeCompare(b.message),
  );
}

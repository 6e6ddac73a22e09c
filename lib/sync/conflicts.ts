import { classifyManager, isKnownManager } from '../core/objects/field-managers.ts';
import { type FieldPath, formatFieldPath, parseFieldPath } from '../core/objects/field-path.ts';
import { emptyFieldSet, findServerPath, union } from '../core/objects/field-set.ts';
import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { fieldSet } from '../core/objects/managed-fields.ts';
import type { StatusCause } from '../ports/kubernetes/kubernetes-error.ts';
import { handOverManager } from './hand-over.ts';

export type ConflictPolicy = 'auto' | 'fail' | 'force' | 'yield';

export interface FieldConflict {
  readonly field: string;
  readonly path: FieldPath | undefined;
  readonly manager: string;
  readonly subresource: string;
}

export interface ConflictDecision {
  /** Fields that are left to their owner: they are taken out of what is sent. */
  readonly yielded: readonly FieldConflict[];
  /** Fields that are taken from their owner. */
  readonly forced: readonly FieldConflict[];
  /** Fields whose owner is not overruled: nothing is sent. */
  readonly refused: readonly FieldConflict[];
}

/**
 * The conflicts of a 409 to a server-side apply. The server names the manager only in the message:
 * `conflict with "kubectl-edit" with subresource "scale" using apps/v1 at ...` (source: managedfields/internal/conflict.go).
 */
export function conflictsOf(causes: readonly StatusCause[], live: KubernetesObject): FieldConflict[] {
  const owned = (live.metadata.managedFields ?? []).map(fieldSet).reduce(union, emptyFieldSet);
  return causes
    .filter((cause) => cause.reason === 'FieldManagerConflict')
    .map((cause) => {
      const names = /conflict with "((?:[^"\\]|\\.)*)"(?: with subresource "((?:[^"\\]|\\.)*)")?/.exec(
        cause.message ?? '',
      );
      // The server does not quote names that hold a dot; the live object knows which is meant.
      const path = findServerPath(owned, cause.field ?? '') ?? parseFieldPath(cause.field ?? '');
      return {
        path,
        field: path === undefined ? (cause.field ?? '?') : formatFieldPath(path),
        manager: names?.[1] ?? '',
        subresource: names?.[2] ?? '',
      };
    });
}

export interface ConflictContext {
  readonly live: KubernetesObject;
  readonly fieldManager: string;
  /** The object is being taken over: what people and tools set in it before counts no more. */
  readonly adopts: boolean;
}

/** `auto` yields to the cluster's own controllers, overrules people, and fails for other tools and for whom we do not know. */
export function decideConflicts(
  conflicts: readonly FieldConflict[],
  policy: ConflictPolicy,
  context: ConflictContext,
): ConflictDecision {
  const decision = { yielded: [] as FieldConflict[], forced: [] as FieldConflict[], refused: [] as FieldConflict[] };
  for (const conflict of conflicts) {
    const wanted = policy === 'auto' ? automatic(conflict, context) : policy;
    if (wanted === 'yield' && conflict.path !== undefined) decision.yielded.push(conflict);
    else if (wanted === 'force') decision.forced.push(conflict);
    else decision.refused.push(conflict);
  }
  return decision;
}

function automatic(conflict: FieldConflict, context: ConflictContext): 'fail' | 'force' | 'yield' {
  const { manager, subresource } = conflict;
  if (manager === handOverManager) return 'force';
  const operation = context.live.metadata.managedFields?.find(
    (entry) => entry.manager === manager && (entry.subresource ?? '') === subresource,
  )?.operation;
  const owner = classifyManager({ manager, subresource, ...(operation && { operation }) }, context.fieldManager);
  switch (owner) {
    case 'controller': {
      // Under a name that nobody knows it may be a script as well as an operator. What Git declares is not given up for that.
      const isGuess = subresource === '' && !isKnownManager(manager);
      if (!isGuess) return 'yield';
      return context.adopts ? 'force' : 'fail';
    }
    case 'person':
    case 'ours':
      return 'force';
    case 'tool':
      return context.adopts ? 'force' : 'fail';
  }
}

import { differences } from '../core/objects/difference.ts';
import { formatFieldPath } from '../core/objects/field-path.ts';
import { fieldPaths, fieldSetOf, project } from '../core/objects/field-set.ts';
import type { ObjectId } from '../core/objects/kubernetes-object.ts';
import { maskObject, secretValuesOf } from '../core/objects/masking.ts';
import { valueText } from '../core/objects/value-text.ts';
import type { Change, FieldChange, TargetName } from '../core/plan/change.ts';
import type { Decision } from './decide.ts';
import type { Prepared } from './preflight.ts';
import type { PruneDecision } from './prune-guards.ts';

export interface ChangeOptions {
  readonly fieldManager: string;
  /** Keys the digests that stand for secrets in what people read; random for each run. */
  readonly displayKey: Buffer;
  readonly foreignFields: 'correct' | 'report' | 'ignore';
}

/** A prepared decision as a plan shows it. A member that the server would not change is `unchanged`. */
export function changeOf(prepared: Prepared, options: ChangeOptions): Change {
  const { decision } = prepared;
  const { target } = decision;
  const base = { target: targetName(target.id), origin: target.manifest.origin };
  if (decision.kind === 'unchanged') return { ...base, action: 'unchanged', fields: [], ...reasonOf(decision, []) };
  if (decision.kind === 'create') {
    return { ...base, action: 'create', fields: [], ...(prepared.after === undefined && notAsked(decision)) };
  }
  const fields = fieldsOf(prepared, options);
  const corrects = decision.foreign !== undefined && options.foreignFields === 'correct';
  const asked = prepared.after !== undefined;
  const isChanged = decision.kind === 'adopt' || corrects || !asked || fields.length > 0;
  return {
    ...base,
    action: isChanged ? decision.kind : 'unchanged',
    fields,
    ...reasonOf(
      decision,
      prepared.yielded.map((conflict) => `${conflict.field} is left to ${conflict.manager}`),
    ),
  };
}

/** What is not in Git, as a plan shows it; undefined for records that only go because nothing is there. */
export function pruneChange(prune: PruneDecision): Change | undefined {
  if (prune.decision === 'forget') return undefined;
  const action = prune.decision === 'prune' ? 'prune' : prune.decision === 'keep' ? 'keep' : 'skip';
  return { target: targetName(prune.id), action, reason: prune.reason, fields: [] };
}

export function targetName(id: ObjectId): TargetName {
  return {
    kind: id.group === '' ? id.kind : `${id.kind}.${id.group}`,
    name: id.name,
    ...(id.namespace !== '' && { namespace: id.namespace }),
  };
}

function fieldsOf(prepared: Prepared, options: ChangeOptions): FieldChange[] {
  const { decision, after } = prepared;
  const changed =
    after === undefined || decision.live === undefined
      ? []
      : differences(decision.live, after, { digestKey: options.displayKey, ourManager: options.fieldManager });
  return [...changed, ...foreignChanges(decision, options)];
}

/** People's additions, as removals: the dry run of an apply does not show them. */
function foreignChanges(decision: Decision, options: ChangeOptions): FieldChange[] {
  const { foreign, live } = decision;
  if (foreign === undefined || live === undefined) return [];
  const shown = maskObject(live, { digestKey: options.displayKey, known: secretValuesOf(live) });
  const setBy = foreign.managers.join(', ');
  return fieldPaths(foreign.fields)
    .map((path): FieldChange | undefined => {
      const value = leafOf(project(shown, fieldSetOf([path])));
      return value === undefined ? undefined : { path: formatFieldPath(path), before: valueText(value), setBy };
    })
    .filter((change) => change !== undefined);
}

/** The value at the end of a projection that has one path. */
function leafOf(value: unknown): unknown {
  let current = value;
  for (;;) {
    if (Array.isArray(current)) {
      if (current.length !== 1) return current;
      current = current[0] as unknown;
    } else if (typeof current === 'object' && current !== null) {
      const members = Object.values(current as Record<string, unknown>);
      if (members.length !== 1) return members.length === 0 ? undefined : current;
      current = members[0];
    } else return current;
  }
}

function reasonOf(decision: Decision, more: readonly string[]): { reason?: string } {
  const reasons = [...(decision.note === undefined ? [] : [decision.note]), ...more];
  if (decision.foreign !== undefined) reasons.push(`fields added by ${decision.foreign.managers.join(', ')}`);
  return reasons.length === 0 ? {} : { reason: reasons.join('; ') };
}

function notAsked(decision: Decision): { reason?: string } {
  return decision.target.awaitsDefinition ? { reason: 'known after its definition is applied' } : {};
}

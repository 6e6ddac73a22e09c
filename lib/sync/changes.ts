import { differences } from '../core/objects/difference.ts';
import type { ObjectId } from '../core/objects/kubernetes-object.ts';
import type { Change, FieldChange, TargetName } from '../core/plan/change.ts';
import type { Decision } from './decide.ts';
import { withoutForeign } from './foreign-fields.ts';
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
  const corrects = removesForeign(decision, options);
  const fields = fieldsOf(prepared, options, corrects);
  const asked = prepared.after !== undefined;
  const isSupposed = !prepared.isDone && (corrects || !asked);
  const isChanged = decision.kind === 'adopt' || isSupposed || fields.length > 0;
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

/** What is taken over becomes as Git declares it, whatever the input says about objects that are ours. */
function removesForeign(decision: Decision, options: ChangeOptions): boolean {
  return decision.foreign !== undefined && (decision.kind === 'adopt' || options.foreignFields === 'correct');
}

/** The fields that people added to an object, as messages name them. */
export function foreignFieldNames(decision: Decision, options: ChangeOptions): string[] {
  const { foreign, live } = decision;
  if (foreign === undefined || live === undefined) return [];
  const without = withoutForeign(live, live, foreign, options.fieldManager);
  return differences(live, without, { digestKey: options.displayKey }).map((field) => field.path);
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

/** The dry run of an apply keeps people's additions; the apply that follows the fold does not. */
function fieldsOf(prepared: Prepared, options: ChangeOptions, corrects: boolean): FieldChange[] {
  const { decision, after } = prepared;
  const { live } = decision;
  const foreign = corrects && !prepared.isDone ? decision.foreign : undefined;
  if (live === undefined || (after === undefined && foreign === undefined)) return [];
  const applied = after ?? live;
  const expected = foreign === undefined ? applied : withoutForeign(applied, live, foreign, options.fieldManager);
  return differences(live, expected, { digestKey: options.displayKey, ourManager: options.fieldManager });
}

function reasonOf(decision: Decision, more: readonly string[]): { reason?: string } {
  const reasons = [...(decision.note === undefined ? [] : [decision.note]), ...more];
  if (decision.foreign !== undefined) reasons.push(`fields added by ${decision.foreign.managers.join(', ')}`);
  return reasons.length === 0 ? {} : { reason: reasons.join('; ') };
}

function notAsked(decision: Decision): { reason?: string } {
  return decision.target.awaitsDefinition ? { reason: 'known after its definition is applied' } : {};
}

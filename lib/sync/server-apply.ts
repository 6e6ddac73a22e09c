import { describeId, type KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { ConflictError, InputError, messageOf, NotPermittedError, type Problem } from '../errors.ts';
import type { ApplyResult, Json, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { KubernetesError, statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import { type ConflictPolicy, conflictsOf, decideConflicts, type FieldConflict } from './conflicts.ts';
import { withoutField } from './payload.ts';
import type { Target } from './targets.ts';

export interface ServerApplyOptions {
  readonly fieldManager: string;
  readonly conflicts: ConflictPolicy;
  readonly dryRun: boolean;
  /** The object is being taken over. */
  readonly adopts: boolean;
  /** To show what differs: a conflict that the policy refuses is overruled. Only for dry runs. */
  readonly overrule?: boolean;
}

export interface ServerApplied extends ApplyResult {
  readonly object: KubernetesObject;
  /** Fields that were left to their owner. */
  readonly yielded: readonly FieldConflict[];
  /** Fields that were taken from somebody. */
  readonly forced: readonly FieldConflict[];
}

/** One server-side apply, with the answer to conflicts that the policy gives. Throws ConflictError where it gives none. */
export async function serverApply(
  client: KubernetesClient,
  target: Target,
  live: KubernetesObject | undefined,
  options: ServerApplyOptions,
): Promise<ServerApplied> {
  // With the uid the server answers 409 instead of making the object anew, when it was deleted meanwhile.
  const uid = live?.metadata.uid;
  const payload =
    uid === undefined ? target.payload : { ...target.payload, metadata: { ...target.payload.metadata, uid } };
  const send = (body: KubernetesObject, force: boolean) =>
    client.apply(target.resource, target.id.namespace, target.id.name, body as Json, {
      fieldManager: options.fieldManager,
      force,
      dryRun: options.dryRun,
    });
  try {
    const answer = await send(payload, false);
    return { ...answer, object: answer.object as KubernetesObject, yielded: [], forced: [] };
  } catch (error) {
    const conflicts =
      error instanceof KubernetesError && error.status === 409 ? conflictsOf(error.causes, live ?? target.payload) : [];
    if (conflicts.length === 0) throw error;
    const decided = decideConflicts(conflicts, options.conflicts, {
      live: live ?? target.payload,
      fieldManager: options.fieldManager,
      adopts: options.adopts,
    });
    const decision =
      options.overrule && options.dryRun
        ? { ...decided, forced: [...decided.forced, ...decided.refused], refused: [] }
        : decided;
    const reduced = decision.yielded.reduce<KubernetesObject | undefined>(
      (body, conflict) =>
        body === undefined || conflict.path === undefined ? undefined : withoutField(body, conflict.path),
      payload,
    );
    if (decision.refused.length > 0 || reduced === undefined) {
      const named = decision.refused.length > 0 ? decision.refused : decision.yielded;
      throw new ConflictError({
        at: target.manifest.origin,
        code: 'field-conflict',
        message: describeConflicts(target, named),
      });
    }
    const answer = await send(reduced, decision.forced.length > 0);
    return { ...answer, object: answer.object as KubernetesObject, yielded: decision.yielded, forced: decision.forced };
  }
}

function describeConflicts(target: Target, conflicts: readonly FieldConflict[]): string {
  const fields = conflicts.map((conflict) => `${conflict.field} (${conflict.manager})`).join(', ');
  return `${describeId(target.id)}: somebody else owns what Git declares, with another value: ${fields}. Remove the field from Git or from that tool; conflicts: force takes it, conflicts: yield leaves it.`;
}

/** A server's refusal of one object, as a problem with the place in Git and what to do about it. */
export function problemOf(target: Target, error: unknown): Problem {
  if (error instanceof ConflictError && error.problems[0]) return error.problems[0];
  const said = messageOf(error);
  const at = target.manifest.origin;
  const what = describeId(target.id);
  const advice = adviceFor(target, error);
  const code = error instanceof KubernetesError ? error.reason || `http-${error.status}` : undefined;
  return { at, message: `${what}: ${said}${said.endsWith('.') ? '' : '.'}${advice}`, ...(code && { code }) };
}

function adviceFor(target: Target, error: unknown): string {
  if (error instanceof NotPermittedError) {
    return ` Give the identity of the connection the verbs get, list, watch, create, patch and delete on ${target.resource.plural}${target.resource.group === '' ? '' : `.${target.resource.group}`}.`;
  }
  if (!(error instanceof KubernetesError)) return '';
  const text = `${error.message} ${error.causes.map((cause) => cause.message).join(' ')}`;
  if (/immutable|may not change once set|updates to statefulset spec/i.test(text)) {
    return ' The field cannot be changed on an existing object: give the object another name, or delete it in the cluster when losing it is acceptable, and run again.';
  }
  if (/failed calling webhook/i.test(text)) {
    return ' An admission webhook of the cluster did not answer; see that its Pods run, then run again.';
  }
  if (/exceeded quota/i.test(text)) return ' Raise the ResourceQuota of the namespace or ask for less.';
  if (statusOf(error) === 404 && /namespaces? "/.test(text)) return ' Declare the namespace in Git or create it.';
  if (/unknown field|field not declared in schema/i.test(text))
    return ' Check the spelling and the indentation of the field.';
  return '';
}

/** The error class that a list of failures of one kind deserves; mixed ones are a refusal. */
export function worstError(problems: readonly Problem[], errors: readonly unknown[]): Error {
  if (errors.every((error) => error instanceof ConflictError)) return new ConflictError(problems);
  if (errors.every((error) => error instanceof NotPermittedError)) return new NotPermittedError(problems);
  return new InputError(problems);
}

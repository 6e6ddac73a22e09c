import { type Condition, conditionsOf, valueAt, wholeNumber } from './fields.ts';
import { degraded, type Health, type HealthContext, healthy, progressing, verdict } from './verdict.ts';

/** How long a new custom resource may be without a status before it counts as one whose controller writes none. */
export const STATUS_GRACE_MS = 15_000;

/**
 * What holds for every kind, before its own rule: kstatus `checkGenericProperties`. Undefined when it decides nothing.
 * A condition that says which generation it is about counts only for the present one (kapp compares it too; kstatus does not).
 */
export function assessBeforeRule(object: unknown): Health | undefined {
  const deleted = valueAt(object, 'metadata.deletionTimestamp');
  if (deleted !== undefined && deleted !== '') return terminating(object);

  const generation = wholeNumber(valueAt(object, 'metadata.generation'));
  const observed = wholeNumber(valueAt(object, 'status.observedGeneration'));
  if (generation !== undefined && observed !== undefined && observed !== generation) {
    return progressing(`Its controller has seen generation ${observed}, not yet ${generation}.`, 'NotObserved');
  }

  for (const condition of conditionsOf(object)) {
    if (condition.status !== 'True') continue;
    if (condition.type === 'Reconciling') {
      return progressing(sentence(condition, 'Its controller is at work.'), condition.reason);
    }
    if (condition.type === 'Stalled') {
      if (isStale(condition, generation)) return notObserved(condition, generation);
      return degraded(sentence(condition, 'Its controller cannot go on.'), reasonOr(condition, 'Stalled'));
    }
  }
  return undefined;
}

/**
 * Kinds without a rule of their own: kstatus `checkReadyCondition`, else healthy once there is nothing against it.
 * kstatus calls a custom resource current that no controller has seen yet; with a status subresource in its definition it
 * is given time for a first status (kluctl's answer).
 */
export function assessByConditions(object: unknown, context: HealthContext): Health {
  const generation = wholeNumber(valueAt(object, 'metadata.generation'));
  const ready = conditionsOf(object).find((condition) => condition.type === 'Ready');
  if (ready !== undefined && isStale(ready, generation)) return notObserved(ready, generation);
  switch (ready?.status) {
    case 'True':
      return healthy(sentence(ready, 'It is ready.'));
    case 'False':
    case 'Unknown':
      return progressing(sentence(ready, 'It is not ready.'), reasonOr(ready, 'NotReady'));
    default:
      return awaitsFirstStatus(object, context)
        ? progressing('No controller has written a status yet.', 'NoStatus')
        : healthy('It exists, and its kind reports no readiness.');
  }
}

/** `reason: message` of a condition, or the fallback when it says neither. */
export function sentence(condition: Condition, fallback: string): string {
  const parts = [condition.reason, condition.message].filter((part) => part !== '');
  return parts.length === 0 ? fallback : parts.join(': ');
}

/** Milliseconds since the object was created; undefined when it does not say. */
export function ageOf(object: unknown, now: Date): number | undefined {
  const created = valueAt(object, 'metadata.creationTimestamp');
  const time = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return Number.isNaN(time) ? undefined : now.getTime() - time;
}

function awaitsFirstStatus(object: unknown, context: HealthContext): boolean {
  if (context.crdHasStatus !== true || valueAt(object, 'status') !== undefined) return false;
  const age = ageOf(object, context.now ?? new Date());
  return age !== undefined && age < STATUS_GRACE_MS;
}

function terminating(object: unknown): Health {
  const finalizers = valueAt(object, 'metadata.finalizers');
  const names = Array.isArray(finalizers) ? finalizers.filter((name) => typeof name === 'string') : [];
  const waiting = names.length === 0 ? '' : ` It waits for its finalizers: ${names.join(', ')}.`;
  return verdict('Terminating', `It is being deleted.${waiting}`);
}

function isStale(condition: Condition, generation: number | undefined): boolean {
  return (
    generation !== undefined && condition.observedGeneration !== undefined && condition.observedGeneration < generation
  );
}

function notObserved(condition: Condition, generation: number | undefined): Health {
  return progressing(
    `Its condition ${condition.type} is about generation ${condition.observedGeneration}, not yet ${generation}.`,
    'NotObserved',
  );
}

function reasonOr(condition: Condition, fallback: string): string {
  return condition.reason === '' ? fallback : condition.reason;
}

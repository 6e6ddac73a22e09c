import { fieldsOf, isRecord } from './health/fields.ts';
import { assessBeforeRule, assessByConditions } from './health/generic.ts';
import { ruleFor } from './health/rules.ts';
import { type Health, type HealthContext, type HealthStatus, verdict } from './health/verdict.ts';
import { groupOf, type KubernetesObject } from './kubernetes-object.ts';

export { isHealthyOnceApplied } from './health/rules.ts';
export type { Health, HealthContext, HealthStatus } from './health/verdict.ts';

/**
 * Judges a live object, as the server returned it: the rules that hold for every kind, then the kind's own, then the
 * conditions `Ready`, `Reconciling` and `Stalled`. The rules are those of kstatus and of Argo CD's gitops-engine; where these
 * differ each rule says whose it follows and why. Never throws: an object that is not one is `Unknown`, none is `Missing`.
 */
export function assessHealth(object: KubernetesObject | undefined, context: HealthContext = {}): Health {
  if (object === undefined) return verdict('Missing', 'It is not in the cluster.');
  if (!isRecord(object) || typeof object.apiVersion !== 'string' || typeof object.kind !== 'string') {
    return verdict('Unknown', 'It has no apiVersion and kind.');
  }
  const decided = assessBeforeRule(object);
  if (decided !== undefined) return decided;
  const rule = ruleFor(groupOf(object.apiVersion), object.kind);
  if (rule === undefined) return assessByConditions(object, context);
  const fields = fieldsOf(object);
  const health = rule(fields, object, context);
  const [problem] = fields.problems;
  return problem === undefined ? health : verdict('Unknown', `It cannot be judged: ${problem}`, 'Unreadable');
}

/** From best to worst: gitops-engine `healthOrder`. An object that is going is nearer to missing than to ready. */
const ORDER: readonly HealthStatus[] = [
  'Healthy',
  'Suspended',
  'Progressing',
  'Terminating',
  'Missing',
  'Degraded',
  'Unknown',
];

/** The worst of several, the first of equals: what a group of objects is as a whole. Nothing at all is healthy. */
export function worstHealth(list: readonly Health[]): Health {
  return list.reduce<Health>(
    (worst, health) => (ORDER.indexOf(health.status) > ORDER.indexOf(worst.status) ? health : worst),
    list[0] ?? verdict('Healthy', 'There is nothing to judge.'),
  );
}

import type { KubernetesObject } from '../../../lib/core/objects/kubernetes-object.ts';
import { customHealth } from '../../../lib/sync/health-rules/assess.ts';
import { compileHealthRules } from '../../../lib/sync/health-rules/rules.ts';

/**
 * What Flux documents of its healthCheckExprs (RFC 0009, the page on Kustomizations, the CEL cheatsheet) and what its own evaluator
 * answers (fluxcd/pkg, runtime/cel). An error there leaves the object unknown, and so it does here.
 */
export interface Expressions {
  readonly inProgress?: string;
  readonly failed?: string;
  readonly current: string;
}

export function assess(expressions: Expressions, fields: Record<string, unknown>): string | undefined {
  const rule = { group: 'example.com', kind: 'Thing', ...expressions };
  const text = JSON.stringify({ apiVersion: 'gitops.pipelines/v1', kind: 'HealthRules', rules: [rule] });
  const { rules, problems } = compileHealthRules(text, 'health.yaml');
  if (problems.length > 0) return JSON.stringify(problems);
  const object = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' }, ...fields };
  return customHealth(rules).assess(object as KubernetesObject)?.status;
}

const flags: Expressions = { inProgress: 'data.inProgress', failed: 'data.failed', current: 'data.current' };
const ready: Expressions = {
  failed: "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'False')",
  current: "status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')",
};
const observed = 'has(status.observedGeneration) && metadata.generation != status.observedGeneration';
const generations = { metadata: { name: 'a', generation: 2 }, status: { observedGeneration: 1 } };
const data = (inProgress: boolean, failed: boolean, current: boolean) => ({ data: { inProgress, failed, current } });
const condition = (type: string, status: string) => ({ status: { conditions: [{ type, status }] } });

export const cases: readonly (readonly [string, Expressions, Record<string, unknown>, string])[] = [
  ['an older observed generation is in progress', { current: 'true' }, generations, 'Progressing'],
  ['nothing true is in progress', flags, data(false, false, false), 'Progressing'],
  ['everything true is in progress', flags, data(true, true, true), 'Progressing'],
  ['failed goes before current', flags, data(false, true, true), 'Degraded'],
  ['current alone is current', flags, data(false, false, true), 'Healthy'],
  [
    'a missing field of current is an error',
    { ...flags, current: 'data.currentt' },
    data(false, false, true),
    'Unknown',
  ],
  [
    'a missing field of inProgress is an error',
    { ...flags, inProgress: 'data.nope' },
    data(false, false, true),
    'Unknown',
  ],
  ['a missing field of failed is an error', { ...flags, failed: 'data.nope' }, data(false, false, true), 'Unknown'],
  ['no status is an error, with has() as well', { ...ready, inProgress: observed }, {}, 'Unknown'],
  ['no status is an error', ready, {}, 'Unknown'],
  ['a status without conditions is an error', ready, { status: {} }, 'Unknown'],
  ['no condition at all fails, because all() of nothing holds', ready, { status: { conditions: [] } }, 'Degraded'],
  ['a condition that holds is current', ready, condition('Ready', 'True'), 'Healthy'],
  ['a condition that does not hold has failed', ready, condition('Ready', 'False'), 'Degraded'],
  ['an unknown condition is in progress', ready, condition('Ready', 'Unknown'), 'Progressing'],
  ['the generation is looked at before the expressions', ready, generations, 'Progressing'],
  ['the cheatsheet: Cluster API', ready, condition('Ready', 'True'), 'Healthy'],
  [
    'the cheatsheet: SealedSecret',
    {
      failed: "status.conditions.filter(e, e.type == 'Synced').all(e, e.status == 'False')",
      current: "status.conditions.filter(e, e.type == 'Synced').all(e, e.status == 'True')",
    },
    condition('Synced', 'False'),
    'Degraded',
  ],
];

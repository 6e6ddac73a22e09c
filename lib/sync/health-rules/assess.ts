import { assessBeforeRule } from '../../core/objects/health/generic.ts';
import type { Health } from '../../core/objects/health.ts';
import { groupOf, type KubernetesObject, versionOf } from '../../core/objects/kubernetes-object.ts';
import type { WaitTarget } from '../wait.ts';
import { healthAnnotation, ignoreHealth, overrideOf } from './annotation.ts';
import { compileExpression, type Expression } from './expression.ts';
import type { HealthRule } from './rules.ts';

/** Health as users define it. Where it has nothing to say the built-in rules judge. */
export interface CustomHealth {
  /** Fits the option `assess` of waitForHealth. */
  assess(object: KubernetesObject, target?: Pick<WaitTarget, 'object'>): Health | undefined;
  /** Whether it has anything to say on an object, as far as that can be told before the cluster shows it. */
  concerns(object: KubernetesObject): boolean;
}

/** Precedence: the object's annotation, then the rule for its version, then the rule for its kind. */
export function customHealth(rules: readonly HealthRule[]): CustomHealth {
  const byKind = new Map(rules.map((rule) => [keyOf(rule.group, rule.version, rule.kind), rule]));
  const overrides = new Map<string, Expression | string>();
  const ruleFor = ({ apiVersion, kind }: KubernetesObject): HealthRule | undefined => {
    const group = groupOf(apiVersion);
    return byKind.get(keyOf(group, versionOf(apiVersion), kind)) ?? byKind.get(keyOf(group, undefined, kind));
  };
  const compiled = (text: string): Expression | string => {
    const known = overrides.get(text);
    if (known !== undefined) return known;
    const result = compileExpression(text, 'bool');
    const made = 'expression' in result ? result.expression : result.flaw;
    overrides.set(text, made);
    return made;
  };
  return {
    assess: (object, target) => {
      // What was applied counts, not what somebody wrote over it since.
      const declared = target?.object === undefined ? object : (target.object as KubernetesObject);
      const override = overrideOf(declared);
      if (override === ignoreHealth)
        return { status: 'Healthy', message: 'Its annotation says that it is not waited for.' };
      if (override !== undefined) return assessOverride(compiled(override), override, object);
      const rule = ruleFor(object);
      return rule === undefined ? undefined : (beforeRule(object) ?? assessRule(rule, object));
    },
    concerns: (object) => overrideOf(object) !== undefined || ruleFor(object) !== undefined,
  };
}

function keyOf(group: string, version: string | undefined, kind: string): string {
  return `${group}/${version ?? '*'}/${kind}`;
}

/**
 * An object that is being deleted is not judged further, nor one whose controller has not seen its present generation (Flux RFC 0009).
 * Its conditions are the rule's own business.
 */
function beforeRule({ apiVersion, kind, metadata, status }: KubernetesObject): Health | undefined {
  const observed = (status as { observedGeneration?: unknown } | null | undefined)?.observedGeneration;
  return assessBeforeRule({ apiVersion, kind, metadata, status: { observedGeneration: observed } });
}

function assessOverride(expression: Expression | string, text: string, object: KubernetesObject): Health {
  if (typeof expression === 'string') return unknown(`annotation ${healthAnnotation}`, text, expression);
  const before = beforeRule(object);
  if (before !== undefined) return before;
  const result = expression.evaluate(object);
  if ('error' in result) return unknown(`annotation ${healthAnnotation}`, text, result.error);
  return result.value === true
    ? { status: 'Healthy', message: `\`${text}\` is true.` }
    : { status: 'Progressing', message: `\`${text}\` is not true yet.`, reason: 'HealthRule' };
}

/** In the order of Flux' RFC 0009: in progress, failed, current; when none holds, in progress. */
function assessRule(rule: HealthRule, object: KubernetesObject): Health {
  const steps = [
    ['inProgress', 'Progressing', rule.inProgress],
    ['failed', 'Degraded', rule.failed],
    ['current', 'Healthy', rule.current],
  ] as const;
  for (const [field, status, expression] of steps) {
    const result = expression?.evaluate(object);
    if (expression === undefined || result === undefined) continue;
    if ('error' in result) return unknown(`${field} of ${describeRule(rule)}`, expression.text, result.error);
    if (result.value === true) {
      return {
        status,
        message: messageFor(rule, object, `\`${field}\` of ${describeRule(rule)} is true.`),
        reason: 'HealthRule',
      };
    }
  }
  const message = messageFor(rule, object, `\`current\` of ${describeRule(rule)} is not true yet.`);
  return { status: 'Progressing', message, reason: 'HealthRule' };
}

/** A message that cannot be made is no reason to think differently of the object. */
function messageFor(rule: HealthRule, object: KubernetesObject, otherwise: string): string {
  if (rule.message !== undefined) return rule.message;
  const made = rule.messageExpression?.evaluate(object);
  return made !== undefined && 'value' in made && typeof made.value === 'string' && made.value !== ''
    ? made.value
    : otherwise;
}

function unknown(where: string, text: string, error: string): Health {
  const message = `It cannot be judged by ${where}: ${error.replace(/\.$/, '')}, in \`${text}\`.`;
  return { status: 'Unknown', message, reason: 'HealthRuleError' };
}

function describeRule({ at, kind }: HealthRule): string {
  return `the rule for ${kind} (${at.file}${at.line === undefined ? '' : `:${at.line}`})`;
}

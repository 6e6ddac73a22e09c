import { describeId, type ObjectId } from '../../core/objects/kubernetes-object.ts';
import { fits, fitsAny } from '../../core/own-files/pattern.ts';
import type { Place, Problem } from '../../errors.ts';
import { parseRemoteUrl } from '../../ports/git/remote-url.ts';
import { isChanging } from '../changing-actions.ts';
import { type AskedOptions, guardedOptionNames, guardedOptions } from './guarded-options.ts';
import type { GuardrailRule, RequiredStatus, SyncGuardrails } from './guardrails.ts';
import { judgeStatuses, type SeenStatus } from './statuses.ts';

/** What a run wants to do. What is left out is not known yet and not judged; the repository, when unknown, fits no rule but `**`. */
export interface GuardedRequest {
  /** Address of the repository that the manifests come from; for actions without a checkout, of the run. */
  readonly repository?: string | undefined;
  readonly set: { readonly name: string; readonly namespace: string; readonly environment: string };
  readonly action: string;
  readonly options: AskedOptions;
  /** What is to be applied; for `destroy`, what is to be deleted. */
  readonly targets?: readonly GuardedTarget[];
  /** How many objects would be pruned. */
  readonly deletions?: number;
  /** Of the commit, the newest of each genre, name and author; `unreadable` says why there are none. */
  readonly statuses?: readonly SeenStatus[] | { readonly unreadable: string };
}

export interface GuardedTarget {
  readonly id: ObjectId;
  readonly origin?: Place;
}

export interface Judgement {
  /** Empty: nothing stands against it. */
  readonly problems: readonly Problem[];
  /** The input, or false where a rule switches prune off. */
  readonly prune: boolean;
  /** The smallest of the input and the rules' caps; undefined when neither says anything. */
  readonly maxPrune?: number;
  /** Every rule that applies lets a freeze window be opened. */
  readonly breakGlass: boolean;
  readonly requiredStatuses: readonly RequiredStatus[];
  /** Names of the rules that apply, each with its file. */
  readonly rules: readonly string[];
}

/** Where the cluster's own guardrails are kept. */
export const guardrailsNamespace = 'gitops-guardrails';

/** So that a set with thousands of objects in a wrong namespace says it in a readable number of lines. */
const mostObjectProblems = 20;

/**
 * Decides what a run may do. Of each document at least one rule must apply to the repository, the set and the environment, and what any
 * rule that applies does not allow is refused. So every rule, and every input, can only narrow. Pure.
 */
export function judge(guardrails: readonly SyncGuardrails[], request: GuardedRequest): Judgement {
  const problems: Problem[] = [];
  const applying: { rule: GuardrailRule; file: string }[] = [];
  for (const { file, rules } of guardrails) {
    const found = rules.filter((rule) => applies(rule, request));
    if (found.length === 0) problems.push(noRule(file, request));
    applying.push(...found.map((rule) => ({ rule, file })));
  }
  const rules = applying.map(({ rule }) => rule);
  for (const rule of rules) problems.push(...judgeRule(rule, request));
  const { options } = request;
  const caps = [options.maxPrune, ...rules.map(({ maxPrune }) => maxPrune)].filter((cap) => cap !== undefined);
  const requiredStatuses = needsStatuses(request) ? rules.flatMap((rule) => rule.requiredStatuses) : [];
  return {
    problems,
    prune: options.prune && rules.every((rule) => rule.options.prune),
    ...(caps.length > 0 && { maxPrune: Math.min(...caps) }),
    breakGlass: rules.every((rule) => rule.options.breakGlass) && problems.every(({ code }) => code !== noRuleCode),
    requiredStatuses,
    rules: applying.map(({ rule, file }) => `${rule.name} (${file})`),
  };
}

const noRuleCode = 'guardrail-no-rule';

function applies(rule: GuardrailRule, { repository, set }: GuardedRequest): boolean {
  const key = repository === undefined ? undefined : parseRemoteUrl(repository).key;
  const known = rule.repositories.some((pattern) => pattern === '**' || (key !== undefined && fits(pattern, key)));
  return known && fitsAny(rule.sets, set.name) && fitsAny(rule.environments, set.environment.trim());
}

function judgeRule(rule: GuardrailRule, request: GuardedRequest): Problem[] {
  const { action, deletions, targets, statuses } = request;
  const problems = judgeOptions(rule, request);
  if (!mayBeIn(rule, request.set.namespace)) {
    problems.push({
      input: 'inventoryNamespace',
      at: rule.at,
      code: 'guardrail-namespace',
      message: `Rule '${rule.name}' does not let the inventory of set '${request.set.name}' be in namespace ${request.set.namespace}; it allows ${list(rule.namespaces)}.`,
    });
  }
  if (targets !== undefined) problems.push(...judgeTargets(rule, targets));
  if (deletions !== undefined && action !== 'destroy' && rule.maxPrune !== undefined && deletions > rule.maxPrune) {
    problems.push({
      input: 'maxPrune',
      at: rule.at,
      code: 'guardrail-prune',
      message: `${deletions} objects would be pruned, and rule '${rule.name}' allows ${rule.maxPrune}. Remove them from Git in smaller steps, or ask whoever keeps the guardrails.`,
    });
  }
  if (statuses !== undefined && needsStatuses(request)) {
    problems.push(...judgeStatuses(rule.requiredStatuses, statuses, { rule: rule.name, at: rule.at }));
  }
  return problems;
}

/** What goes back to a revision, or away, was deployed before under these rules. */
function needsStatuses({ action }: GuardedRequest): boolean {
  return action !== 'destroy' && action !== 'rollback';
}

function judgeOptions(rule: GuardrailRule, { action, options }: GuardedRequest): Problem[] {
  return guardedOptionNames.flatMap((name): Problem[] => {
    const asked = rule.options[name] ? undefined : guardedOptions[name].asked(action, options);
    if (asked === undefined) return [];
    const input = asked.slice(0, asked.indexOf(':'));
    const message = `Rule '${rule.name}' does not allow \`${asked}\` (option ${name}). Leave it out, or ask whoever keeps the guardrails.`;
    return [{ input, at: rule.at, code: 'guardrail-option', message }];
  });
}

function judgeTargets(rule: GuardrailRule, targets: readonly GuardedTarget[]): Problem[] {
  const problems: Problem[] = [];
  if (rule.maxObjects !== undefined && targets.length > rule.maxObjects) {
    problems.push({
      at: rule.at,
      code: 'guardrail-objects',
      message: `The set has ${targets.length} objects, and rule '${rule.name}' allows ${rule.maxObjects}.`,
    });
  }
  const refused = targets.flatMap((target) => {
    const found = judgeTarget(rule, target.id);
    return found === undefined ? [] : [{ ...found, at: target.origin ?? rule.at }];
  });
  const more = refused.length - mostObjectProblems;
  problems.push(...refused.slice(0, mostObjectProblems));
  if (more > 0) {
    const message = `Rule '${rule.name}' refuses ${more} more objects of the set.`;
    problems.push({ message, at: rule.at, code: 'guardrail-objects' });
  }
  return problems;
}

function judgeTarget(rule: GuardrailRule, id: ObjectId): Pick<Problem, 'message' | 'code'> | undefined {
  const kind = `${id.group}/${id.kind}`;
  const what = describeId(id);
  const byRule = `rule '${rule.name}' (${rule.at.file}${rule.at.line === undefined ? '' : `:${rule.at.line}`})`;
  const isNamespace = kind === '/Namespace';
  const denied = rule.deniedKinds.find((pattern) => fits(pattern, kind));
  if (denied !== undefined) {
    return { code: 'guardrail-kind', message: `${what} is of a kind that ${byRule} denies (${written(denied)}).` };
  }
  if (id.namespace === '' && !fitsAny(rule.clusterWide, kind)) {
    const allowed = rule.clusterWide.length === 0 ? 'no kind' : rule.clusterWide.map(written).join(', ');
    return {
      code: 'guardrail-kind',
      message: `${what} is outside of any namespace, and ${byRule} allows ${allowed} there (clusterWide).`,
    };
  }
  if (id.namespace !== '' && rule.allowedKinds !== undefined && !fitsAny(rule.allowedKinds, kind)) {
    const allowed = rule.allowedKinds.map(written).join(', ');
    return { code: 'guardrail-kind', message: `${what} is of none of the kinds that ${byRule} allows (${allowed}).` };
  }
  const namespace = isNamespace ? id.name : id.namespace;
  if (namespace === '' || mayBeIn(rule, namespace)) return undefined;
  const why =
    namespace === guardrailsNamespace
      ? `${byRule} does not name ${guardrailsNamespace} itself among its namespaces`
      : `${byRule} allows ${list(rule.namespaces)}`;
  return { code: 'guardrail-namespace', message: `${what} may not be in namespace ${namespace}: ${why}.` };
}

/** The namespace of the guardrails is meant only when it is written out: a pattern would let a set change its own judge. */
function mayBeIn(rule: GuardrailRule, namespace: string): boolean {
  if (namespace === guardrailsNamespace) return rule.namespaces?.includes(namespace) ?? false;
  return rule.namespaces === undefined || fitsAny(rule.namespaces, namespace);
}

function noRule(file: string, { repository, set, action }: GuardedRequest): Problem {
  const from = repository === undefined ? 'a run without a repository' : `the repository ${repository}`;
  const verb = isChanging(action) ? action : 'use';
  return {
    at: { file },
    code: noRuleCode,
    message: `No rule lets ${from} ${verb} the set '${set.name}' in environment '${set.environment}'. Ask whoever keeps the guardrails for one, or correct syncSet and environment.`,
  };
}

function list(patterns: readonly string[] | undefined): string {
  if (patterns === undefined) return `every namespace but ${guardrailsNamespace}`;
  return patterns.length === 0 ? 'no namespace' : patterns.join(', ');
}

function written(pattern: string): string {
  return pattern.startsWith('/') ? `core${pattern}` : pattern;
}

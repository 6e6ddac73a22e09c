import type { OwnDocument } from '../../core/own-files/read.ts';
import type { Place, Problem } from '../../errors.ts';
import { parseRemoteUrl } from '../../ports/git/remote-url.ts';
import { type AllowedOptions, allowedOptions, type GuardedOptionName } from './guarded-options.ts';

/** One document of kind SyncGuardrails. Several are several judges: each has to agree. */
export interface SyncGuardrails {
  /** As messages name it. */
  readonly file: string;
  readonly rules: readonly GuardrailRule[];
}

export interface GuardrailRule {
  readonly name: string;
  readonly at: Place;
  /** Patterns of `parseRemoteUrl(...).key`; `**` is every repository. */
  readonly repositories: readonly string[];
  readonly sets: readonly string[];
  readonly environments: readonly string[];
  /** Undefined: everywhere. */
  readonly namespaces?: readonly string[];
  /** Patterns `group/Kind` of objects in namespaces; undefined: all. */
  readonly allowedKinds?: readonly string[];
  /** Of all objects. */
  readonly deniedKinds: readonly string[];
  /** Patterns `group/Kind` of objects outside of namespaces. */
  readonly clusterWide: readonly string[];
  readonly options: AllowedOptions;
  readonly maxPrune?: number;
  readonly maxObjects?: number;
  readonly requiredStatuses: readonly RequiredStatus[];
}

/** A commit status that must be there. The author is part of it: anybody who may push can post a status. */
export interface RequiredStatus {
  readonly genre: string;
  readonly name: string;
  /** Ids or unique names. */
  readonly authors: readonly string[];
}

interface WrittenRule {
  readonly name: string;
  readonly repositories: readonly string[];
  readonly sets?: readonly string[];
  readonly environments?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly kinds?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
  readonly clusterWide?: readonly string[];
  readonly options?: Readonly<Partial<Record<GuardedOptionName, boolean>>>;
  readonly maxPrune?: number;
  readonly maxObjects?: number;
  readonly requiredStatuses?: readonly RequiredStatus[];
}

/** What a document that fits its schema says. Pure. */
export function guardrailsOf(document: OwnDocument): { guardrails: SyncGuardrails; problems: Problem[] } {
  const written = document.value['rules'] as readonly WrittenRule[];
  const problems = written.flatMap((rule, index) =>
    rule.repositories.flatMap((text, position): Problem[] => {
      if (!isShortAddress(text)) return [];
      const at = document.place(['rules', index, 'repositories', position]);
      return [{ message: shortAddress(text), at, code: 'invalid-field' }];
    }),
  );
  const seen = new Set<string>();
  for (const [index, { name }] of written.entries()) {
    if (seen.has(name)) {
      const message = `There are two rules with the name '${name}'. Give each its own, so that messages tell which one spoke.`;
      problems.push({ message, at: document.place(['rules', index, 'name']), code: 'duplicate-name' });
    }
    seen.add(name);
  }
  const rules = written.map((rule, index) => ruleOf(rule, document.place(['rules', index])));
  return { guardrails: { file: document.file, rules }, problems };
}

function ruleOf(written: WrittenRule, at: Place): GuardrailRule {
  const { name, namespaces, kinds, maxPrune, maxObjects } = written;
  return {
    name,
    at,
    repositories: written.repositories.map((text) => (text === '**' ? text : parseRemoteUrl(text).key)),
    sets: written.sets ?? ['*'],
    environments: written.environments ?? ['**'],
    ...(namespaces && { namespaces }),
    ...(kinds?.allow && { allowedKinds: kinds.allow.map(kindPattern) }),
    deniedKinds: (kinds?.deny ?? []).map(kindPattern),
    clusterWide: (written.clusterWide ?? []).map(kindPattern),
    options: allowedOptions(written.options),
    ...(maxPrune !== undefined && { maxPrune }),
    ...(maxObjects !== undefined && { maxObjects }),
    requiredStatuses: written.requiredStatuses ?? [],
  };
}

/** `core` is written for the group that has no name. */
function kindPattern(text: string): string {
  return text.replace(/^core\//i, '/');
}

/** `org/_git/repo` stands for the repository that is called as its project; with a pattern it would stand for any project. */
function isShortAddress(text: string): boolean {
  return text.includes('*') && /(?:dev\.azure\.com\/[^/]+|\.visualstudio\.com)\/_git\//i.test(text);
}

function shortAddress(text: string): string {
  return `'${text}' names no project. Write it out, such as https://dev.azure.com/contoso/shop/_git/*.`;
}

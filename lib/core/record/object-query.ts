import { InputError } from '../../errors.ts';
import { nearest } from '../../ports/agent/nearest.ts';
import type { ObjectId } from '../objects/kubernetes-object.ts';

/** The input of the task that names the object to explain. */
export const EXPLAIN_INPUT = 'object';

/** An object as a person names it. */
export interface ObjectQuery {
  /** As written: `deployment`, `Deployment.apps`, `deployments`. */
  readonly kind: string;
  /** Undefined: cluster-wide, or in the only namespace that has such an object. */
  readonly namespace?: string;
  readonly name: string;
}

/**
 * Reads the name of an object: `deployment/shop/web`, `Deployment.apps shop/web` (as reports print it), and without a namespace
 * `namespace/shop` or `deployment/web`. Throws InputError that shows the forms.
 */
export function parseObjectQuery(text: string, input = EXPLAIN_INPUT): ObjectQuery {
  const parts = text.trim().split(/\s*\/\s*|\s+/);
  const [kind = '', second = '', third] = parts;
  if (parts.length < 2 || parts.length > 3 || parts.some((part) => part === '')) {
    throw new InputError({
      message: `Input ${input}: "${text}" is not the name of an object. Write kind/namespace/name, such as deployment/shop/web, or kind/name for what is in no namespace, such as namespace/shop.`,
      input,
    });
  }
  return third === undefined ? { kind, name: second } : { kind, namespace: second, name: third };
}

/**
 * Finds the one entry that a query means. Kinds are compared as kubectl does: in any letter case, with or without the group, singular or
 * plural. Throws InputError for several (naming them) and for none (naming what is near).
 */
export function findObject<T extends ObjectId>(query: ObjectQuery, entries: readonly T[], input = EXPLAIN_INPUT): T {
  const found = entries.filter((entry) => matches(query, entry));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first !== undefined) {
    throw new InputError({
      message: `Input ${input}: ${queryText(query)} may be ${found.slice(0, 10).map(objectText).join(' or ')}${found.length > 10 ? ' and others' : ''}. Write one of them.`,
      input,
    });
  }
  const near = nearTo(query, entries);
  const hint =
    near.length > 0
      ? ` Did you mean ${near.join(' or ')}?`
      : entries.length === 0
        ? ' Nothing was deployed by this set yet.'
        : ' Action status lists what this set deployed.';
  throw new InputError({ message: `Input ${input}: this set did not deploy ${queryText(query)}.${hint}`, input });
}

/** `deployment.apps/shop/web`: a form that this input takes and that means one object only. */
export function objectText({ group, kind, namespace, name }: ObjectId): string {
  const kindText = group === '' ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
  return [kindText, ...(namespace === '' ? [] : [namespace]), name].join('/');
}

function queryText({ kind, namespace, name }: ObjectQuery): string {
  return [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');
}

function matches(query: ObjectQuery, entry: ObjectId): boolean {
  if (query.name !== entry.name) return false;
  if (query.namespace !== undefined && query.namespace !== entry.namespace) return false;
  return kindMatches(query.kind, entry);
}

function kindMatches(asked: string, { kind, group }: ObjectId): boolean {
  const [name = '', ...rest] = asked.toLowerCase().split('.');
  const askedGroup = rest.join('.');
  if (askedGroup !== '' && askedGroup !== group.toLowerCase()) return false;
  const singular = kind.toLowerCase();
  return [singular, pluralOf(singular)].includes(name);
}

/** The rule by which Kubernetes' own kinds got their plural (`meta.UnsafeGuessKindToResource`); a custom one may have another. */
function pluralOf(singular: string): string {
  if (singular === 'endpoints') return singular;
  if (singular.endsWith('s')) return `${singular}es`;
  if (singular.endsWith('y')) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}

/** The same name elsewhere first, then names that are written alike, of the same kind before others. */
function nearTo(query: ObjectQuery, entries: readonly ObjectId[]): string[] {
  const sameName = entries.filter(({ name }) => name === query.name);
  if (sameName.length > 0) return sameName.slice(0, 3).map(objectText);
  for (const candidates of [entries.filter((entry) => kindMatches(query.kind, entry)), entries]) {
    const name = nearest(
      query.name,
      candidates.map((entry) => entry.name),
    );
    const near = candidates.filter((entry) => entry.name === name);
    if (near.length > 0) return near.slice(0, 3).map(objectText);
  }
  return [];
}

import { InputError } from '../../errors.ts';
import type { ApiResource } from './discovery.ts';

/**
 * The URL path of a collection or object. Names are encoded, never changed: RBAC names such as `MyRole:Admin` are legal, and
 * lower-casing them addresses another object. Throws InputError for a name that would make it the path of something else.
 */
export function resourcePath(resource: ApiResource, namespace: string, name?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== '' ? `/namespaces/${segment(namespace, 'namespace')}` : '';
  const object = name === undefined ? '' : `/${segment(name, `name of a ${resource.kind}`)}`;
  if (object !== '' && resource.namespaced && scope === '') {
    throw new InputError(`The ${resource.kind} '${name}' has no namespace, but its kind lives in one.`);
  }
  return `${root}${scope}/${resource.plural}${object}`;
}

/** An empty name is the collection's path, and dots are taken out of URLs: a DELETE would reach what is above. */
function segment(value: string, what: string): string {
  if (value === '' || value === '.' || value === '..') throw new InputError(`'${value}' cannot be the ${what}.`);
  // Half a character of UTF-16, which encodeURIComponent refuses, becomes U+FFFD.
  return encodeURIComponent(Buffer.from(value, 'utf8').toString('utf8'));
}

/** `path?a=1&b=2`; parameters without value are left out. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

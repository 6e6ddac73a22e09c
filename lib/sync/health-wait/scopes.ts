import type { ObjectId } from '../../core/objects/kubernetes-object.ts';
import type { ApiResource } from '../../ports/kubernetes/discovery.ts';

/** What one LIST and one WATCH look at. */
export interface Scope {
  readonly resource: ApiResource;
  /** Empty: the whole cluster, or a kind that has no namespaces. */
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** What to look at instead when this much may not be looked at. */
  readonly narrower?: readonly Scope[];
}

export interface ScopeTarget {
  readonly resource: ApiResource;
  readonly id: ObjectId;
}

/**
 * As few scopes as possible: one for each kind and namespace. With a label that all targets carry, one for each kind in the whole
 * cluster, because every watch holds a connection; where that is not permitted, its narrower ones.
 */
export function planScopes(targets: readonly ScopeTarget[], labelSelector?: string): Scope[] {
  return [...groupBy(targets, ({ resource }) => `${resource.group}/${resource.version}/${resource.plural}`)].flatMap(
    (ofKind) => {
      const byNamespace = groupBy(ofKind, ({ id }) => id.namespace).map((group) => scopeOf(group, labelSelector));
      const resource = ofKind[0]?.resource;
      if (resource === undefined || labelSelector === undefined || byNamespace.length < 2) return byNamespace;
      return [{ resource, namespace: '', labelSelector, narrower: byNamespace }];
    },
  );
}

/** One object alone: what may be seen by name can be listed and watched by name. */
export function scopeOfOne({ resource, id }: ScopeTarget): Scope {
  return { resource, namespace: id.namespace, fieldSelector: `metadata.name=${id.name}` };
}

function scopeOf(group: readonly [ScopeTarget, ...ScopeTarget[]], labelSelector: string | undefined): Scope {
  const [first] = group;
  if (group.length === 1) return scopeOfOne(first);
  return {
    resource: first.resource,
    namespace: first.id.namespace,
    ...(labelSelector === undefined ? {} : { labelSelector }),
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

import type { Place } from '../../errors.ts';

/** What a run does, or would do, with one thing of its target. */
export type Action =
  | 'create'
  /** Exists and is ours; fields change. */
  | 'configure'
  /** Exists, was nobody's, and becomes ours. */
  | 'adopt'
  | 'unchanged'
  /** Ours, not in Git any more: deleted. */
  | 'prune'
  /** Ours, not in Git any more, and left alone for the reason given. */
  | 'keep'
  /** Not ours, and left alone for the reason given. */
  | 'skip';

/** The name of a thing: `{kind: 'Deployment.apps', namespace: 'shop', name: 'web'}`. */
export interface TargetName {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/**
 * One field that differs. Values are masked before they get here: what is secret is a digest, never the value. A last entry with
 * neither value counts those left out: `{path: 'and 12 more'}`.
 */
export interface FieldChange {
  /** `spec.template.spec.containers[name=web].image` */
  readonly path: string;
  /** Undefined: the field is added. */
  readonly before?: string;
  /** Undefined: the field is removed. */
  readonly after?: string;
  /** Who set the value that is there now, when it was not us. */
  readonly setBy?: string;
  /** How a text of several lines differs: `@ line 3`, `- old`, `+ new`. */
  readonly lines?: readonly string[];
}

export interface Change {
  readonly target: TargetName;
  readonly action: Action;
  /** Why, when the action alone does not say it. */
  readonly reason?: string;
  readonly fields: readonly FieldChange[];
  /** Where Git declares it; absent for what Git does not declare. */
  readonly origin?: Place;
}

/** `Deployment.apps shop/web` */
export function describeTarget(target: TargetName): string {
  return target.namespace === undefined || target.namespace === ''
    ? `${target.kind} ${target.name}`
    : `${target.kind} ${target.namespace}/${target.name}`;
}

export const pendingActions: ReadonlySet<Action> = new Set<Action>(['create', 'configure', 'adopt', 'prune']);

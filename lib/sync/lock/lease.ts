import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { setLabel } from '../inventory.ts';
import type { SyncSet } from '../sync-set.ts';

/** How long a lock lasts without a sign of life from its holder, and how often the holder gives one. Milliseconds. */
export const leaseDuration = 60_000;
export const renewInterval = 15_000;
/** When the holder itself stops believing in its lock: well before anybody else may take it. */
export const renewDeadline = (leaseDuration * 2) / 3;

/** What a Lease says of the lock. Times are those of the holder's clock: for people, never for comparing. */
export interface LeaseState {
  readonly holder: string | undefined;
  readonly durationMs: number;
  readonly acquiredAt: string | undefined;
  readonly renewedAt: string | undefined;
  readonly transitions: number;
}

/** A state and when it was first seen, on the observer's monotonic clock. */
export interface Observation {
  readonly state: LeaseState;
  readonly since: number;
}

export type LockDecision =
  | { readonly action: 'held' }
  /** `from`: whose lock has expired. */
  | { readonly action: 'take'; readonly from?: string }
  | { readonly action: 'wait'; readonly holder: string; readonly acquiredAt?: string; readonly expiresInMs: number };

/** Foreign fields of a Lease are left alone; what cannot be read counts as missing. https://kubernetes.io/docs/concepts/architecture/leases/ */
export function leaseState(lease: Json | undefined): LeaseState {
  const spec: Json = lease?.['spec'] ?? {};
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  const seconds = Number(spec['leaseDurationSeconds']);
  return {
    holder: text(spec['holderIdentity']),
    durationMs: seconds > 0 ? seconds * 1000 : leaseDuration,
    acquiredAt: text(spec['acquireTime']),
    renewedAt: text(spec['renewTime']),
    transitions: Number(spec['leaseTransitions']) || 0,
  };
}

/**
 * A holder lives as long as its Lease changes. Seeing it change is all that is needed, so clocks of agents may differ: this is how
 * client-go elects leaders (tools/leaderelection). Labels and the like are no sign of life.
 */
export function observe(before: Observation | undefined, state: LeaseState, now: number): Observation {
  return before !== undefined && isSame(before.state, state) ? before : { state, since: now };
}

function isSame(a: LeaseState, b: LeaseState): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** `identity`: ours, different for every process. `now` is on the clock of the observation. */
export function decideLock({ state, since }: Observation, identity: string, now: number): LockDecision {
  const { holder, acquiredAt, durationMs } = state;
  if (holder === identity) return { action: 'held' };
  if (holder === undefined) return { action: 'take' };
  const expiresInMs = since + durationMs - now;
  if (expiresInMs <= 0) return { action: 'take', from: holder };
  return { action: 'wait', holder, ...(acquiredAt !== undefined && { acquiredAt }), expiresInMs };
}

/** The Lease as it is when we hold the lock, made from what was read. With its resourceVersion the server takes it only if nobody wrote meanwhile. */
export function heldLease(set: SyncSet, before: Json | undefined, identity: string, at: Date): Json {
  const state = leaseState(before);
  const isOurs = state.holder === identity;
  return {
    ...shell(set, before),
    spec: {
      ...before?.['spec'],
      holderIdentity: identity,
      leaseDurationSeconds: leaseDuration / 1000,
      acquireTime: isOurs ? (state.acquiredAt ?? microTime(at)) : microTime(at),
      renewTime: microTime(at),
      leaseTransitions: isOurs || before === undefined ? state.transitions : state.transitions + 1,
    },
  };
}

/** The Lease that nobody holds. It is kept: its resourceVersion goes on counting, so that a late write of an old holder fails. */
export function freeLease(set: SyncSet, before: Json): Json {
  const { holderIdentity: _holder, acquireTime: _acquired, ...spec } = before['spec'] ?? {};
  return { ...shell(set, before), spec };
}

function shell(set: SyncSet, before: Json | undefined): Json {
  const { managedFields: _managed, ...metadata } = before?.['metadata'] ?? {};
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...metadata,
      name: set.parentName,
      namespace: set.namespace,
      labels: { ...metadata.labels, [setLabel]: set.name },
    },
  };
}

/** MicroTime wants exactly six digits. */
function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}

import { holderOf } from './holder.ts';

/** Somebody else's lock, as a run that waits for it tells. */
export interface LockWait {
  /** Who has it, e.g. `dev.azure.com/org/shop/deploy/build 1234/attempt 1`. */
  readonly holder: string;
  /** When that one took it, by its own clock. */
  readonly since: string | undefined;
  readonly waitedMs: number;
  readonly remainingMs: number;
}

/** For the log: who holds the lock, since when, and how long this run goes on waiting. */
export function describeWait(set: string, wait: LockWait): string {
  const waited = wait.waitedMs < 1000 ? '' : ` for ${seconds(wait.waitedMs)} already`;
  return `Waiting${waited} for the lock of '${set}': ${owner(wait)} is working on it. Giving up in ${seconds(wait.remainingMs)}.`;
}

export function describeTimeout(set: string, wait: LockWait): string {
  return `'${set}' is locked: ${owner(wait)} is working on it and did not end within ${seconds(wait.waitedMs)}. Nothing was changed. Run again when that run has ended, or raise lockTimeout. The lock of a run that died is free 60 s after its last sign of life.`;
}

export function describeTakeover(set: string, identity: string): string {
  return `The lock of '${set}' was taken over from ${holderOf(identity)}, which gave no sign of life for as long as a lock lasts. If that run is still going on, its next write to the inventory will fail.`;
}

export function describeLoss(set: string, taker: string | undefined): string {
  return `The lock of '${set}' was lost to ${taker === undefined ? 'another run' : holderOf(taker)}. Nothing more was begun. Run again when that run has ended.`;
}

export function describeSilence(set: string, ms: number, reason: string): string {
  return `The lock of '${set}' could not be renewed for ${seconds(ms)}, so another run may take it soon: ${reason} Nothing more was begun. Run again.`;
}

export function describeForbidden(set: string, namespace: string, reason: string): string {
  return `'${set}' is not locked, because the identity of the connection may not use leases: ${reason} Two runs at once are noticed only when they write the inventory. Grant get, create and update on leases.coordination.k8s.io in namespace ${namespace}.`;
}

export function describeNoPlace(set: string, namespace: string): string {
  return `'${set}' is not locked, because namespace ${namespace} does not exist yet or the cluster serves no leases. Two runs at once are noticed when they write the inventory.`;
}

export function describeUnreleased(set: string, reason: string): string {
  return `The lock of '${set}' could not be released: ${reason} It is free 60 s after its last renewal.`;
}

function owner({ holder, since }: LockWait): string {
  return `${holderOf(holder)}${since === undefined ? '' : `, since ${since.replace(/\.\d+Z$/, 'Z')},`}`;
}

function seconds(ms: number): string {
  const total = Math.round(ms / 1000);
  return total >= 120 ? `${Math.floor(total / 60)} min${total % 60 === 0 ? '' : ` ${total % 60} s`}` : `${total} s`;
}

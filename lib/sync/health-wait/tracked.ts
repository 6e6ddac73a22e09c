import type { Health } from '../../core/objects/health.ts';
import { describeId, type ObjectId } from '../../core/objects/kubernetes-object.ts';
import type { Place } from '../../errors.ts';
import type { ApiResource } from '../../ports/kubernetes/discovery.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { finalAfter } from './finality.ts';
import { uidOf } from './owned-pods.ts';
import type { Stuck } from './stuck-pods.ts';

/** An object that was applied and is to become healthy. */
export interface WaitTarget {
  readonly resource: ApiResource;
  readonly id: ObjectId;
  /** Of the object that was applied: one of the same name and another uid is not it. */
  readonly uid?: string;
  readonly origin?: Place;
  /** As the server returned it when it was applied; tells what the object was when it is gone before it is seen. */
  readonly object?: Json;
  /** Shorter than the whole wait: for this object alone. */
  readonly timeoutMs?: number;
}

export type ObjectOutcome = 'healthy' | 'healthFailed' | 'healthTimeout' | 'connectionLost';

/** `waiting`: may change yet. `settled`: as it should be. `final`: will not become so. `expired`: out of time. */
export type TrackedState = 'waiting' | 'settled' | 'final' | 'expired';

/** One target while it is waited for. */
export interface Tracked {
  readonly target: WaitTarget;
  readonly deadline: number;
  /** The last state that was seen. */
  live: Json | undefined;
  /** Whether it is there was found out. */
  answered: boolean;
  /** A GET said that it is not there. */
  gone: boolean;
  /** What is known without looking again: a Job that ended stays ended. */
  fixed: Health | undefined;
  /** Its kind cannot be read, and so never judged. */
  unreadable: string | undefined;
  stuck: { readonly found: Stuck; readonly since: number } | undefined;
  health: Health;
  /** What the health was made from: a settled object is not judged again until it changes. */
  judged: Json | undefined;
  /** Since when the health has had its status and reason. */
  since: number;
  state: TrackedState;
  /** Since when the state is what it is. */
  stateSince: number;
}

export function track(target: WaitTarget, now: number, deadline: number): Tracked {
  return {
    target,
    deadline: Math.min(deadline, target.timeoutMs === undefined ? deadline : now + target.timeoutMs),
    live: target.object,
    answered: false,
    gone: false,
    fixed: undefined,
    unreadable: undefined,
    stuck: undefined,
    judged: undefined,
    health: { status: 'Unknown', message: 'The cluster has not been asked yet.' },
    since: now,
    state: 'waiting',
    stateSince: now,
  };
}

export interface JudgeOptions {
  readonly assess: (live: Json) => Health;
  /** How long an object has to stay healthy to count as that. */
  readonly stableMs: number;
}

/** Brings health and state of a target up to what is known now. */
export function judgeTracked(tracked: Tracked, now: number, options: JudgeOptions): void {
  if (tracked.state === 'settled' && tracked.judged === tracked.live && !tracked.gone) return;
  tracked.judged = tracked.live;
  const health = healthOf(tracked, options);
  if (health.status !== tracked.health.status || health.reason !== tracked.health.reason) tracked.since = now;
  tracked.health = health;
  const state = stateOf(tracked, now, options.stableMs);
  if (state !== tracked.state) tracked.stateSince = now;
  tracked.state = state;
  // An end is an end: what removes the Job later does not undo it.
  if (tracked.target.id.kind === 'Job' && tracked.target.id.group === 'batch' && tracked.fixed === undefined) {
    if (state === 'settled' && health.status === 'Healthy') tracked.fixed = health;
    if (state === 'final' && health.status === 'Degraded' && tracked.stuck === undefined) tracked.fixed = health;
  }
}

function healthOf(tracked: Tracked, { assess }: JudgeOptions): Health {
  if (tracked.fixed !== undefined) return tracked.fixed;
  if (tracked.unreadable !== undefined) {
    return { status: 'Unknown', message: tracked.unreadable, reason: 'Forbidden' };
  }
  if (tracked.gone) {
    return { status: 'Missing', message: 'It was deleted after it had been applied.', reason: 'Deleted' };
  }
  if (!tracked.answered || tracked.live === undefined) return tracked.health;
  const { uid, id } = tracked.target;
  if (uid !== undefined && uidOf(tracked.live) !== uid) {
    return {
      status: 'Missing',
      message: `It was deleted, and somebody made another ${describeId(id)} since.`,
      reason: 'Replaced',
    };
  }
  return assess(tracked.live);
}

function stateOf(tracked: Tracked, now: number, stableMs: number): TrackedState {
  const { health } = tracked;
  if (health.status === 'Healthy' || health.status === 'Suspended') {
    if (tracked.fixed !== undefined || now - tracked.since >= stableMs) return 'settled';
  } else if (isFinal(tracked, now) || isStuck(tracked, now)) {
    return 'final';
  }
  return now >= tracked.deadline ? 'expired' : 'waiting';
}

function isFinal({ health, target, live, since, unreadable }: Tracked, now: number): boolean {
  if (unreadable !== undefined) return true;
  const after = finalAfter(target.id, health, live);
  return after !== undefined && now - since >= after;
}

function isStuck({ stuck }: Tracked, now: number): boolean {
  return stuck !== undefined && now - stuck.since >= stuck.found.settleMs;
}

/** The health with what is known of the object's Pods, when that tells more. */
export function explainedHealth({ health, stuck, state }: Tracked): Health {
  if (stuck === undefined || (health.status !== 'Progressing' && health.status !== 'Degraded')) return health;
  const { reason, message } = stuck.found;
  return state === 'final'
    ? { status: 'Degraded', message, reason }
    : { ...health, message: `${health.message} ${message}` };
}

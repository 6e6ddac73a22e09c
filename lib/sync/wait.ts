import { type Health, isHealthyOnceApplied } from '../core/objects/health.ts';
import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { CancelledError } from '../errors.ts';
import type { Json, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { type Clock, systemClock } from './health-wait/clock.ts';
import { createJudge } from './health-wait/health-context.ts';
import { createLiveView } from './health-wait/live-view.ts';
import { createPodEvidence, type PodEvidence } from './health-wait/pod-evidence.ts';
import { createReporter, type WaitProgress } from './health-wait/report.ts';
import { findStuck } from './health-wait/stuck-pods.ts';
import {
  explainedHealth,
  judgeTracked,
  type ObjectOutcome,
  type Tracked,
  track,
  type WaitTarget,
} from './health-wait/tracked.ts';
import { createWake } from './health-wait/wake.ts';

export type { Clock } from './health-wait/clock.ts';
export type { WaitProgress } from './health-wait/report.ts';
export type { ObjectOutcome, WaitTarget } from './health-wait/tracked.ts';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: WaitProgress) => void;
  /** Judges instead of the built-in rules; undefined leaves an object to them. */
  readonly assess?: (object: KubernetesObject, target: WaitTarget, now: Date) => Health | undefined;
  /** How long an object has to stay healthy to count as that. Default 0. */
  readonly stableMs?: number;
  /**
   * How long all new Pods of a workload have to be unable to start before it is given up. Default 15 s, in which the
   * kubelet tries a second time.
   */
  readonly settleMs?: number;
  /** Of a label that all targets carry: then one watch a kind serves the whole cluster. */
  readonly labelSelector?: string;
  readonly clock?: Clock;
}

export interface ObjectResult {
  readonly target: WaitTarget;
  readonly health: Health;
  readonly outcome: ObjectOutcome;
  /** From the beginning of the wait until it became what it is. */
  readonly ms: number;
  /** The last state that was seen. */
  readonly live?: Json;
}

export interface WaitResult {
  /** The worst of the objects': healthFailed, then connectionLost, then healthTimeout. */
  readonly outcome: ObjectOutcome;
  readonly ms: number;
  /** In the order of the targets. */
  readonly objects: readonly ObjectResult[];
  /** What could not be read, and what follows from that. */
  readonly notes: readonly string[];
}

/** Some verdicts change with time alone. */
const TICK_MS = 1_000;
const DEFAULT_SETTLE_MS = 15_000;
/** Half of the connections of one pool. */
const MOST_WATCHES = 16;

/**
 * Waits until all targets are healthy (or suspended, which is as far as they go), until those that are not will not become so
 * by themselves, or until the time is up. Objects of kinds that need no waiting cost no request. Throws CancelledError when
 * the signal is aborted; a failure is a result.
 */
export async function waitForHealth(
  client: KubernetesClient,
  targets: readonly WaitTarget[],
  options: WaitOptions,
): Promise<WaitResult> {
  const clock = options.clock ?? systemClock;
  const started = clock.now();
  const all = targets.map((target) => trackOrPass(target, started, options));
  const waited = all.filter(({ state }) => state === 'waiting');
  const wait: Wait = { client, all, waited, started, clock, options, notes: new Set() };
  const lost = waited.length === 0 ? new Set<Tracked>() : await follow(wait);
  const objects = all.map((tracked) => resultOf(tracked, lost.has(tracked), started));
  return { outcome: worstOutcome(objects), ms: clock.now() - started, objects, notes: [...wait.notes] };
}

interface Wait {
  readonly client: KubernetesClient;
  readonly all: readonly Tracked[];
  readonly waited: readonly Tracked[];
  readonly started: number;
  readonly clock: Clock;
  readonly options: WaitOptions;
  readonly notes: Set<string>;
}

/** Ends with those targets of which nothing could be seen at the end. */
async function follow({ client, all, waited, started, clock, options, notes }: Wait): Promise<ReadonlySet<Tracked>> {
  const stop = new AbortController();
  const wake = createWake(clock, stop.signal);
  let bug: { readonly error: unknown } | undefined;
  const shared = {
    client,
    observation: { clock, signal: stop.signal, watches: { free: MOST_WATCHES } },
    changed: wake.call,
    note: (message: string): void => {
      notes.add(message);
    },
    broken: (error: unknown): void => {
      bug ??= { error };
      wake.call();
    },
  };
  const cancel = (): void => {
    stop.abort();
    wake.call();
  };
  options.signal.addEventListener('abort', cancel, { once: true });
  try {
    if (options.signal.aborted) throw new CancelledError();
    const judge = createAssess(client, waited, options, wake.call);
    const evidence = createPodEvidence(shared);
    const report = options.onProgress && createReporter(started, options.onProgress);
    const { labelSelector } = options;
    const view = createLiveView({
      ...shared,
      tracked: waited,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    for (;;) {
      const now = clock.now();
      for (const tracked of waited) judgeOne(tracked, now, judge, evidence, options);
      report?.(all, now, (tracked) => view.isLost(tracked, now));
      if (!waited.some(({ state }) => state === 'waiting')) {
        return new Set(waited.filter((tracked) => view.isLost(tracked, now)));
      }
      evidence.follow(waited, now);
      const deadlines = waited.filter(({ state }) => state === 'waiting').map(({ deadline }) => deadline - now);
      await wake.sleep(Math.min(TICK_MS, ...deadlines));
      if (options.signal.aborted) throw new CancelledError();
      if (bug !== undefined) throw bug.error;
    }
  } finally {
    options.signal.removeEventListener('abort', cancel);
    stop.abort();
  }
}

type Assess = (live: Json, target: WaitTarget, now: Date) => Health;

function createAssess(
  client: KubernetesClient,
  waited: readonly Tracked[],
  { assess }: WaitOptions,
  changed: () => void,
): Assess {
  const targets = waited.map(({ target }) => target);
  const builtIn = createJudge(client, targets, changed);
  return (live, target, now) => assess?.(live as KubernetesObject, target, now) ?? builtIn(live, target, now);
}

function judgeOne(tracked: Tracked, now: number, assess: Assess, evidence: PodEvidence, options: WaitOptions): void {
  const hopeful = tracked.live === undefined || tracked.gone || tracked.state === 'settled';
  const owned = hopeful ? undefined : evidence.of(tracked);
  const found = owned && tracked.live && findStuck(tracked.live, owned, options.settleMs ?? DEFAULT_SETTLE_MS);
  tracked.stuck = found && { found, since: tracked.stuck?.since ?? now };
  judgeTracked(tracked, now, {
    assess: (live) => assess(live, tracked.target, new Date(now)),
    stableMs: options.stableMs ?? 0,
  });
}

function trackOrPass(target: WaitTarget, now: number, options: WaitOptions): Tracked {
  const tracked = track(target, now, now + options.timeoutMs);
  if (options.assess !== undefined || !isHealthyOnceApplied(target.id)) return tracked;
  const health: Health = { status: 'Healthy', message: 'It exists, which is all that its kind needs.' };
  return { ...tracked, fixed: health, health, state: 'settled' };
}

function resultOf(tracked: Tracked, isLost: boolean, started: number): ObjectResult {
  const { target, state, stateSince, live } = tracked;
  return {
    target,
    health: explainedHealth(tracked),
    outcome: outcomeOf(state, isLost),
    ms: stateSince - started,
    ...(live === undefined ? {} : { live }),
  };
}

function outcomeOf(state: Tracked['state'], isLost: boolean): ObjectOutcome {
  if (state === 'settled') return 'healthy';
  if (state === 'final') return 'healthFailed';
  return isLost ? 'connectionLost' : 'healthTimeout';
}

function worstOutcome(objects: readonly ObjectResult[]): ObjectOutcome {
  const order: readonly ObjectOutcome[] = ['healthFailed', 'connectionLost', 'healthTimeout'];
  return order.find((outcome) => objects.some((object) => object.outcome === outcome)) ?? 'healthy';
}

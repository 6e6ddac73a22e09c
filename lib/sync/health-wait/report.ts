import type { Health } from '../../core/objects/health.ts';
import type { ObjectId } from '../../core/objects/kubernetes-object.ts';
import { explainedHealth, type Tracked } from './tracked.ts';

export interface WaitProgress {
  readonly elapsedMs: number;
  readonly total: number;
  readonly healthy: number;
  readonly failed: number;
  /** What is not healthy yet, the failed ones included, in the order of the targets. */
  readonly waitingFor: readonly { readonly id: ObjectId; readonly health: Health; readonly ms: number }[];
  /** The cluster does not answer at the moment, or not for all kinds. */
  readonly connectionLost: boolean;
}

const AT_MOST_EVERY_MS = 1_000;
const HEARTBEAT_MS = 10_000;

/** Tells what changed: at once at the beginning and the end, at most once a second between, and that nothing did every ten. */
export function createReporter(
  started: number,
  onProgress: (progress: WaitProgress) => void,
): (all: readonly Tracked[], now: number, isLost: (tracked: Tracked) => boolean) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  let told = '';
  return (all, now, isLost) => {
    const ended = !all.some(({ state }) => state === 'waiting');
    const since = now - toldAt;
    if (!ended && since < AT_MOST_EVERY_MS) return;
    const open = all.filter(({ state }) => state !== 'settled');
    const waitingFor = open.map((tracked) => ({
      id: tracked.target.id,
      health: explainedHealth(tracked),
      ms: now - started,
    }));
    const progress: WaitProgress = {
      elapsedMs: now - started,
      total: all.length,
      healthy: all.length - open.length,
      failed: open.filter(({ state }) => state === 'final').length,
      waitingFor,
      connectionLost: open.some(isLost),
    };
    const { healthy, failed, connectionLost } = progress;
    const news = JSON.stringify([healthy, failed, connectionLost, ended, waitingFor.map(({ health }) => health)]);
    if (!ended && news === told && since < HEARTBEAT_MS) return;
    toldAt = now;
    told = news;
    onProgress(progress);
  };
}

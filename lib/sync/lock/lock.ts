import {
  CancelledError,
  ConflictError,
  type GitOpsError,
  messageOf,
  NotPermittedError,
  UnreachableError,
} from '../../errors.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../../ports/kubernetes/kubernetes-error.ts';
import type { SyncSet } from '../sync-set.ts';
import { lockIdentity } from './holder.ts';
import {
  decideLock,
  freeLease,
  heldLease,
  type LockDecision,
  leaseState,
  type Observation,
  observe,
  renewDeadline,
  renewInterval,
} from './lease.ts';
import type { LeaseApi } from './lease-api.ts';
import { type LockClock, systemLockClock, withDeadline } from './lock-clock.ts';
import {
  describeForbidden,
  describeLoss,
  describeNoPlace,
  describeSilence,
  describeTakeover,
  describeTimeout,
  describeUnreleased,
  type LockWait,
} from './messages.ts';

export interface LockOptions {
  /** Whoever waits reads this: collection, project, pipeline, run and attempt. */
  readonly holder: string;
  /** Ends with a cancellation; for everything before the lock is held. */
  readonly api: LeaseApi;
  /** Goes on for some seconds after a cancellation; for renewing and releasing. */
  readonly steady: LeaseApi;
  readonly onInfo: (text: string) => void;
  readonly onWarning: (text: string) => void;
  readonly clock?: LockClock;
}

export interface AcquireOptions {
  /** Ends the wait with CancelledError. */
  readonly signal: AbortSignal;
  /** Milliseconds; 0 tries once. Default: 10 minutes. */
  readonly timeoutMs?: number;
  /** Called when the wait begins and every 30 s. */
  readonly onWait?: (wait: LockWait) => void;
}

/** Between looks at a lock that somebody holds, and after a race for one that nobody held. */
const pollInterval = 2000;
const raceInterval = 100;
const tellInterval = 30_000;
const retryInterval = 5000;
const requestTimeout = 10_000;
const neverAborted = new AbortController().signal;

/**
 * One run at a time for each sync set: a Lease beside its inventory, renewed while the run works.
 *
 * Its limits: Kubernetes has no fencing. A run that stands still for a minute (a machine that sleeps, a paused container) and then goes on
 * may have sent a request after another run took the lock over; `check` before each stage makes that window small, it does not close it.
 * What is certain is the inventory: every write of it is guarded by its resourceVersion, so the slower of two runs fails there. Who waits
 * has no place in a queue: any of the waiting runs may be next; the order of pipeline runs is kept by an exclusive lock check of the
 * environment. Where the identity may not use leases, or their namespace does not exist yet, there is no lock but the inventory.
 */
export class SyncLock {
  readonly #set: SyncSet;
  readonly #options: LockOptions;
  readonly #clock: LockClock;
  readonly #identity: string;
  /** As last read or written; undefined while the lock is not held. */
  #lease: Json | undefined;
  /** When the last renewal that succeeded was sent, on both clocks. */
  #renewed = { wall: 0, monotonic: 0 };
  /** A request to take the lock was sent, so that we may hold it without knowing. */
  #mayBeHeld = false;
  #loss: GitOpsError | undefined;
  #lastFailure: unknown;
  #renewal: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(set: SyncSet, options: LockOptions) {
    this.#set = set;
    this.#options = options;
    this.#clock = options.clock ?? systemLockClock;
    this.#identity = lockIdentity(options.holder);
  }

  /**
   * Returns when the lock is held, or when there can be none (which a warning tells). Throws ConflictError `lockTimeout` that names the
   * holder, CancelledError, and what the client throws.
   */
  async acquire(options: AcquireOptions): Promise<void> {
    try {
      if (await this.#take(options)) this.#startRenewing();
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /** Why this run must begin nothing more, if so. Asks nobody: a lock that was not renewed for 40 s is not believed in. */
  problem(): GitOpsError | undefined {
    if (this.#loss !== undefined || this.#lease === undefined) return this.#loss;
    const { now, monotonic } = this.#clock;
    // A machine that slept shows it on the wall clock only, a wall clock that was set back on the other only.
    const silence = Math.max(now() - this.#renewed.wall, monotonic() - this.#renewed.monotonic);
    if (silence < renewDeadline) return undefined;
    const reason =
      this.#lastFailure === undefined ? 'the process stood still.' : sentence(messageOf(this.#lastFailure));
    const text = describeSilence(this.#set.name, silence, reason);
    const isLost = this.#lastFailure === undefined || this.#lastFailure instanceof UnreachableError;
    this.#loss = isLost ? new UnreachableError(text) : new ConflictError(text, 'lockTimeout');
    return this.#loss;
  }

  /** Throws what `problem` tells. Before each stage. */
  check(): void {
    const problem = this.problem();
    if (problem !== undefined) throw problem;
  }

  /**
   * Gives the lock back, if it is ours; the Lease stays, unless the set has ended and `remove` is set. Never throws: a lock that could not be
   * released expires.
   */
  async release(options: { readonly remove?: boolean } = {}): Promise<void> {
    this.#renewal?.stop.abort();
    await this.#renewal?.ended;
    this.#renewal = undefined;
    if (this.#lease === undefined && !this.#mayBeHeld) return;
    try {
      await this.#bounded(async (signal) => {
        for (let attempt = 0; attempt < 3; attempt += 1) {
          const lease = attempt === 0 && this.#lease ? this.#lease : await this.#options.steady.read(signal);
          if (lease === undefined || leaseState(lease).holder !== this.#identity) return;
          const { steady } = this.#options;
          const ended = options.remove
            ? steady.remove(lease, signal).then(() => true)
            : steady.replace(freeLease(this.#set, lease), signal).then(() => true);
          if (await unlessStale(ended)) return;
        }
        throw new ConflictError('it was changed again and again.');
      });
    } catch (error) {
      this.#options.onWarning(describeUnreleased(this.#set.name, sentence(messageOf(error))));
    } finally {
      this.#lease = undefined;
      this.#mayBeHeld = false;
    }
  }

  /** False when there can be no lock. */
  async #take(options: AcquireOptions): Promise<boolean> {
    const { monotonic, sleep } = this.#clock;
    const waiting = { started: monotonic(), told: Number.NEGATIVE_INFINITY };
    let observation: Observation | undefined;
    for (;;) {
      const lease = await this.#unlessForbidden(() => this.#options.api.read());
      if (lease === 'forbidden') return false;
      observation = observe(observation, leaseState(lease), monotonic());
      const decision = decideLock(observation, this.#identity, monotonic());
      if (decision.action === 'held') {
        this.#lease = lease;
        return true;
      }
      let pauseMs = raceInterval;
      if (decision.action === 'take') {
        const taken = await this.#unlessForbidden(() => this.#tryToTake(lease, decision.from));
        if (taken !== 'late') return taken === 'taken';
      } else {
        pauseMs = this.#pauseBefore(decision, waiting, options);
      }
      await sleep(pauseMs, options.signal);
      if (options.signal.aborted) throw new CancelledError();
    }
  }

  /** Tells about the wait, where it is time to. Milliseconds until the next look. */
  #pauseBefore(
    { holder, acquiredAt: since, expiresInMs }: Extract<LockDecision, { action: 'wait' }>,
    waiting: { readonly started: number; told: number },
    { timeoutMs = 600_000, onWait }: AcquireOptions,
  ): number {
    const now = this.#clock.monotonic();
    const waitedMs = now - waiting.started;
    const wait: LockWait = { holder, since, waitedMs, remainingMs: Math.max(0, timeoutMs - waitedMs) };
    if (wait.remainingMs === 0) {
      const message = describeTimeout(this.#set.name, wait);
      throw new ConflictError({ input: 'lockTimeout', code: 'locked', message }, 'lockTimeout');
    }
    if (now - waiting.told >= tellInterval) {
      waiting.told = now;
      onWait?.(wait);
    }
    return Math.min(pollInterval, expiresInMs, wait.remainingMs);
  }

  /** `late`: another run was faster, or the answer was lost; reading tells. */
  async #tryToTake(lease: Json | undefined, from: string | undefined): Promise<'taken' | 'late' | 'no place'> {
    const wanted = heldLease(this.#set, lease, this.#identity, new Date(this.#clock.now()));
    const { api } = this.#options;
    this.#renewed = { wall: this.#clock.now(), monotonic: this.#clock.monotonic() };
    this.#mayBeHeld = true;
    try {
      this.#lease = lease === undefined ? await api.create(wanted) : await api.replace(wanted);
      if (from !== undefined) this.#options.onWarning(describeTakeover(this.#set.name, from));
      return 'taken';
    } catch (error) {
      const status = statusOf(error);
      if (status === 404 && lease === undefined) {
        this.#options.onInfo(describeNoPlace(this.#set.name, this.#set.namespace));
        this.#mayBeHeld = false;
        return 'no place';
      }
      if (status === 404 || status === 409 || error instanceof UnreachableError) return 'late';
      throw error;
    }
  }

  async #unlessForbidden<T>(action: () => Promise<T>): Promise<T | 'forbidden'> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof NotPermittedError) || statusOf(error) === 401) throw error;
      this.#mayBeHeld = false;
      const { name, namespace } = this.#set;
      this.#options.onWarning(describeForbidden(name, namespace, sentence(messageOf(error))));
      return 'forbidden';
    }
  }

  #startRenewing(): void {
    const stop = new AbortController();
    this.#renewal = { stop, ended: this.#renewUntil(stop.signal) };
  }

  async #renewUntil(stop: AbortSignal): Promise<void> {
    let pauseMs = renewInterval;
    while (this.#loss === undefined) {
      await this.#clock.sleep(pauseMs, stop);
      if (stop.aborted) return;
      try {
        await this.#bounded((signal) => this.#renew(signal), stop);
        this.#lastFailure = undefined;
        pauseMs = renewInterval;
      } catch (error) {
        this.#lastFailure = error;
        pauseMs = retryInterval;
      }
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const sent = { wall: this.#clock.now(), monotonic: this.#clock.monotonic() };
    const { steady } = this.#options;
    const wanted = heldLease(this.#set, this.#lease, this.#identity, new Date(sent.wall));
    let written = await unlessStale(steady.replace(wanted, signal));
    if (!written) {
      // Somebody wrote meanwhile: a label, an answer of ours that was lost, or another run that took it.
      const lease = await steady.read(signal);
      const { holder } = leaseState(lease);
      if (lease !== undefined && holder !== this.#identity) {
        this.#loss = new ConflictError(describeLoss(this.#set.name, holder), 'lockTimeout');
        this.#options.onInfo(this.#loss.message);
        return;
      }
      const again = heldLease(this.#set, lease, this.#identity, new Date(sent.wall));
      written = await unlessStale(lease === undefined ? steady.create(again, signal) : steady.replace(again, signal));
      if (!written) throw new ConflictError('the Lease was changed again and again.');
    }
    this.#lease = written;
    this.#renewed = sent;
  }

  async #bounded<T>(action: (signal: AbortSignal) => Promise<T>, also: AbortSignal = neverAborted): Promise<T> {
    return withDeadline(this.#clock, requestTimeout, action, also);
  }
}

/** What was written; false when the server has a newer one, or none. */
async function unlessStale<T>(request: Promise<T>): Promise<T | false> {
  try {
    return await request;
  } catch (error) {
    if (statusOf(error) === 409 || statusOf(error) === 404) return false;
    throw error;
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

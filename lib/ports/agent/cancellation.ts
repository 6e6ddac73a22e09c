import { CancelledError } from '../../errors.ts';

/**
 * What the agent leaves between a cancellation and the end: SIGINT, 7.5 s, SIGTERM, 2.5 s, kill (azure-pipelines-agent
 * `ProcessInvoker`). Each can be set by a variable, in milliseconds.
 */
export interface GracePeriod {
  readonly afterInterrupt: number;
  readonly afterTerminate: number;
}

export const DEFAULT_GRACE: GracePeriod = { afterInterrupt: 7_500, afterTerminate: 2_500 };

/** The grace period as the pipeline's variables `PROCESS_SIGINT_TIMEOUT` and `PROCESS_SIGTERM_TIMEOUT` set it. */
export function gracePeriod(variable: (name: string) => string | undefined): GracePeriod {
  return {
    afterInterrupt: milliseconds(variable('PROCESS_SIGINT_TIMEOUT')) ?? DEFAULT_GRACE.afterInterrupt,
    afterTerminate: milliseconds(variable('PROCESS_SIGTERM_TIMEOUT')) ?? DEFAULT_GRACE.afterTerminate,
  };
}

function milliseconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

export interface Cancellation {
  /** Aborted once, with a CancelledError as its reason. */
  readonly signal: AbortSignal;
  /** The same by our own decision: what still runs shall wind down. */
  cancel(message: string): void;
  /** From now on the process dies of a signal again. */
  dispose(): void;
}

type SignalSource = Pick<NodeJS.Process, 'on' | 'off'>;

/** SIGBREAK is what the agent sends on Windows where it sends SIGTERM elsewhere. */
const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT', 'SIGTERM', 'SIGBREAK'] : ['SIGINT', 'SIGTERM'];

const deadlines = new WeakMap<AbortSignal, number>();

/**
 * Turns the signals of a cancellation into one abort. A second signal changes nothing but the time that is left: a lock in the cluster
 * and the record of what was done are worth more than an end one second earlier.
 */
export function listenForCancellation(
  grace: () => GracePeriod = () => DEFAULT_GRACE,
  source: SignalSource = process,
): Cancellation {
  const controller = new AbortController();
  const cancel = (message: string, remaining: number): void => {
    const deadline = performance.now() + remaining;
    deadlines.set(controller.signal, Math.min(deadline, deadlines.get(controller.signal) ?? deadline));
    if (!controller.signal.aborted) controller.abort(new CancelledError(message));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    const { afterInterrupt, afterTerminate } = grace();
    const remaining = signal === 'SIGINT' ? afterInterrupt + afterTerminate : afterTerminate;
    cancel('The run was cancelled.', remaining);
  };
  for (const signal of SIGNALS) source.on(signal, onSignal);
  return {
    signal: controller.signal,
    cancel: (message) => cancel(message, DEFAULT_GRACE.afterInterrupt),
    dispose() {
      for (const signal of SIGNALS) source.off(signal, onSignal);
    },
  };
}

/** Milliseconds until the agent kills the process; Infinity as long as nobody cancelled. */
export function remainingTime(signal: AbortSignal): number {
  const deadline = deadlines.get(signal);
  return deadline === undefined ? Number.POSITIVE_INFINITY : Math.max(0, deadline - performance.now());
}

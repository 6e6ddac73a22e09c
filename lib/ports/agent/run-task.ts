import { CancelledError, GitOpsError, messageOf, type Problem } from '../../errors.ts';
import type { Agent } from './agent.ts';
import type { AgentSession } from './agent-session.ts';
import { type Cancellation, listenForCancellation } from './cancellation.ts';
import { createAgent, gracePeriodOf } from './create-agent.ts';
import { neutralizeLine, splitLines } from './log-filter.ts';

/** What the entry decides about the end of a run, apart from saying it. */
export interface Ending {
  /** `cancelled` sends no result: the agent has set its own, and reads no word of ours for it. */
  readonly result: 'Failed' | 'cancelled';
  /** Value of the output variable `outcome`. */
  readonly outcome: string;
  readonly problems: readonly Problem[];
  /** For the debug log. */
  readonly stack?: string;
}

/** After the task's end, the time that open handles (sockets, timers) have to close, in milliseconds. */
const LINGER = 2_000;

/** After a crash, the time that the rest of the task has to give back what it holds, in milliseconds. */
const WIND_DOWN = 7_000;

/**
 * What every task's `main.ts` calls: makes the agent, runs the task, and is the one place that catches. Each error becomes one result; all
 * its problems become issues with their places. The task itself sets the result when it ends well, by `agent.complete`.
 *
 * The process ends by itself, with exit code 0, once nothing is left to do: `process.exit` would cut off what pipes have not taken yet.
 */
export async function runTask(main: (agent: Agent) => Promise<void>): Promise<void> {
  const cancellation = listenForCancellation(() => gracePeriodOf(process.env));
  const session = await startSession(cancellation);
  if (session === undefined) return;
  const { agent } = session;
  const { signal } = cancellation;
  signal.addEventListener('abort', () => {
    agent.log.info(`${messageOf(signal.reason)} No new work is begun; what has been begun is brought to a safe end.`);
  });
  const crash = watchForCrashes(session, cancellation);
  try {
    await Promise.race([main(agent), nothingLeftToHappen()]);
  } catch (error) {
    if (!crash.happened) report(agent, decideEnding(error, signal));
  }
  process.exitCode = await session.finish();
  endLater(session, LINGER);
}

/** Without an agent there is nothing yet to report by: the few things that can go wrong are told plainly. */
async function startSession(cancellation: Cancellation): Promise<AgentSession | undefined> {
  try {
    return await createAgent(cancellation);
  } catch (error) {
    cancellation.dispose();
    process.stderr.write(`${splitLines(messageOf(error)).map(neutralizeLine).join('\n')}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

/** One error, whatever was thrown, as the end of a run. */
export function decideEnding(error: unknown, cancelled: AbortSignal): Ending {
  if (error instanceof CancelledError) {
    return { result: 'cancelled', outcome: error.outcome, problems: error.problems };
  }
  if (error instanceof GitOpsError) {
    return { result: 'Failed', outcome: error.outcome, problems: error.problems };
  }
  if (cancelled.aborted && isAbort(error, cancelled.reason)) {
    return { result: 'cancelled', outcome: 'canceled', problems: [{ message: messageOf(cancelled.reason) }] };
  }
  if (error instanceof AggregateError && error.errors.length > 0) {
    const endings = error.errors.map((one) => decideEnding(one, cancelled));
    const failures = endings.filter(({ result }) => result === 'Failed');
    const [first] = failures.length > 0 ? failures : endings;
    if (first !== undefined) {
      const same = endings.filter(({ result }) => result === first.result);
      return { ...first, problems: same.flatMap(({ problems }) => problems) };
    }
  }
  return {
    result: 'Failed',
    outcome: 'internalError',
    problems: [{ message: `Unexpected error: ${describeUnknown(error)}`, code: 'internal-error' }],
    ...stackOf(error),
  };
}

/** What libraries throw when the signal that they were given is aborted: its reason, or an error of their own. */
function isAbort(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  if (!(error instanceof Error)) return false;
  return error.name === 'AbortError' || error.cause === reason;
}

function describeUnknown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${messageOf(error.cause)})` : '';
  return `${error.message || error.name}${cause}`;
}

function stackOf(error: unknown): { stack?: string } {
  return error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {};
}

/** Says how a run ended. The output variable comes first: a later step may run on failure and read it. */
export function report(agent: Agent, ending: Ending): void {
  agent.setOutput('outcome', ending.outcome);
  if (ending.result === 'cancelled') {
    for (const problem of ending.problems) agent.log.info(problem.message);
    return;
  }
  for (const { message, at, code } of ending.problems) {
    agent.log.error(message, { ...at, ...(code === undefined ? {} : { code }) });
  }
  if (ending.stack !== undefined) agent.log.debug(ending.stack);
  agent.complete('Failed', summaryOf(ending.problems));
}

function summaryOf(problems: readonly Problem[]): string {
  const first = problems[0]?.message.split('\n')[0] ?? '';
  return problems.length > 1 ? `${first} (and ${problems.length - 1} more)` : first;
}

/**
 * Errors that nobody awaited. The state of the process is not known after one, so the run fails and what still runs is asked to wind down,
 * by the same signal as a cancellation: it may hold a lock that has to be given back.
 */
function watchForCrashes(session: AgentSession, cancellation: Cancellation): { readonly happened: boolean } {
  const { agent } = session;
  const { signal } = cancellation;
  const state = { happened: false };
  const onCrash = (error: unknown): void => {
    if (signal.aborted && isAbort(error, signal.reason)) return;
    report(agent, decideEnding(error, signal));
    if (!state.happened) endLater(session, WIND_DOWN);
    state.happened = true;
    cancellation.cancel('The task stops because of the error above.');
  };
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  // Node prints its warnings past stdout and stderr, and some repeat foreign text.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => agent.log.debug(`${warning.name}: ${warning.message}`));
  return state;
}

/** Rejects when a task waits for what can no longer happen: it would end without a word, and count as succeeded. */
function nothingLeftToHappen(): Promise<never> {
  return new Promise((_resolve, reject) => {
    process.once('beforeExit', () => reject(new Error('the task ended before its work was done.')));
  });
}

/** Ends a process that something forgotten keeps alive. The timer itself keeps nothing alive. */
function endLater(session: AgentSession, milliseconds: number): void {
  const timer = setTimeout(() => {
    session.agent.log.debug('The process is ended although something still keeps it open.');
    void session.finish().then((code) => process.exit(code));
  }, milliseconds);
  timer.unref();
}

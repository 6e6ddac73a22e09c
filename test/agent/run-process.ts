import path from 'node:path';
import { processLine } from './command-manager.ts';
import type { CommandRecord } from './command-record.ts';
import { environmentOf, type Job } from './job.ts';
import type { OutputLine } from './line-splitter.ts';
import type { RunOptions } from './options.ts';
import { defaultTiming, type ProcessOutcome, TaskProcess } from './process.ts';
import { mergeResults } from './result.ts';
import type { Step } from './step.ts';

export const defaultTimeoutMs = 10 * 60 * 1000;

export interface ProcessRun {
  readonly lines: readonly OutputLine[];
  readonly commands: readonly CommandRecord[];
  readonly outcome: ProcessOutcome;
  readonly canceled: boolean;
  readonly timedOut: boolean;
}

/** Starts the task's process, obeys what it writes, cancels it when asked to, and takes its end as the step's. */
export async function runProcess(job: Job): Promise<ProcessRun> {
  const { options, step, handler, setup } = job;
  const variables = setup.variables;
  const lines: OutputLine[] = [];
  const commands: CommandRecord[] = [];
  const asked = { canceled: false, timedOut: false };
  let running: TaskProcess | undefined;
  const cancel = (): void => {
    asked.canceled = true;
    running?.cancel();
  };
  const onLine = (line: OutputLine): void => {
    lines.push(line);
    const from = step.log.length;
    const command = processLine(step, line.text);
    if (command !== undefined) commands.push(command);
    if (step.forceCompleted) running?.forceComplete();
    if (step.log.slice(from).some((shown) => shouldCancel(options, shown))) cancel();
  };

  running = await TaskProcess.start({
    program: job.program,
    args: [path.join(job.folder.task, handler.data.target)],
    workingDirectory: handler.data.workingDirectory ?? setup.workingDirectory,
    environment: environmentOf(job),
    lookupId: job.lookupId,
    timing: {
      sigint: variables.number('PROCESS_SIGINT_TIMEOUT') ?? defaultTiming.sigint,
      sigterm: variables.number('PROCESS_SIGTERM_TIMEOUT') ?? defaultTiming.sigterm,
      output: options.outputGraceMs ?? defaultTiming.output,
    },
    gracefulShutdown: variables.flag('USE_GRACEFUL_PROCESS_SHUTDOWN') === true,
    onLine,
  });
  const timers = [
    setTimeout(() => {
      asked.timedOut = true;
      cancel();
    }, options.timeoutMs ?? defaultTimeoutMs),
    ...(options.cancelAfter === undefined ? [] : [setTimeout(cancel, options.cancelAfter)]),
  ];
  options.signal?.addEventListener('abort', cancel, { once: true });
  if (options.signal?.aborted === true || asked.canceled) cancel();
  try {
    const outcome = await running.outcome();
    conclude(step, outcome, asked.canceled);
    return { lines, commands, outcome, ...asked };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    options.signal?.removeEventListener('abort', cancel);
  }
}

function shouldCancel(options: RunOptions, line: string): boolean {
  return (options.cancelOn !== undefined && line.includes(options.cancelOn)) || options.cancelWhen?.(line) === true;
}

/** What the agent makes of the end of the process (StepsRunner.RunStepAsync): a cancelled step is cancelled whatever it said. */
function conclude(step: Step, outcome: ProcessOutcome, canceled: boolean): void {
  if (canceled) {
    step.error('The operation was canceled.');
    step.result = 'Canceled';
  } else if (outcome.exitCode !== undefined && outcome.exitCode !== 0) {
    step.error(`Exit code ${outcome.exitCode} returned from the task's process.`);
    step.result = mergeResults(step.result, 'Failed');
  }
}

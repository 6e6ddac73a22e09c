import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LineSplitter, type OutputLine } from './line-splitter.ts';
import { findProcesses, kill, type RunningProcess } from './process-tree.ts';

/** Milliseconds; the defaults are the agent's (AgentKnobs.cs, ProcessInvoker.cs). */
export interface ProcessTiming {
  /** From SIGINT to SIGTERM: PROCESS_SIGINT_TIMEOUT. */
  readonly sigint: number;
  /** From SIGTERM to killing the process tree: PROCESS_SIGTERM_TIMEOUT. */
  readonly sigterm: number;
  /** How long output that descendants hold open is read after the task ended, and how long `task.complete done=true` waits. */
  readonly output: number;
}

export const defaultTiming: ProcessTiming = { sigint: 7500, sigterm: 2500, output: 5000 };

export interface ProcessOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly lookupId: string;
  readonly timing: ProcessTiming;
  /** USE_GRACEFUL_PROCESS_SHUTDOWN: nothing follows a SIGINT. */
  readonly gracefulShutdown: boolean;
  readonly onLine: (line: OutputLine) => void;
}

export interface ProcessOutcome {
  /** 128 + number for a signal, as .NET tells it; undefined when the agent went on without waiting for the end. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** What the agent sent, in order. */
  readonly signals: readonly NodeJS.Signals[];
  /** Output was still held open by a descendant when the agent stopped reading. */
  readonly outputCut: boolean;
  /** What still ran when the task had ended. It was killed then. */
  readonly orphans: readonly RunningProcess[];
  readonly durationMs: number;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

// A child that was told to end just before the task did may need a moment to be gone.
const orphanGraceMs = 500;

/** A task's process, run as the agent runs it: no shell, stdin closed, output read by lines from both streams alike. */
export class TaskProcess {
  readonly pid: number;
  readonly #options: ProcessOptions;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #started = performance.now();
  readonly #exited: Promise<Exit>;
  readonly #closed: Promise<void>;
  readonly #signals: NodeJS.Signals[] = [];
  readonly #forced = new AbortController();
  // A harness that ends early takes the task with it.
  readonly #abandon = (): void => kill(-this.pid, 'SIGKILL');
  #cancelling: Promise<void> | undefined;

  static async start(options: ProcessOptions): Promise<TaskProcess> {
    const child = spawn(options.program, options.args, {
      cwd: options.workingDirectory,
      env: { ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A session of its own, as under an agent's service: no terminal whose Ctrl+C would reach the task's children too.
      detached: true,
    });
    const running = new TaskProcess(child, options);
    await once(child, 'spawn');
    return running;
  }

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, options: ProcessOptions) {
    this.#child = child;
    this.#options = options;
    this.pid = child.pid ?? -1;
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.#closed = new Promise((resolve) => {
      child.once('close', () => resolve());
    });
    for (const stream of ['stdout', 'stderr'] as const) {
      const splitter = new LineSplitter(stream, (line) => {
        // What follows `done=true` is dropped.
        if (!this.#forced.signal.aborted) options.onLine(line);
      });
      child[stream].on('data', (chunk: Buffer) => splitter.write(chunk));
      child[stream].on('end', () => splitter.end());
    }
    child.stdin.on('error', () => undefined);
    child.stdin.end();
    if (child.pid !== undefined) process.once('exit', this.#abandon);
  }

  /** SIGINT, then SIGTERM, then the whole tree is killed. Calling it again changes nothing. */
  cancel(): void {
    this.#cancelling ??= this.#escalate();
  }

  /** `task.complete done=true`: the agent drops what follows and waits for a while only. */
  forceComplete(): void {
    this.#forced.abort();
  }

  async outcome(): Promise<ProcessOutcome> {
    const forced = new Promise<undefined>((resolve) => {
      this.#forced.signal.addEventListener('abort', () => {
        setTimeout(() => resolve(undefined), this.#options.timing.output).unref();
      });
    });
    const exit = await Promise.race([this.#exited, forced]);
    await this.#cancelling;
    const outputCut = !(await within(this.#closed, exit === undefined ? 0 : this.#options.timing.output));
    const orphans = await this.#remaining();
    for (const orphan of orphans) kill(orphan.pid, 'SIGKILL');
    // So that nothing writes any more when the caller looks at files.
    if (orphans.length > 0) await this.#remaining();
    process.off('exit', this.#abandon);
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    return {
      exitCode: exit === undefined ? undefined : exitCodeOf(exit),
      signal: exit?.signal ?? undefined,
      signals: this.#signals,
      outputCut,
      orphans,
      durationMs: Math.round(performance.now() - this.#started),
    };
  }

  async #escalate(): Promise<void> {
    const { timing, gracefulShutdown } = this.#options;
    this.#send('SIGINT');
    if ((await within(this.#exited, timing.sigint)) || gracefulShutdown) return;
    this.#send('SIGTERM');
    if (await within(this.#exited, timing.sigterm)) return;
    this.#signals.push('SIGKILL');
    for (const { pid } of await this.#family()) kill(pid, 'SIGKILL');
    kill(this.pid, 'SIGKILL');
  }

  #send(signal: NodeJS.Signals): void {
    this.#signals.push(signal);
    // To this process only: the agent does not signal its children.
    kill(this.pid, signal);
  }

  /** What still runs after a short grace. */
  async #remaining(): Promise<readonly RunningProcess[]> {
    const deadline = performance.now() + orphanGraceMs;
    for (;;) {
      const family = await this.#family();
      if (family.length === 0 || performance.now() > deadline) return family;
      await delay(25);
    }
  }

  #family(): Promise<RunningProcess[]> {
    return findProcesses(this.#options.lookupId, this.pid);
  }
}

function exitCodeOf(exit: Exit): number {
  return exit.code ?? 128 + (exit.signal === null ? 0 : constants.signals[exit.signal]);
}

/** Whether the promise was fulfilled in time. */
async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const timeout = delay(ms, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    timer.abort();
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { CancelledError, InputError, messageOf } from '../../errors.ts';

/** A program to run: never through a shell, so no argument is ever interpreted. */
export interface ProgramRun {
  /** A name to look up on the PATH of `environment`, or a path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All that the program sees; nothing is inherited. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Sent to the program's standard input, which is closed afterwards. */
  readonly stdin?: string | Uint8Array;
  /** When it aborts, the program and everything it started are ended. */
  readonly signal: AbortSignal;
  /** Most bytes accepted on each of the two outputs. Default 64 MiB. */
  readonly maxOutputBytes?: number;
  /** How to get the program, and the task input that names it: for the message when it is missing. */
  readonly missing: MissingProgram;
}

export interface MissingProgram {
  /** Completes "Install it, for example ...". */
  readonly install: string;
  /** The input that takes the program's path. */
  readonly input: string;
}

export interface ProgramResult {
  /** 0 for success; undefined when a signal ended the program. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const defaultMaxOutputBytes = 64 * 1024 * 1024;
/** A program that ignores SIGTERM is killed after this; the agent leaves about 7 seconds in all. */
const killAfterMilliseconds = 2000;
/** How long outputs are still read after the program's end. */
const outputGraceMilliseconds = 2000;

/** Raised when the program is not there, so that a caller can try another one. */
export class MissingProgramError extends InputError {}

/**
 * Runs a program to its end and returns what it wrote. A failing exit code is a result, not an error: the caller knows what
 * it means. Throws MissingProgramError, InputError (output over the cap, or the program cannot be started) and CancelledError.
 */
export async function runProgram(run: ProgramRun): Promise<ProgramResult> {
  if (run.signal.aborted) throw new CancelledError();
  const child = start(run);
  return await new Promise<ProgramResult>((resolve, reject) => {
    let failure: Error | undefined;
    let killTimer: NodeJS.Timeout | undefined;
    let exitTimer: NodeJS.Timeout | undefined;
    const stop = (reason: Error): void => {
      if (failure !== undefined) return;
      failure = reason;
      endTree(child, 'SIGTERM');
      killTimer = setTimeout(() => {
        endTree(child, 'SIGKILL');
        releaseOutputs(child);
      }, killAfterMilliseconds);
    };
    const onAbort = (): void => stop(new CancelledError());
    run.signal.addEventListener('abort', onAbort, { once: true });

    const limit = run.maxOutputBytes ?? defaultMaxOutputBytes;
    const tooMuch = (): void => stop(tooMuchOutput(run, limit));
    const stdout = collect(child.stdout, limit, tooMuch);
    const stderr = collect(child.stderr, limit, tooMuch);

    child.once('error', (error) => {
      run.signal.removeEventListener('abort', onAbort);
      clearTimeout(killTimer);
      reject(startError(run, error));
    });
    // Something that the program left running may hold its outputs open: what came until shortly after the end is the answer.
    child.once('exit', () => {
      exitTimer = setTimeout(() => releaseOutputs(child), outputGraceMilliseconds);
    });
    child.once('close', (code) => {
      clearTimeout(exitTimer);
      run.signal.removeEventListener('abort', onAbort);
      clearTimeout(killTimer);
      if (failure === undefined) resolve({ exitCode: code ?? undefined, stdout: stdout(), stderr: stderr() });
      else reject(failure);
    });

    // A program that ends without reading its input breaks the pipe; its exit code tells what happened.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(run.stdin ?? '');
  });
}

/** The last lines that a program wrote, for an error message; progress lines and blank lines are left out. */
export function lastLines(text: string, count = 8): string {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}

function start(run: ProgramRun): ChildProcess {
  try {
    return spawn(run.program, run.args, {
      cwd: run.cwd,
      env: definedOnly(run.environment),
      stdio: 'pipe',
      shell: false,
      windowsHide: true,
      // A process group of its own, so that what the program starts can be ended with it.
      detached: process.platform !== 'win32',
    });
  } catch (error) {
    throw startError(run, error);
  }
}

function endTree(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  const pid = child.pid;
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true }).on(
      'error',
      () => undefined,
    );
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

function releaseOutputs(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function collect(stream: NodeJS.ReadableStream | null, limit: number, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limit) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) result[name] = value;
  return result;
}

function tooMuchOutput(run: ProgramRun, limit: number): InputError {
  return new InputError({
    message: `\`${run.program}\` wrote more than ${Math.floor(limit / (1024 * 1024))} MiB and was stopped. Render less at a time.`,
    code: 'program-output-too-large',
  });
}

function startError(run: ProgramRun, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' && isFolder(run.cwd)) {
    return new MissingProgramError({
      message: `The program \`${run.program}\` was not found. Install it, ${run.missing.install}, or set the input \`${run.missing.input}\` to its path.`,
      input: run.missing.input,
      code: 'program-missing',
    });
  }
  if (code === 'EACCES') {
    return new InputError({
      message: `\`${run.program}\` may not be executed. Give it the execute permission, or set the input \`${run.missing.input}\` to another program.`,
      input: run.missing.input,
      code: 'program-not-executable',
    });
  }
  return new InputError(
    {
      message: `\`${run.program}\` could not be started in ${run.cwd}: ${messageOf(error)}`,
      code: 'program-not-started',
    },
    { cause: error },
  );
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Problem } from '../../lib/errors.ts';

/** Generous for a busy machine; a bundle loads in well under a second. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** A Node runtime that came as an optional package; there are such packages for Linux only. */
export interface Runtime {
  readonly label: string;
  readonly program: string;
}

/** The runtimes to try, and what was not to be had. */
export function runtimes(root: string): { present: Runtime[]; missing: string[] } {
  const all = [
    { label: 'Node 20.18.1', program: join(root, 'node_modules', 'node20-oldest', 'bin', 'node') },
    { label: 'Node 24', program: join(root, 'node_modules', 'node24', 'bin', 'node') },
  ];
  return {
    present: all.filter((runtime) => existsSync(runtime.program)),
    missing: all.filter((runtime) => !existsSync(runtime.program)).map((runtime) => runtime.label),
  };
}

export interface LoadCheckOptions {
  readonly runtime: Runtime;
  /** The built task. */
  readonly folder: string;
  /** Names of the files that are loaded lazily. */
  readonly lazyFiles: readonly string[];
  /** How problems name the task. */
  readonly file: string;
  readonly timeoutMs?: number;
}

/**
 * Starts the task as the agent does, but with no input at all: it has to come up and say by itself that it failed. Lazily loaded
 * files are then imported alone, since no input leads to them.
 */
export async function checkLoads(options: LoadCheckOptions): Promise<Problem[]> {
  const { runtime, folder, file, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const problem = (message: string): Problem => ({
    message: `${runtime.label}: ${message}`,
    at: { file },
    code: 'load',
  });
  const temp = await mkdtemp(join(tmpdir(), 'load-check-'));
  try {
    const task = await run(runtime.program, [join(folder, 'main.mjs')], temp, timeoutMs);
    const failed = /##vso\[task\.complete result=Failed/i.test(task.stdout);
    const problems =
      failed && !task.killed
        ? []
        : [problem(`main.mjs does not come up and fail by itself:\n${tail(task, timeoutMs)}`)];
    for (const name of options.lazyFiles) {
      const script = `await import(${JSON.stringify(pathToFileURL(join(folder, name)).href)})`;
      const loaded = await run(runtime.program, ['--input-type=module', '--eval', script], temp, timeoutMs);
      if (loaded.code !== 0) problems.push(problem(`${name} does not load:\n${tail(loaded, timeoutMs)}`));
    }
    return problems;
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

interface Outcome {
  readonly code: number | null;
  readonly killed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], temp: string, timeoutMs: number): Promise<Outcome> {
  // Only what an agent always sets: a developer's or pipeline's own variables must not become inputs.
  const env = {
    PATH: process.env['PATH'],
    HOME: temp,
    TF_BUILD: 'True',
    AGENT_TEMPDIRECTORY: temp,
    AGENT_WORKFOLDER: temp,
    AGENT_VERSION: '4.248.0',
    SYSTEM_HOSTTYPE: 'build',
    SYSTEM_DEFAULTWORKINGDIRECTORY: temp,
    SYSTEM_CULTURE: 'en-US',
  };
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      { cwd: temp, env, timeout: timeoutMs, killSignal: 'SIGKILL' },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, killed: child.killed, stdout, stderr }),
    );
    child.stdin?.end();
  });
}

function tail({ killed, stdout, stderr }: Outcome, timeoutMs: number): string {
  const end = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n').slice(-2000);
  return killed ? `${end}\n(killed after ${timeoutMs / 1000} s)` : end;
}

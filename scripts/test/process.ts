import { spawn } from 'node:child_process';
import type { Ending } from './outcome.ts';

export interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Then the process and all it started are killed. */
  readonly timeoutSeconds: number;
  /** Default: the output is passed through. */
  readonly quiet?: boolean;
}

/** Runs a program to its end. It leads a process group, so that nothing of it outlives it. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: options.quiet ? 'ignore' : ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    let killed = false;
    const killGroup = (signal: NodeJS.Signals) => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // The group is gone already.
      }
    };
    const timer = setTimeout(() => {
      killed = true;
      killGroup('SIGKILL');
    }, options.timeoutSeconds * 1000);
    const interrupt = () => killGroup('SIGTERM');
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    const done = () => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('close', (code) => {
      done();
      killGroup('SIGKILL');
      resolve({ code, killed });
    });
  });
}

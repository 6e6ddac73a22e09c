import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A program of a cluster under its supervisor. */
export interface Running {
  readonly name: string;
  /** The supervisor's process id. */
  readonly pid: number;
  readonly log: string;
  /** Set as soon as it has ended. */
  exitCode: number | undefined;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a program in a session of its own (a terminal's Ctrl+C does not reach it), with its output in a log file.
 * It ends with this process, however that ends, unless `detached`.
 */
export function start(
  supervise: string,
  folder: string,
  name: string,
  command: readonly string[],
  detached: boolean,
): Running {
  const log = join(folder, 'logs', `${name}.log`);
  const flags = ['-log', log, ...(detached ? ['-detached'] : []), '--'];
  const child: ChildProcess = spawn(supervise, [...flags, ...command], {
    cwd: folder,
    detached: true,
    stdio: [detached ? 'ignore' : 'pipe', 'ignore', 'ignore'],
  });
  child.unref();
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  child.stdin?.on('error', () => undefined);
  const { promise: ended, resolve } = withResolvers();
  const running: Running = {
    name,
    pid: child.pid ?? -1,
    log,
    exitCode: undefined,
    ended,
    async stop() {
      if (running.exitCode !== undefined) return;
      child.ref();
      child.kill('SIGTERM');
      await ended;
    },
  };
  child.once('error', () => {
    running.exitCode = 127;
    resolve();
  });
  child.once('exit', (code) => {
    running.exitCode = code ?? 1;
    resolve();
  });
  return running;
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** The end of a program's log, for an error message. */
export function lastLines(log: string, count = 15): string {
  if (!existsSync(log)) return '(no log)';
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return lines.slice(-count).join('\n');
}

/** Loopback ports that nobody listens on now. Another process may take one before it is used: whoever asks tries again. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject);
            server.listen(0, '127.0.0.1', () => {
              const address = server.address();
              resolve(typeof address === 'object' && address !== null ? address.port : 0);
            });
          }),
      ),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

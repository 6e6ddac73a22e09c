import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** A holder shows that it lives by touching the file; after this time without a touch it is taken for dead. */
const deadAfterMs = 60_000;

/**
 * Runs `act` while no other process of this machine is inside the same lock, a file. What a dead process left is taken
 * over. `say` is told, now and then, that the wait is for `holder`.
 */
export async function withLock<T>(
  file: string,
  holder: string,
  say: (line: string) => void,
  act: () => Promise<T>,
): Promise<T> {
  await acquire(file, holder, say);
  const alive = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, deadAfterMs / 6);
  try {
    return await act();
  } finally {
    clearInterval(alive);
    await rm(file, { force: true });
  }
}

async function acquire(file: string, holder: string, say: (line: string) => void): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(JSON.stringify({ pid: process.pid, host: hostname() }));
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await abandoned(file)) {
      await rm(file, { force: true });
      continue;
    }
    if (tries % 40 === 0) say(`  waiting for ${holder} to finish (${file})`);
    await delay(500);
  }
}

async function abandoned(file: string): Promise<boolean> {
  try {
    const age = Date.now() - (await stat(file)).mtimeMs;
    if (age > deadAfterMs) return true;
    const { pid, host } = JSON.parse(await readFile(file, 'utf8')) as { pid: number; host: string };
    return host === hostname() && !isAlive(pid);
  } catch {
    return false; // gone, or just being written
  }
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

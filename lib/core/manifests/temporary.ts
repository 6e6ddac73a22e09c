import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Gives a new folder of our own, free of symbolic links in its path, and removes it afterwards, whatever happened. */
export async function withTemporaryFolder<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await realpath(await mkdtemp(join(parent, 'gitops-render-')));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

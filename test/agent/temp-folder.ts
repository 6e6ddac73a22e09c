import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder for each test of the surrounding `describe`, removed after it. */
export function useTempFolder(): { readonly folder: string } {
  const current = { folder: '' };
  beforeEach(async () => {
    current.folder = await realpath(await mkdtemp(path.join(tmpdir(), 'agent-test-')));
  });
  afterEach(async () => {
    await rm(current.folder, { recursive: true, force: true });
  });
  return current;
}

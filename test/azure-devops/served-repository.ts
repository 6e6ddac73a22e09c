/** A bare repository that the server serves. Tests push to its folder and read by its address. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ServedRepository {
  readonly id: string;
  readonly name: string;
  /** The bare repository on this machine. */
  readonly folder: string;
  readonly url: string;
  /** Whether it takes pushes by its address. */
  readonly pushable: boolean;
  git(...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

export async function addRepository(
  collectionUrl: string,
  project: string,
  name: string,
  options: { readonly defaultBranch?: string; readonly filters?: boolean; readonly pushable?: boolean } = {},
): Promise<ServedRepository> {
  const folder = await mkdtemp(join(tmpdir(), 'azure-devops-git-'));
  const git = async (...args: string[]) => (await run('git', args, { cwd: folder })).stdout.trim();
  await git('init', '--quiet', '--bare', `--initial-branch=${options.defaultBranch ?? 'main'}`, '.');
  await git('config', 'uploadpack.allowFilter', String(options.filters ?? true));
  return {
    id: randomUUID(),
    name,
    folder,
    url: `${collectionUrl}${encodeURIComponent(project)}/_git/${encodeURIComponent(name)}`,
    pushable: options.pushable ?? false,
    git,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

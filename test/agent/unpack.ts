import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { openPromise } from 'yauzl';
import { readTaskDefinition } from './task-definition.ts';

const dist = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../dist');

// Outside of the repository, so that a bundle that still needs node_modules does not find one.
const unpacked = new Map<string, Promise<string>>();
const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The folder of a VSIX's files; the same file is unpacked once in a process. */
export async function unpackVsix(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const key = hash.digest('hex');
  const folder = unpacked.get(key) ?? extract(file);
  unpacked.set(key, folder);
  return folder;
}

/** The VSIX to test when none is named: GITOPS_TEST_VSIX, else the newest one in dist. */
export async function defaultVsix(environment: NodeJS.ProcessEnv = process.env, folder = dist): Promise<string> {
  const named = environment['GITOPS_TEST_VSIX'];
  if (named !== undefined && named !== '') return path.resolve(named);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.vsix'));
  const files = await Promise.all(
    names.map(async (name) => ({ file: path.join(folder, name), time: (await stat(path.join(folder, name))).mtimeMs })),
  );
  const newest = files.sort((a, b) => b.time - a.time)[0];
  if (newest === undefined)
    throw new Error(`There is no VSIX in ${folder}: run "npm run package" first, or set GITOPS_TEST_VSIX.`);
  return newest.file;
}

/** The folder of a task in an unpacked VSIX, by the task's name or its folder's. A folder with versions gives the highest. */
export async function findTaskFolder(root: string, task: string): Promise<string> {
  const contributed = await contributedFolders(root);
  const known: string[] = [];
  for (const folder of contributed) {
    const versions = await versionFolders(path.join(root, folder));
    for (const candidate of versions) {
      const definition = await readTaskDefinition(candidate);
      if ([definition.name, folder].some((name) => name.toLowerCase() === task.toLowerCase())) return candidate;
      known.push(definition.name);
    }
  }
  throw new Error(`The VSIX contributes no task "${task}"; it has ${[...new Set(known)].join(', ') || 'none'}.`);
}

interface Manifest {
  readonly contributions?: readonly { readonly type?: string; readonly properties?: { readonly name?: string } }[];
}

async function contributedFolders(root: string): Promise<string[]> {
  const file = path.join(root, 'extension.vsomanifest');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
  return (manifest.contributions ?? [])
    .filter((contribution) => contribution.type === 'ms.vss-distributed-task.task')
    .flatMap((contribution) => contribution.properties?.name ?? []);
}

/** Highest version first; a folder that holds a task.json itself is the only one. */
async function versionFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.name === 'task.json')) return [folder];
  const versions = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async (entry) => {
        const { version } = await readTaskDefinition(path.join(folder, entry.name));
        return {
          folder: path.join(folder, entry.name),
          key: [version.Major, version.Minor, version.Patch].map(Number),
        };
      }),
  );
  const byVersion = (a: readonly number[], b: readonly number[]): number =>
    b.map((part, index) => part - (a[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
  return versions.sort((a, b) => byVersion(a.key, b.key)).map((version) => version.folder);
}

async function extract(file: string): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'vsix-'));
  folders.push(root);
  // yauzl refuses names that are absolute or leave the folder.
  const zip = await openPromise(file);
  for await (const entry of zip.eachEntry()) {
    // Names in a VSIX are parts of an OPC package: percent-encoded.
    const target = path.join(root, decodeURIComponent(entry.fileName));
    if (!target.startsWith(root + path.sep)) throw new Error(`${file} holds the unsafe path "${entry.fileName}".`);
    if (entry.fileName.endsWith('/')) continue;
    await mkdir(path.dirname(target), { recursive: true });
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target, { flags: 'wx' }));
  }
  return root;
}

/**
 * Builds Go programs once and keeps them: a cache folder for each program, keyed by everything that goes into it.
 * Tests, the demo and the benchmarks get their helpers from here, so a clone needs Go and the module proxy and nothing else.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from './lock.ts';

/** One `main` package. */
export interface GoProgram {
  /** The binary's name. */
  readonly name: string;
  /** Import path, or `./folder` for a package of the module's own. */
  readonly package: string;
}

export interface GoModule {
  /** Folder with go.mod and go.sum. */
  readonly directory: string;
  /** Passed to the linker after `-s -w`. */
  readonly ldflags?: string;
  /** What a first build takes on two cores, for the message, e.g. `about 5 minutes`. */
  readonly takes: string;
  /** Gets the lines that tell of progress; default: standard error. */
  readonly say?: (line: string) => void;
}

/** Programs that nobody asked for in this time are deleted when something is built. */
const unusedAfterMs = 30 * 24 * 60 * 60 * 1000;
const minimumGo = '1.26';

/** Where built programs are kept. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'gitops-for-azure-pipelines', 'go');
}

/**
 * The paths of the programs' binaries, by name; builds what is not in the cache, all of it by one `go build`.
 * Throws an Error that says what to do when Go is missing, too old, or fails.
 */
export async function buildGo<Name extends string>(
  module: GoModule,
  programs: readonly (GoProgram & { readonly name: Name })[],
): Promise<Record<Name, string>> {
  const go = await goVersion(module.directory);
  const wanted = await Promise.all(
    programs.map(async (program) => {
      const folder = join(cacheFolder(), `${program.name}-${await keyOf(module, program, go)}`);
      return { program, folder, binary: join(folder, program.name) };
    }),
  );
  const missing = () => wanted.filter((one) => !existsSync(one.binary));
  if (missing().length > 0) {
    await mkdir(cacheFolder(), { recursive: true });
    await withLock(join(cacheFolder(), 'build.lock'), 'another build of test programs', say(module), async () => {
      await tidyCache(programs);
      const builds = missing();
      if (builds.length > 0) await build(module, builds);
    });
  }
  const now = new Date();
  await Promise.all(wanted.map((one) => utimes(one.folder, now, now)));
  return Object.fromEntries(wanted.map((one) => [one.program.name, one.binary])) as Record<Name, string>;
}

/** The version that a module's go.mod pins for another one, e.g. `v1.36.3`: the only place where it is written. */
export function pinnedVersion(directory: string, path: string): string {
  const pins = readFileSync(join(directory, 'go.mod'), 'utf8').split('\n');
  const version = pins
    .map((line) => line.trim().split(' '))
    .find(([name, pin]) => name === path && pin?.startsWith('v'));
  if (version?.[1] === undefined) throw new Error(`${join(directory, 'go.mod')} pins no version of ${path}.`);
  return version[1];
}

async function goVersion(directory: string): Promise<string> {
  const remedy = `Install Go ${minimumGo} or later (https://go.dev/dl) and make sure that \`go version\` shows it.`;
  try {
    const { stdout } = await promisify(execFile)('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], {
      cwd: directory,
      env: goEnvironment(),
    });
    return stdout.trim().replaceAll('\n', ' ');
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new Error(`The tests build their helper programs with Go, and no \`go\` is on the PATH. ${remedy}`);
    }
    throw new Error(`Go cannot build the tests' helper programs: ${stderr?.trim() || String(error)}\n${remedy}`);
  }
}

/** Go of the user's own settings, except for what would change the result. */
function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };
}

async function keyOf(module: GoModule, program: GoProgram, go: string): Promise<string> {
  const hash = createHash('sha256');
  const add = (name: string, content: string | Buffer) => hash.update(`${name}\0${content.length}\0`).update(content);
  add('go', go);
  add('ldflags', module.ldflags ?? '');
  add('package', program.package);
  for (const file of ['go.mod', 'go.sum']) add(file, await readFile(join(module.directory, file)));
  if (program.package.startsWith('./')) {
    const folder = join(module.directory, program.package);
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.go')).sort()) {
      add(file, await readFile(join(folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

interface Build {
  readonly program: GoProgram;
  readonly folder: string;
}

async function build(module: GoModule, builds: readonly Build[]): Promise<void> {
  const temporary = join(cacheFolder(), `.tmp-${randomUUID()}`);
  const names = builds.map((one) => one.program.name).join(', ');
  const own = builds.every((one) => one.program.package.startsWith('./'));
  const takes = own ? 'some seconds, at most two minutes' : module.takes;
  say(module)(`Building ${names} with Go: ${takes} the first time, then kept in ${cacheFolder()}`);
  try {
    await mkdir(temporary, { recursive: true });
    await goBuild(module, builds, temporary, names);
    for (const one of builds) {
      await mkdir(join(temporary, one.program.name), { recursive: true });
      await rename(
        join(temporary, 'out', binaryOf(one.program.package)),
        join(temporary, one.program.name, one.program.name),
      );
      await rm(one.folder, { recursive: true, force: true });
      await rename(join(temporary, one.program.name), one.folder);
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The name that `go build` gives a binary: the last part of the import path that is no major version. */
function binaryOf(path: string): string {
  return basename(path.replace(/\/v\d+$/, ''));
}

async function goBuild(module: GoModule, builds: readonly Build[], temporary: string, names: string): Promise<void> {
  const ldflags = ['-s', '-w', module.ldflags].filter(Boolean).join(' ');
  const flags = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-v', '-ldflags', ldflags];
  const packages = builds.map((one) => one.program.package);
  const child = spawn('go', ['build', ...flags, '-o', `${join(temporary, 'out')}/`, ...packages], {
    cwd: module.directory,
    env: goEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stopChild = () => child.kill();
  process.once('exit', stopChild);
  const started = Date.now();
  const seen = { modules: 0, packages: 0, other: [] as string[] };
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('go: downloading ')) seen.modules++;
      else if (/^[\w.~/-]+$/.test(line)) seen.packages++;
      else seen.other.push(line);
    }
  });
  const progress = setInterval(() => {
    const downloads = seen.modules === 0 ? '' : `, ${seen.modules} modules downloaded`;
    say(module)(`  still building ${names}: ${spell(started)}, ${seen.packages} packages compiled${downloads}`);
  }, 20_000);
  try {
    const code = await new Promise<number | string | null>((resolve, reject) => {
      child.on('error', reject).on('close', (exit, signal) => resolve(exit ?? signal));
    });
    if (code !== 0) {
      const told = [...seen.other, rest].slice(-30).join('\n').trim();
      throw new Error(`Building ${names} failed (go build in ${module.directory} ended with ${code}):\n${told}`);
    }
    say(module)(`  built ${names} in ${spell(started)}`);
  } finally {
    clearInterval(progress);
    process.removeListener('exit', stopChild);
  }
}

function say(module: GoModule): (line: string) => void {
  return module.say ?? console.error;
}

function spell(since: number): string {
  const seconds = Math.round((Date.now() - since) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Under the lock: what a killed build left, and old builds of these programs that nobody has used for a while. */
async function tidyCache(programs: readonly GoProgram[]): Promise<void> {
  const names = new Set(programs.map((program) => program.name));
  for (const entry of await readdir(cacheFolder())) {
    const path = join(cacheFolder(), entry);
    const abandoned = entry.startsWith('.tmp-');
    const old =
      names.has(entry.replace(/-[0-9a-f]{16}$/, '')) && Date.now() - (await stat(path)).mtimeMs > unusedAfterMs;
    if (abandoned || old) await rm(path, { recursive: true, force: true });
  }
}

import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, parse, relative, resolve } from 'node:path';
import { type BuildFailure, type BuildOptions, type BuildResult, build, type Metafile, type Plugin } from 'esbuild';
import { InputError, type Problem } from '../../lib/errors.ts';
import { packageOf } from './packages.ts';

export interface BundleOptions {
  /** The repository: paths in source maps and in the metafile are relative to it. */
  readonly root: string;
  /** The task's `main.ts`. */
  readonly entry: string;
  /** Receives `main.mjs`, one file for each lazily imported module, `shared-*.mjs`, and a `.map` beside each. */
  readonly outDir: string;
}

/** esbuild's account of what went where; outputs are keyed by their file name in `outDir`. */
export interface Bundle {
  readonly inputs: Metafile['inputs'];
  readonly outputs: Readonly<Record<string, Metafile['outputs'][string]>>;
}

const MAIN = 'task-entry:main';

/** CommonJS packages that are bundled into a module still ask for require, __filename and __dirname. */
const BANNER = [
  "import{createRequire as __taskCreateRequire}from'node:module';",
  "import{fileURLToPath as __taskFileURLToPath}from'node:url';",
  'const require=__taskCreateRequire(import.meta.url),',
  "__filename=__taskFileURLToPath(import.meta.url),__dirname=__taskFileURLToPath(new URL('.',import.meta.url));",
].join('');

/**
 * Bundles a task: `main.mjs` and what it imports statically, and a file of its own for each `import()`. Names are stable from
 * build to build: a lazily imported module keeps its file's or package's name.
 * @throws InputError for what cannot be bundled, e.g. an import that leads nowhere.
 */
export async function bundleTask(options: BundleOptions): Promise<Bundle> {
  const dry = await bundle({
    ...settings(options),
    entryPoints: [{ in: MAIN, out: 'main' }],
    write: false,
    sourcemap: false,
  });
  const lazy = Object.values(dry.metafile.outputs).flatMap((output) => output.entryPoint ?? []);
  const entryPoints = [{ in: MAIN, out: 'main' }];
  for (const source of lazy.filter((source) => source !== MAIN).sort()) {
    const out = lazyNames(source).find((name) => !entryPoints.some((entry) => entry.out === name));
    if (out === undefined) throw new Error(`There is no name left for the lazily imported ${source}`);
    entryPoints.push({ in: resolve(options.root, source), out });
  }
  const { metafile } = await bundle({ ...settings(options), entryPoints });
  const outputs = Object.fromEntries(
    Object.entries(metafile.outputs).map(([path, output]) => [
      basename(path),
      { ...output, imports: output.imports.map(withFileName) },
    ]),
  );
  await nameSourcesFromRoot(options);
  return { inputs: metafile.inputs, ...(await stableSharedNames(options.outDir, outputs)) };
}

/** @throws InputError */
async function bundle<T extends BuildOptions & { metafile: true }>(options: T): Promise<BuildResult<T>> {
  try {
    return await build<T>(options as never);
  } catch (error) {
    if (!(error instanceof Error && 'errors' in error)) throw error;
    const problems = (error as BuildFailure).errors.map(({ text, location }): Problem => {
      if (location === null) return { message: text, code: 'bundle' };
      const at = { file: location.file, line: location.line, column: location.column + 1 };
      return { message: text, at, code: 'bundle' };
    });
    throw new InputError(problems, { cause: error });
  }
}

function settings(options: BundleOptions) {
  return {
    absWorkingDir: options.root,
    outdir: options.outDir,
    plugins: [taskEntry(options.entry)],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // The oldest runtime of the handler Node20_1 that is still met.
    target: 'node20.18',
    minify: true,
    // Errors are named after their class.
    keepNames: true,
    legalComments: 'none',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'shared-[hash]',
    banner: { js: BANNER },
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    logLevel: 'silent',
  } as const satisfies BuildOptions;
}

/** `main.mjs`: the trace translator first, then the task. */
function taskEntry(entry: string): Plugin {
  const traces = resolve(import.meta.dirname, 'entry', 'readable-traces.ts');
  return {
    name: 'task-entry',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^task-entry:main$/ }, () => ({ path: 'main', namespace: 'task-entry' }));
      onLoad({ filter: /.*/, namespace: 'task-entry' }, () => ({
        contents: `import ${JSON.stringify(traces)};\nimport ${JSON.stringify(resolve(entry))};\n`,
        resolveDir: dirname(entry),
      }));
    },
  };
}

/** Names for a lazily imported module, the shortest first; a longer one is for a module whose shorter one is taken. */
function lazyNames(source: string): string[] {
  const bundled = packageOf(source);
  const { dir, name } = parse(source);
  const full = `${dir}/${name}`.replace(/^[./]+/, '').replace(/[^A-Za-z0-9.-]+/g, '-');
  if (bundled === undefined) return [name, `${basename(dir)}-${name}`, full];
  const packageName = bundled.name.replace(/^@/, '').replaceAll('/', '-');
  return [packageName, `${packageName}-${name}`, full];
}

function withFileName<T extends { path: string; external?: boolean }>(imported: T): T {
  return imported.external ? imported : { ...imported, path: basename(imported.path) };
}

/**
 * esbuild names shared files by a hash of their content. Numbers of the same length take its place: the code is one line, and
 * the source maps count its columns.
 */
async function stableSharedNames(
  outDir: string,
  outputs: Record<string, Metafile['outputs'][string]>,
): Promise<Pick<Bundle, 'outputs'>> {
  const hashed = Object.keys(outputs).filter((name) => /^shared-[A-Z0-9]{8}\.mjs$/.test(name));
  const first = (name: string) => Object.keys(outputs[name]?.inputs ?? {}).sort()[0] ?? name;
  hashed.sort((a, b) => (first(a) < first(b) ? -1 : 1));
  const renamed = new Map(
    hashed.map((name, index) => [parse(name).name, `shared-${String(index + 1).padStart(8, '0')}`]),
  );
  const apply = (text: string) => text.replace(/shared-[A-Z0-9]{8}/g, (name) => renamed.get(name) ?? name);
  for (const file of await readdir(outDir)) {
    const path = join(outDir, file);
    await writeFile(path, apply(await readFile(path, 'utf8')));
    if (apply(file) !== file) await rename(path, join(outDir, apply(file)));
  }
  return { outputs: JSON.parse(apply(JSON.stringify(outputs))) };
}

/** A trace names `lib/sync/apply.ts` wherever the package was built and wherever it runs. */
async function nameSourcesFromRoot({ root, outDir }: BundleOptions): Promise<void> {
  for (const file of await readdir(outDir)) {
    if (!file.endsWith('.map')) continue;
    const path = join(outDir, file);
    const map = JSON.parse(await readFile(path, 'utf8')) as { sources: string[] };
    map.sources = map.sources.map((source) =>
      source.startsWith('task-entry:') ? source : relative(root, resolve(outDir, source)).replaceAll('\\', '/'),
    );
    await writeFile(path, JSON.stringify(map));
  }
}

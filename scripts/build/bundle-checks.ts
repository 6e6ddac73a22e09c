import { satisfies } from 'semver';
import type { Problem } from '../../lib/errors.ts';
import type { Bundle } from './bundle.ts';
import { type BundledPackage, packageOf } from './packages.ts';

/** Bytes of `main.mjs` and all it imports statically: what node reads before the first line is printed. */
export const START_LIMIT = 2_000_000;

/** The oldest and the newest runtime that agents start; each bundled package has to accept both. */
export const RUNTIMES = ['20.18.1', '24.0.0'] as const;

/** What must be loaded before the task says its first word. */
export function startFiles(bundle: Bundle): string[] {
  const files = new Set(['main.mjs']);
  for (const file of files) {
    for (const imported of bundle.outputs[file]?.imports ?? []) {
      if (imported.kind === 'import-statement' && !imported.external) files.add(imported.path);
    }
  }
  return [...files];
}

export function checkStartSize(bundle: Bundle, file: string, limit = START_LIMIT): Problem[] {
  const sizes = startFiles(bundle).map((name) => bundle.outputs[name]?.bytes ?? 0);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes <= limit) return [];
  const message = `main.mjs and its static imports have ${bytes} bytes, more than ${limit}; load what is rarely needed by import()`;
  return [{ message, at: { file }, code: 'bundle-size' }];
}

/**
 * A package that stands in a bundle twice has two states: the secret one copy of azure-pipelines-task-lib holds is unknown to
 * the other. Small packages without state come in several versions all the time, so the stateful ones are listed.
 */
const STATEFUL = new Set([
  '@kubernetes/client-node',
  'azure-devops-node-api',
  'azure-pipelines-task-lib',
  'js-yaml',
  'openid-client',
  'typed-rest-client',
  'undici',
]);

export function checkDuplicates(bundle: Bundle, packages: readonly BundledPackage[], file: string): Problem[] {
  const problems: Problem[] = [];
  for (const name of STATEFUL) {
    const copies = packages.filter((bundled) => bundled.name === name);
    const report = (twice: string[]) =>
      problems.push({ message: `${name} is bundled twice: ${twice.join(', ')}`, at: { file }, code: 'bundled-twice' });
    if (copies.length > 1) report(copies.map((copy) => `${copy.version} (${copy.folder})`));
    for (const twins of twoForms(bundle, name)) report(twins);
  }
  return problems;
}

/** A package with an ESM and a CommonJS form is taken twice when one importer says import and another require. */
function twoForms(bundle: Bundle, name: string): string[][] {
  const resolved = new Map<string, Set<string>>();
  for (const { imports } of Object.values(bundle.inputs)) {
    for (const { original, path, external } of imports) {
      if (external || original === undefined || !(original === name || original.startsWith(`${name}/`))) continue;
      // Two folders are two copies, which are told of already.
      const key = `${original} in ${packageOf(path)?.folder}`;
      resolved.set(key, (resolved.get(key) ?? new Set()).add(path));
    }
  }
  return [...resolved.values()].filter((files) => files.size > 1).map((files) => [...files]);
}

/**
 * Packages whose engines ask for a newer Node than they need, each at one version. `test` runs the package's code, as we use it, in a
 * bundle on the oldest Node; another version is refused until somebody has run that test with it and written it here.
 */
export const ENGINE_EXCEPTIONS: readonly EngineException[] = [
  {
    name: '@marcbachmann/cel-js',
    version: '8.0.0',
    engines: '>=20.19.0',
    test: 'test/sync/health-rules/oldest-node.test.ts',
  },
];

export interface EngineException {
  readonly name: string;
  readonly version: string;
  /** What its package.json says. */
  readonly engines: string;
  /** What proves that it runs nevertheless. */
  readonly test: string;
}

export function checkEngines(
  packages: readonly BundledPackage[],
  file: string,
  exceptions: readonly EngineException[] = ENGINE_EXCEPTIONS,
): Problem[] {
  const isExcepted = ({ name, version, node }: BundledPackage) =>
    exceptions.some((one) => one.name === name && one.version === version && one.engines === node);
  return packages.flatMap((bundled) =>
    RUNTIMES.filter(
      (version) => bundled.node !== undefined && !satisfies(version, bundled.node) && !isExcepted(bundled),
    ).map((version) => ({
      message: `${bundled.name} ${bundled.version} does not run on Node ${version}: its engines say ${bundled.node}`,
      at: { file },
      code: 'engines',
    })),
  );
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from './bundle.ts';

/** A package of which at least one byte is in a bundle. */
export interface BundledPackage {
  readonly name: string;
  /** As package-lock.json names it: `node_modules/a` or `node_modules/a/node_modules/b`. */
  readonly folder: string;
  /** Where it is, from the root of the build. */
  readonly path: string;
  readonly version: string;
  /** As package.json says it, usually an SPDX identifier. */
  readonly license?: string;
  /** The range of Node versions that the package accepts. */
  readonly node?: string;
  readonly author?: string;
  readonly repository?: string;
  readonly description?: string;
  /** The package's files in the bundle, from the repository. */
  readonly files: readonly string[];
}

/** Which package a source file belongs to, from its path; undefined for our own files. */
export function packageOf(source: string): Pick<BundledPackage, 'name' | 'folder' | 'path'> | undefined {
  const [path, name] = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? [];
  if (path === undefined || name === undefined) return undefined;
  return { name, folder: path.slice(path.indexOf('node_modules/')), path };
}

/**
 * The packages in some bundles, sorted by folder.
 * @throws when a package's package.json cannot be read.
 */
export function bundledPackages(bundles: readonly Bundle[], root: string): BundledPackage[] {
  const files = new Map<string, Set<string>>();
  for (const output of bundles.flatMap((bundle) => Object.values(bundle.outputs))) {
    for (const [source, { bytesInOutput }] of Object.entries(output.inputs)) {
      const path = packageOf(source)?.path;
      if (path === undefined || bytesInOutput === 0) continue;
      files.set(path, (files.get(path) ?? new Set()).add(source));
    }
  }
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, sources]) => readPackage(root, path, [...sources].sort()));
}

interface PackageJson {
  name: string;
  version: string;
  description?: string;
  license?: string | { type: string };
  author?: string | { name?: string };
  repository?: string | { url?: string };
  engines?: { node?: string };
}

function readPackage(root: string, path: string, files: string[]): BundledPackage {
  const json = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as PackageJson;
  const license = typeof json.license === 'string' ? json.license : json.license?.type;
  const author = typeof json.author === 'string' ? json.author : json.author?.name;
  const repository = typeof json.repository === 'string' ? json.repository : json.repository?.url;
  return {
    name: json.name,
    folder: path.slice(path.indexOf('node_modules/')),
    path,
    version: json.version,
    files,
    ...(license !== undefined && { license }),
    ...(author !== undefined && { author }),
    ...(repository !== undefined && { repository }),
    ...(json.description !== undefined && { description: json.description }),
    ...(json.engines?.node !== undefined && { node: json.engines.node }),
  };
}

import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { Bundle } from '../build/bundle.ts';
import { packageOf } from '../build/packages.ts';
import type { LicensedPackage } from './licenses.ts';

export interface SbomOptions {
  /** What the bill is of. */
  readonly subject: { readonly name: string; readonly version: string };
  readonly packages: readonly LicensedPackage[];
  readonly bundles: readonly Bundle[];
  /** Of package-lock.json: by folder, `integrity` as npm writes it. */
  readonly lock: Readonly<Record<string, { readonly integrity?: string }>>;
}

const ALGORITHMS: Readonly<Record<string, Enums.HashAlgorithm>> = {
  sha1: Enums.HashAlgorithm['SHA-1'],
  sha256: Enums.HashAlgorithm['SHA-256'],
  sha512: Enums.HashAlgorithm['SHA-512'],
};

/**
 * A CycloneDX 1.6 bill of what is in the bundles: version, licence, digest of the npm tarball from the lockfile, and who uses
 * whom. It holds no time and no random number: the same sources give the same bill.
 */
export function sbom(options: SbomOptions): string {
  const subject = new Models.Component(Enums.ComponentType.Application, options.subject.name, {
    version: options.subject.version,
    bomRef: options.subject.name,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense('MIT')]),
  });
  const components = new Map(options.packages.map((bundled) => [bundled.folder, component(bundled, options.lock)]));
  for (const [user, used] of uses(options.bundles)) {
    const from = user === '' ? subject : components.get(user);
    for (const folder of used) {
      const to = components.get(folder);
      if (to !== undefined) from?.dependencies.add(to.bomRef);
    }
  }
  const bom = new Models.Bom({
    metadata: new Models.Metadata({
      component: subject,
      lifecycles: new Models.LifecycleRepository([Enums.LifecyclePhase.Build]),
    }),
    components: new Models.ComponentRepository(components.values()),
  });
  bom.serialNumber = `urn:uuid:${uuidOf([options.subject.version, ...options.packages.map(({ folder, version }) => `${folder}@${version}`)])}`;
  const normalizer = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(normalizer).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function component(bundled: LicensedPackage, lock: SbomOptions['lock']): Models.Component {
  const [, scope, name = bundled.name] = /^(@[^/]+)\/(.+)$/.exec(bundled.name) ?? [];
  const path = scope === undefined ? name : `${encodeURIComponent(scope)}/${name}`;
  return new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: bundled.folder,
    version: bundled.version,
    licenses: new Models.LicenseRepository([new Models.SpdxLicense(bundled.license)]),
    hashes: hashes(lock[bundled.folder]?.integrity),
    purl: `pkg:npm/${path}@${bundled.version}`,
    ...(scope !== undefined && { group: scope }),
    ...(bundled.description !== undefined && { description: bundled.description }),
  });
}

function hashes(integrity: string | undefined): Models.HashDictionary {
  const found = new Models.HashDictionary();
  for (const entry of integrity?.split(/\s+/) ?? []) {
    const [name = '', digest = ''] = entry.split(/-(.*)/s);
    const algorithm = ALGORITHMS[name];
    if (algorithm !== undefined) found.set(algorithm, Buffer.from(digest, 'base64').toString('hex'));
  }
  return found;
}

/** Package folder to the folders of the packages it imports; our own files count as the folder ''. */
function uses(bundles: readonly Bundle[]): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const [source, { imports }] of bundles.flatMap((bundle) => Object.entries(bundle.inputs))) {
    const from = packageOf(source)?.folder ?? '';
    for (const { path, external } of imports) {
      const to = packageOf(path)?.folder;
      if (external || to === undefined || to === from) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  return edges;
}

/** A UUID of version 8 (RFC 9562): its bits are a digest. */
function uuidOf(texts: readonly string[]): string {
  const hex = createHash('sha256').update(texts.join('\n')).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

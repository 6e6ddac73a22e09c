import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InputError } from '../../lib/errors.ts';
import { bundledPackages } from '../build/packages.ts';
import type { BuiltTask } from '../build/task.ts';
import { checkExtension } from './extension-manifest.ts';
import {
  buildNumber,
  checkDevIdentities,
  DEV_IDENTITIES_FILE,
  type DevIdentities,
  devExtension,
  devTask,
} from './identity.ts';
import { withLicenses } from './licenses.ts';
import { thirdPartyNotices } from './notices.ts';
import { sbom } from './sbom.ts';
import { readExtension, stage } from './stage.ts';
import { checkVsix } from './vsix.ts';

export interface PackageOptions {
  readonly root: string;
  readonly tasks: readonly BuiltTask[];
  /** A private package with identities of its own. */
  readonly dev: boolean;
  /** Where the VSIX and the staged files go. */
  readonly outDir: string;
  /** Decides the version of a private package. */
  readonly now: Date;
}

/**
 * Packs the built tasks into `<outDir>/<publisher>.<id>-<version>.vsix` and returns its path.
 * @throws InputError for what the Marketplace would refuse or what does not belong into a package.
 */
export async function packageExtension(options: PackageOptions): Promise<string> {
  const { root, tasks, outDir } = options;
  const manifests = tasks.map((task) => task.manifest);
  const publicExtension = await readExtension(root);
  const identities: DevIdentities = await readJson(join(root, DEV_IDENTITIES_FILE));
  const { version } = await readJson<{ version: string }>(join(root, 'package.json'));
  const { packages: lock } = await readJson<{ packages: Record<string, { integrity?: string }> }>(
    join(root, 'package-lock.json'),
  );
  const problems = [
    ...checkExtension(publicExtension, manifests, version),
    ...checkDevIdentities(identities, publicExtension, manifests),
  ];
  if (problems.length > 0) throw new InputError(problems);

  const build = buildNumber(options.now);
  const extension = options.dev ? devExtension(publicExtension, identities, build) : publicExtension;
  const bundles = tasks.map((task) => task.bundle);
  const packages = withLicenses(bundledPackages(bundles, root), root);
  const folder = join(outDir, options.dev ? 'extension-dev' : 'extension');
  const names = await stage({
    root,
    folder,
    extension,
    tasks,
    manifestOf: (task) => (options.dev ? devTask(task, identities, build) : task),
    texts: {
      'THIRD-PARTY-NOTICES.txt': thirdPartyNotices(packages),
      'sbom.cdx.json': sbom({ subject: { name: extension.id, version: extension.version }, packages, bundles, lock }),
    },
  });
  const vsix = join(outDir, `${extension.publisher}.${extension.id}-${extension.version}.vsix`);
  await rm(vsix, { force: true });
  await tfxCreate(folder, vsix);
  const misfits = await checkVsix(vsix, names);
  if (misfits.length > 0) throw new InputError(misfits);
  return vsix;
}

/** tfx is a program, not a library: run as one, with nothing to ask and no colours. */
async function tfxCreate(folder: string, vsix: string): Promise<void> {
  const program = createRequire(import.meta.url).resolve('tfx-cli');
  const args = ['extension', 'create', '--root', folder, '--manifests', 'vss-extension.json', '--output-path', vsix];
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, [program, ...args, '--no-prompt', '--no-color'], {
    cwd: folder,
  });
  // tfx only warns of most things that the service refuses later.
  const warnings = `${stdout}\n${stderr}`.split('\n').filter((line) => /^\s*(warning|error)/i.test(line));
  if (warnings.length > 0)
    throw new InputError(warnings.map((line) => ({ message: `tfx: ${line.trim()}`, code: 'tfx' })));
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8'));
}

import { readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { gt } from 'semver';
import { InputError } from '../lib/errors.ts';
import { DIGESTS_FILE, type ReleaseDigests } from './build/digest.ts';
import { buildExtension, readDigests } from './build/extension.ts';
import { main } from './build/main.ts';
import { versionText } from './build/task-manifest.ts';
import { packageExtension } from './package/extension.ts';
import { readExtension } from './package/stage.ts';
import { isInChangelog } from './release/version.ts';

/**
 * `npm run release`: packs the public VSIX and writes down what each task's content is under this version. Commit the digests with
 * the release; from then on a build fails when a task changes and keeps its version.
 */
await main(async () => {
  const root = resolve(import.meta.dirname, '..');
  const { version } = await readExtension(root);
  const last = await readDigests(root);
  if (!gt(version, last.extension)) throw new InputError(`${version} is released already; run npm run bump -- patch`);
  if (!isInChangelog(await readFile(join(root, 'CHANGELOG.md'), 'utf8'), version)) {
    throw new InputError({ message: `has no heading '## [${version}] - <date>'`, at: { file: 'CHANGELOG.md' } });
  }
  const tasks = await buildExtension(root, console.log);
  const vsix = await packageExtension({ root, tasks, dev: false, outDir: join(root, 'dist'), now: new Date() });
  const digests: ReleaseDigests = {
    extension: version,
    tasks: Object.fromEntries(
      tasks.map(({ manifest, digest }) => [manifest.name, { version: versionText(manifest.version), digest }]),
    ),
  };
  await writeFile(join(root, DIGESTS_FILE), `${JSON.stringify(digests, null, 2)}\n`);
  console.log(`Commit ${DIGESTS_FILE}, tag the commit v${version} and publish ${relative(process.cwd(), vsix)}`);
});

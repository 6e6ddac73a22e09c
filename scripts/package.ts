import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildExtension } from './build/extension.ts';
import { main } from './build/main.ts';
import { packageExtension } from './package/extension.ts';

/**
 * `npm run package`: the VSIX, in dist. `-- --dev` makes a private one that can live beside the public one.
 * The last line printed is the path of the VSIX.
 */
await main(async () => {
  const root = resolve(import.meta.dirname, '..');
  const { values } = parseArgs({ options: { dev: { type: 'boolean', default: false } } });
  const tasks = await buildExtension(root, console.log);
  const vsix = await packageExtension({ root, tasks, dev: values.dev, outDir: join(root, 'dist'), now: new Date() });
  console.log(relative(process.cwd(), vsix));
});

import { resolve } from 'node:path';
import { buildExtension } from './build/extension.ts';
import { main } from './build/main.ts';

/** `npm run build`: every task, bundled and checked, in dist/tasks. */
await main(async () => {
  await buildExtension(resolve(import.meta.dirname, '..'), console.log);
});

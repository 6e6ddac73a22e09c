import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { main } from './build/main.ts';
import { generatedPages } from './docs/pages.ts';

/** `npm run docs`: writes the generated sections of the pages in docs. */
await main(async () => {
  const root = resolve(import.meta.dirname, '..');
  for (const { file, fill } of generatedPages(root)) {
    const path = join(root, file);
    await writeFile(path, fill(await readFile(path, 'utf8')));
  }
});

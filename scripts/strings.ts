import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { main } from './build/main.ts';
import { STRINGS_FILE, stringsOf } from './build/strings.ts';
import { taskFolders } from './build/task.ts';
import { readTaskManifest, type TaskManifest } from './build/task-manifest.ts';

/** `npm run strings`: writes each task's English texts from its task.json. */
await main(async () => {
  for (const folder of await taskFolders(resolve(import.meta.dirname, '..'))) {
    const file = join(folder, STRINGS_FILE);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, stringsOf(readTaskManifest(join(folder, 'task.json')) as TaskManifest));
  }
});

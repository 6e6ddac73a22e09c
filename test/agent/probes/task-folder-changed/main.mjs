import { writeFileSync } from 'node:fs';

writeFileSync(new URL('./cache.json', import.meta.url), '{}\n');

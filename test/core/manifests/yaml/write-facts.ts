/** Writes what Kubernetes' library answers for the samples: `npx tsx test/core/manifests/yaml/write-facts.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askKubernetes } from './kubernetes-yaml.ts';
import { samples } from './samples.ts';

const answers = await askKubernetes(samples);
const rows = samples.map((yaml, index) => `  ${JSON.stringify({ yaml, ...answers[index] })}`);
writeFileSync(join(import.meta.dirname, '../facts/kubernetes-yaml.json'), `[\n${rows.join(',\n')}\n]\n`);

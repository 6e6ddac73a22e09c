import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { glob } from 'tinyglobby';
import { stageOf } from '../../lib/core/objects/kind-order.ts';
import { outcomes } from '../../lib/core/plan/result.ts';
import { protectedKinds } from '../../lib/sync/prune-guards.ts';
import { inputTables } from '../../scripts/docs/inputs.ts';
import { generatedPages } from '../../scripts/docs/pages.ts';
import { fillSection } from '../../scripts/docs/section.ts';
import { probeManifest } from './support.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFile(join(root, file), 'utf8');

/** Source text with the marks of strings taken out, so that a message in it reads as it is printed. */
function asText(source: string): string {
  return source
    .replaceAll('\\`', '')
    .replaceAll("\\'", "'")
    .replace(/['"`]\s*\+\s*['"`]/g, '')
    .replace(/\s+/g, ' ');
}

describe('the pages in docs', () => {
  for (const { file, fill } of generatedPages(root)) {
    it(`${file} has the inputs and lists that the product declares; npm run docs writes them`, async () => {
      const page = await read(file);
      assert.equal(page, fill(page));
    });
  }

  it('tell every outcome and the task result that it has', async () => {
    const page = await read('docs/gitops-sync.md');
    const section = page.split('\n## Outcomes\n')[1]?.split('\n## ')[0] ?? '';
    const rows = [...section.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, outcome, result]) => [outcome, result]);
    assert.deepEqual(new Map(rows as [string, string][]), new Map(Object.entries(outcomes)));
  });

  it('quote only messages that the code has', async () => {
    const sources = await Promise.all((await glob('lib/**/*.ts', { cwd: root })).sort().map(read));
    const code = asText(sources.join('\n'));
    const page = await read('docs/troubleshooting.md');
    const quotes = [...page.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]*)`/g)].map(([, quote = '']) => quote),
    );
    assert.ok(quotes.length > 50);
    const parts = quotes.flatMap((quote) =>
      quote.split('...').map((part) => part.replace(/^[\s'"():;,]+|[\s'"():;,]+$/g, '')),
    );
    // Shorter ones are everywhere.
    const invented = parts.filter((part) => part.length > 5 && !code.includes(part));
    assert.deepEqual(invented, []);
  });

  it('name every output variable of the task', async () => {
    const page = await read('docs/gitops-sync.md');
    const task = JSON.parse(await read('tasks/GitOpsSync/task.json')) as { outputVariables: { name: string }[] };
    const told = /\*\*Output variables\*\*:([\s\S]*?)\n\n/.exec(page)?.[1] ?? '';
    for (const { name } of task.outputVariables) assert.ok(told.includes(`\`${name}\``), name);
  });

  it('name every kind that prune protects', async () => {
    const page = await read('docs/gitops-sync.md');
    const told = /its kind is not protected([^;]*);/.exec(page)?.[1] ?? '';
    for (const kind of protectedKinds) assert.ok(told.includes(kind), kind);
  });

  it('list the stages in the order in which kinds are applied', async () => {
    const page = await read('docs/gitops-sync.md');
    const section = page.split('\n## Order\n')[1]?.split('\n## ')[0] ?? '';
    const stages = [...section.matchAll(/^\d+\. (.*)$/gm)].map(([, text]) => text ?? '');
    const examples: [number, string, string][] = [
      [0, '', 'Namespace'],
      [1, 'apiextensions.k8s.io', 'CustomResourceDefinition'],
      [2, 'rbac.authorization.k8s.io', 'ClusterRole'],
      [4, '', 'ConfigMap'],
      [6, 'apps', 'Deployment'],
      [7, 'networking.k8s.io', 'Ingress'],
      [8, 'apiregistration.k8s.io', 'APIService'],
    ];
    const names = examples.map(([, group, kind]) => stageOf({ group, kind }));
    assert.equal(new Set(names).size, names.length);
    for (const [index, , kind] of examples) assert.ok(stages[index]?.includes(kind), `${kind} in stage ${index + 1}`);
  });
});

describe('a generated section', () => {
  it('is put between its marks, which stay', () => {
    const page = 'a\n<!-- x: begin, by npm run docs -->\nold\n<!-- x: end -->\nb';
    const filled = 'a\n<!-- x: begin, by npm run docs -->\n\nnew\n\n<!-- x: end -->\nb';
    assert.equal(fillSection(page, 'x', 'new\n'), filled);
    assert.equal(fillSection(filled, 'x', 'new\n'), filled);
  });

  it('needs its marks', () => {
    assert.throws(() => fillSection('a', 'x', 'new'), /<!-- x: begin -->/);
    assert.throws(() => fillSection('<!-- x: end --><!-- x: begin -->', 'x', 'new'), /once each/);
  });

  it('tells of an input its default, its other names, when it is shown, and what help text leaves out', () => {
    const probe = probeManifest();
    const [mode] = probe.inputs;
    assert.ok(mode);
    const input = {
      ...mode,
      name: 'path',
      defaultValue: '',
      required: true,
      aliases: ['folder'],
      helpMarkDown: 'One | two.',
      visibleRule: 'mode = fast || mode = slow || kind = x',
      options: { fast: 'fast', slow: 'slow' },
    };
    const { groupName: _all, ...general } = input;
    assert.equal(
      inputTables({ ...probe, groups: [], inputs: [general] }),
      [
        '### General',
        '',
        '| input | default | when | meaning |',
        '| --- | --- | --- | --- |',
        '| `path`<br>also `folder` | *required* | `mode` fast, slow or `kind` x | One \\| two. Values: `fast`, `slow`. |',
      ].join('\n'),
    );
  });
});

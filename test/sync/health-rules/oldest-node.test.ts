import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { bundleTask } from '../../../scripts/build/bundle.ts';
import { runtimes } from '../../../scripts/build/load-check.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Its package.json asks for Node 20.19, and agents bring 20.18: see ENGINE_EXCEPTIONS in scripts/build/bundle-checks.ts. */
describe('the engine of health rules in a bundle', function () {
  this.timeout(30_000);
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cel-'));
    await bundleTask({ root, entry: join(import.meta.dirname, 'probe-process.ts'), outDir: folder });
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const { label, program } of [...runtimes(root).present, { label: 'this Node', program: process.execPath }]) {
    it(`runs on ${label} with every function, and can be stopped there`, async () => {
      const { stdout, stderr } = await promisify(execFile)(program, [join(folder, 'main.mjs')]);
      assert.equal(stderr, '');
      assert.deepEqual(JSON.parse(stdout), {
        expressions: 14,
        wrong: [],
        differs: [],
        stopped: { error: 'It took longer than 200 ms' },
      });
    });
  }
});

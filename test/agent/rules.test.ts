import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { HarnessViolation, type RuleName, type RunOptions, rules, runTask } from './index.ts';
import { useTempFolder } from './temp-folder.ts';

const probes = fileURLToPath(new URL('./probes/', import.meta.url));

describe('The rules of the agent harness', () => {
  const temp = useTempFolder();

  it('each have a probe task that breaks them, and there is no other probe', async () => {
    const names = rules.map((rule) => rule.name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual((await readdir(probes)).sort(), names.sort());
  });

  for (const rule of rules) {
    describe(rule.name, () => {
      const run = async (without: readonly string[]) => {
        const folder = path.join(probes, rule.name);
        const text = await readFile(path.join(folder, 'run.json'), 'utf8').catch(() => '{}');
        return runTask({
          ...(JSON.parse(text) as RunOptions),
          taskFolder: folder,
          outputDirectory: path.join(temp.folder, 'output'),
          without: without as RuleName[],
        });
      };

      it(`holds: ${rule.description}`, async () => {
        await assert.rejects(run([]), (error: unknown) => {
          assert.ok(error instanceof HarnessViolation, String(error));
          assert.deepEqual([...new Set(error.run.violations.map((violation) => violation.rule))], [rule.name]);
          assert.match(error.message, new RegExp(`- ${rule.name}: .{10}`));
          return true;
        });
      });

      it('is what fails the probe: without it the run passes', async () => {
        assert.deepEqual((await run([rule.name])).violations, []);
      });
    });
  }
});

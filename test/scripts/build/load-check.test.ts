import assert from 'node:assert/strict';
import { checkLoads, runtimes } from '../../../scripts/build/load-check.ts';
import { skipBecause } from '../../../scripts/test/skip-because.ts';
import { REPOSITORY, tempFolder } from '../support.ts';

const GOOD = "console.log('##vso[task.complete result=Failed;]no input');";

describe('The load check', function () {
  this.timeout(30_000);
  const { present, missing } = runtimes(REPOSITORY);

  before(function () {
    if (missing.length > 0)
      skipBecause(this, `there is no package of ${missing.join(' and ')} for ${process.platform}`);
  });

  async function check(files: Record<string, string>, lazyFiles: string[] = [], timeoutMs = 10_000): Promise<string[]> {
    const { folder, remove } = tempFolder(files);
    try {
      const results = await Promise.all(
        present.map((runtime) => checkLoads({ runtime, folder, lazyFiles, file: 'tasks/X', timeoutMs })),
      );
      return results.flat().map(({ message }) => message);
    } finally {
      remove();
    }
  }

  it('passes a task that fails by itself for lack of inputs', async () => {
    assert.deepEqual(await check({ 'main.mjs': GOOD }), []);
  });

  it('finds a bundle that needs what Node 20.18.1 does not have', async () => {
    const problems = await check({
      'main.mjs': `import { createZstdDecompress } from 'node:zlib'; createZstdDecompress(); ${GOOD}`,
    });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^Node 20\.18\.1: main\.mjs does not come up[\s\S]*createZstdDecompress/);
  });

  it('finds a lazily loaded file that needs what Node 20.18.1 does not have', async () => {
    const problems = await check({ 'main.mjs': GOOD, 'lazy.mjs': "import 'node:sqlite';" }, ['lazy.mjs']);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^Node 20\.18\.1: lazy\.mjs does not load[\s\S]*node:sqlite/);
  });

  it('finds a bundle that asks for a package which is not in it', async () => {
    const problems = await check({ 'main.mjs': "await import('undici');" });
    assert.equal(problems.length, 2);
    for (const problem of problems) assert.match(problem, /undici/);
  });

  it('finds a task that ends without a result', async () => {
    assert.equal((await check({ 'main.mjs': 'process.exitCode = 0;' })).length, 2);
  });

  it('finds a task that does not end', async () => {
    const problems = await check({ 'main.mjs': `${GOOD} setInterval(() => {}, 1000);` }, [], 1000);
    assert.equal(problems.length, 2);
    for (const problem of problems) assert.match(problem, /killed after 1 s/);
  });
});

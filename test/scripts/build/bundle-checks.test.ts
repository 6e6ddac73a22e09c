import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleTask } from '../../../scripts/build/bundle.ts';
import {
  checkDuplicates,
  checkEngines,
  checkStartSize,
  ENGINE_EXCEPTIONS,
  startFiles,
} from '../../../scripts/build/bundle-checks.ts';
import { bundledPackages } from '../../../scripts/build/packages.ts';
import { fakePackage, tempFolder } from '../support.ts';

async function bundled<T>(
  files: Record<string, string>,
  look: (bundle: Awaited<ReturnType<typeof bundleTask>>, folder: string) => T,
) {
  const { folder, remove } = tempFolder({ 'package.json': '{"type":"module"}', ...files });
  try {
    return look(
      await bundleTask({ root: folder, entry: join(folder, 'main.ts'), outDir: join(folder, 'out') }),
      folder,
    );
  } finally {
    remove();
  }
}

const duplicates = (files: Record<string, string>) =>
  bundled(files, (bundle, folder) =>
    checkDuplicates(bundle, bundledPackages([bundle], folder), 'tasks/X').map(({ message }) => message),
  );

describe('A bundle', () => {
  it('must not hold a package with state in two versions', async () => {
    const problems = await duplicates({
      'main.ts': "import a from 'azure-pipelines-task-lib'; import b from 'helper'; console.log(a, b);",
      ...fakePackage('azure-pipelines-task-lib', {}, { 'index.js': 'module.exports = { vault: {} };' }),
      ...fakePackage('helper', {}, { 'index.js': "module.exports = require('azure-pipelines-task-lib');" }),
      ...fakePackage(
        'helper/node_modules/azure-pipelines-task-lib',
        { version: '4.0.0' },
        { 'index.js': 'module.exports = { vault: [] };' },
      ),
    });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^azure-pipelines-task-lib is bundled twice: /);
    assert.match(problems[0] ?? '', /1\.0\.0 \(node_modules\/azure-pipelines-task-lib\)/);
    assert.match(problems[0] ?? '', /4\.0\.0 \(node_modules\/helper\/node_modules\/azure-pipelines-task-lib\)/);
  });

  it('must not hold the ESM and the CommonJS form of a package with state', async () => {
    const problems = await duplicates({
      'main.ts': "import { state } from 'undici'; import b from 'helper'; console.log(state, b);",
      ...fakePackage(
        'undici',
        { exports: { import: './index.mjs', require: './index.cjs' } },
        { 'index.mjs': 'export const state = {};', 'index.cjs': 'exports.state = {};' },
      ),
      ...fakePackage('helper', {}, { 'index.js': "module.exports = require('undici');" }),
    });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^undici is bundled twice: .*index\.(mjs|cjs), .*index\.(mjs|cjs)$/);
  });

  it('may hold a package without state twice', async () => {
    const problems = await duplicates({
      'main.ts': "import a from 'pure'; import b from 'helper'; console.log(a, b);",
      ...fakePackage('pure', {}, { 'index.js': 'module.exports = 1;' }),
      ...fakePackage('helper', {}, { 'index.js': "module.exports = require('pure');" }),
      ...fakePackage('helper/node_modules/pure', {}, { 'index.js': 'module.exports = 2;' }),
    });
    assert.deepEqual(problems, []);
  });

  it('must not hold a package that refuses Node 20.18.1', async () => {
    const problems = await bundled(
      {
        'main.ts': "import a from 'modern'; import b from 'careful'; console.log(a, b);",
        ...fakePackage('modern', { engines: { node: '>=22.19.0' } }, { 'index.js': 'module.exports = 1;' }),
        ...fakePackage('careful', { engines: { node: '^20.18.1 || >=22' } }, { 'index.js': 'module.exports = 2;' }),
      },
      (bundle, folder) => checkEngines(bundledPackages([bundle], folder), 'tasks/X'),
    );
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['modern 1.0.0 does not run on Node 20.18.1: its engines say >=22.19.0'],
    );
  });

  it('lets a package pass that was proven to run on an older Node, at that version and with those engines only', () => {
    const exceptions = [{ name: 'modest', version: '1.0.0', engines: '>=22', test: 'modest.test.ts' }];
    const modest = (version: string, node: string) =>
      checkEngines([{ name: 'modest', folder: 'm', path: 'm', files: [], version, node }], 'tasks/X', exceptions)
        .length;
    assert.deepEqual([modest('1.0.0', '>=22'), modest('1.0.1', '>=22'), modest('1.0.0', '>=23')], [0, 1, 1]);
  });

  it('makes no exception that is not needed, or not proven', () => {
    for (const { name, version, engines, test } of ENGINE_EXCEPTIONS) {
      const root = join(import.meta.dirname, '..', '..', '..');
      const json = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
      assert.deepEqual({ version: json.version, engines: json.engines.node }, { version, engines });
      assert.ok(existsSync(join(root, test)), test);
    }
  });

  it('names what is imported lazily after its file or package, and longer where a name is taken', async () => {
    const files = {
      'main.ts':
        "for (const load of [() => import('./a/load.ts'), () => import('./b/load.ts'), () => import('@x/y'), () => import('@x/y/more.js')]) await load();",
      'a/load.ts': 'console.log(1);',
      'b/load.ts': 'console.log(2);',
      ...fakePackage('@x/y', { type: 'module' }, { 'index.js': 'console.log(3);', 'more.js': 'console.log(4);' }),
    };
    await bundled(files, (bundle) => {
      const names = Object.keys(bundle.outputs).filter((name) => name.endsWith('.mjs'));
      assert.deepEqual(names.sort(), ['b-load.mjs', 'load.mjs', 'main.mjs', 'x-y-more.mjs', 'x-y.mjs']);
    });
  });

  it('counts what is loaded at the start against the limit, and not what is imported lazily', async () => {
    const files = {
      'main.ts':
        "import { small } from './small.ts'; const { big } = await import('./big.ts'); console.log(small, big);",
      'small.ts': `export const small = '${'s'.repeat(1000)}';`,
      'big.ts': `import { small } from './small.ts'; export const big = small + '${'b'.repeat(5000)}';`,
    };
    await bundled(files, (bundle) => {
      assert.deepEqual(startFiles(bundle), ['main.mjs', 'shared-00000001.mjs']);
      assert.deepEqual(
        Object.keys(bundle.outputs)
          .filter((name) => name.endsWith('.mjs'))
          .sort(),
        ['big.mjs', 'main.mjs', 'shared-00000001.mjs'],
      );
      const bytes = (bundle.outputs['main.mjs']?.bytes ?? 0) + (bundle.outputs['shared-00000001.mjs']?.bytes ?? 0);
      assert.ok(bytes > 1000 && bytes < 5000, `${bytes} bytes`);
      assert.deepEqual(checkStartSize(bundle, 'tasks/X', bytes), []);
      assert.match(
        checkStartSize(bundle, 'tasks/X', bytes - 1)[0]?.message ?? '',
        /load what is rarely needed by import\(\)/,
      );
    });
  });
});

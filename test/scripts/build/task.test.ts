import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { glob } from 'tinyglobby';
import { InputError } from '../../../lib/errors.ts';
import { checkIdentities } from '../../../scripts/build/extension.ts';
import { runtimes } from '../../../scripts/build/load-check.ts';
import { STRINGS_FILE, stringsOf } from '../../../scripts/build/strings.ts';
import { type BuiltTask, buildTask, checkedManifest } from '../../../scripts/build/task.ts';
import {
  builtProbe,
  NOTHING_RELEASED,
  PROBE_PROJECT,
  PROBE_TASK,
  probeManifest,
  REPOSITORY,
  tempFolder,
} from '../support.ts';

describe('Building a task', function () {
  // Bundles the Kubernetes client and starts it on two runtimes.
  this.timeout(40_000);
  const { folder: out, remove } = tempFolder();
  const { present } = runtimes(REPOSITORY);
  let built: BuiltTask;

  before(async () => {
    built = await builtProbe();
  });

  after(remove);

  it('leaves the bundle, its source maps, task.json, icon, texts and the declared data files, and nothing else', async () => {
    assert.deepEqual((await glob('**', { cwd: built.folder, dot: true })).sort(), [
      STRINGS_FILE,
      'icon.png',
      'kubernetes-client-node.mjs',
      'kubernetes-client-node.mjs.map',
      'main.mjs',
      'main.mjs.map',
      'schemas/probe.json',
      'shared-00000001.mjs',
      'shared-00000001.mjs.map',
      'task.json',
    ]);
  });

  it('gives the same files for the same sources', async () => {
    const again = await buildTask({
      root: PROBE_PROJECT,
      source: PROBE_TASK,
      outDir: join(out, 'Again'),
      runtimes: [],
      released: NOTHING_RELEASED,
    });
    assert.equal(again.digest, built.digest);
  });

  it('names no folder of the machine it was built on', async () => {
    for (const file of await glob('**', { cwd: built.folder, absolute: true })) {
      const text = readFileSync(file, 'utf8');
      assert.ok(!text.includes(REPOSITORY) && !text.includes(out), file);
    }
  });

  it('keeps the Kubernetes client out of what is read at the start', () => {
    const start = Object.keys(built.bundle.outputs['main.mjs']?.inputs ?? {});
    assert.ok(start.some((file) => file.includes('azure-pipelines-task-lib')));
    assert.ok(!start.some((file) => file.includes('@kubernetes')));
  });

  for (const { label, program } of present) {
    it(`gives a bundle that works on ${label}, also what it loads lazily`, async () => {
      const { stdout } = await runTask(program, { INPUT_DOCUMENT: 'a: 1', INPUT_DEEP: 'true' });
      assert.match(stdout, /##vso\[task\.complete result=Succeeded;\]a KubeConfig/);
    });

    it(`gives traces on ${label} that name the source file and its line`, async () => {
      const { stdout } = await runTask(program, { INPUT_DOCUMENT: 'throw', INPUT_DEEP: 'false' });
      const source = readFileSync(join(PROBE_TASK, 'main.ts'), 'utf8').split('\n');
      const line = source.findIndex((text) => text.includes('new ProbeError')) + 1;
      assert.match(stdout, new RegExp(`thrown on request%0A {4}at probe \\(tasks/ProbeTask/main\\.ts:${line}:\\d+\\)`));
      assert.match(stdout, /ProbeError/, 'classes keep their names');
    });
  }

  function runTask(program: string, inputs: Record<string, string>) {
    const env = { PATH: process.env['PATH'], AGENT_TEMPDIRECTORY: out, ...inputs };
    return promisify(execFile)(program, [join(built.folder, 'main.mjs')], { cwd: out, env });
  }

  it('fails when the content of a released version changed', async () => {
    const released = { extension: '1.0.0', tasks: { ProbeTask: { version: '1.2.3', digest: 'sha256:other' } } };
    await assert.rejects(
      buildTask({ root: PROBE_PROJECT, source: PROBE_TASK, outDir: join(out, 'Released'), runtimes: [], released }),
      (error) => error instanceof InputError && /the task changed since 1\.2\.3 was released/.test(error.message),
    );
  });
});

describe('A task folder', () => {
  /** The problems of a copy of the probe task after a change. */
  async function problemsAfter(change: (folder: string) => void, build = false): Promise<string> {
    const { folder, remove } = tempFolder({ 'schemas/probe.json': '{}' });
    const source = join(folder, 'tasks', 'ProbeTask');
    try {
      cpSync(PROBE_TASK, source, { recursive: true });
      change(source);
      if (build) {
        const outDir = join(folder, 'out');
        await buildTask({ root: folder, source, outDir, runtimes: [], released: NOTHING_RELEASED });
      } else await checkedManifest(source, 'tasks/ProbeTask');
      return '';
    } catch (error) {
      if (error instanceof InputError) return error.message;
      throw error;
    } finally {
      remove();
    }
  }

  it('passes as it is', async () => assert.equal(await problemsAfter(() => {}), ''));

  it('needs an icon of 32x32 pixels', async () => {
    const large = join(REPOSITORY, 'images', 'icon.png');
    assert.match(
      await problemsAfter((folder) => cpSync(large, join(folder, 'icon.png'))),
      /icon\.png: is 128x128 pixels, must be 32x32/,
    );
  });

  it('needs an icon that is a PNG file', async () => {
    assert.match(
      await problemsAfter((folder) => writeFileSync(join(folder, 'icon.png'), '<svg/>')),
      /icon\.png: is not a PNG file/,
    );
  });

  it('needs texts that say what task.json says', async () => {
    const stale = (folder: string) =>
      writeFileSync(join(folder, STRINGS_FILE), stringsOf({ ...probeManifest(), friendlyName: 'Old' }));
    assert.match(
      await problemsAfter(stale),
      /resources\.resjson: does not say what task\.json says; run: npm run strings/,
    );
  });

  it('needs the file that its handlers start', async () => {
    const other = (folder: string) => {
      const text = readFileSync(join(folder, 'task.json'), 'utf8').replaceAll('main.mjs', 'index.mjs');
      writeFileSync(join(folder, 'task.json'), text);
      writeFileSync(join(folder, 'main.ts'), 'console.log(1);');
    };
    assert.match(await problemsAfter(other, true), /there is no file index\.mjs to start/);
  });

  it('needs imports that lead somewhere', async () => {
    const lost = (folder: string) => writeFileSync(join(folder, 'main.ts'), "\nimport './nowhere.ts';\n");
    assert.match(
      await problemsAfter(lost, true),
      /^tasks\/ProbeTask\/main\.ts:2:8: Could not resolve "\.\/nowhere\.ts"$/,
    );
  });

  it('declares only data files that stay inside', async () => {
    const outside = (folder: string) =>
      writeFileSync(join(folder, 'package-files.json'), '{"files":[{"from":"../../etc/passwd","to":"x"}]}');
    await assert.rejects(
      problemsAfter((folder) => {
        outside(folder);
        writeFileSync(join(folder, 'main.ts'), 'console.log(1);');
      }, true),
      /leaves the repository or the package/,
    );
  });

  it('shares its id and names with no other task', () => {
    const manifest = probeManifest();
    const twin = { ...manifest, name: 'PROBETASK', friendlyName: 'Other' };
    assert.deepEqual(
      checkIdentities([{ manifest }, { manifest: twin }]).map(({ message }) => message),
      [`two tasks have the id '${manifest.id}'`, "two tasks have the name 'probetask'"],
    );
  });
});

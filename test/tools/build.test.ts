import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buildGo, cacheFolder } from './build.ts';
import { withLock } from './lock.ts';

const quiet = () => undefined;
const program = { name: 'hello', package: './hello' } as const;

describe('Building a Go program for tests', function () {
  this.timeout(60_000);
  let folder: string;
  let directory: string;
  const names = ['PATH', 'XDG_CACHE_HOME', 'GOCACHE'];
  const environment = names.map((name) => [name, process.env[name]] as const);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'build-test-'));
    // Go's own cache stays where it is: a new one would have the standard library compiled again.
    process.env['GOCACHE'] = execFileSync('go', ['env', 'GOCACHE'], { encoding: 'utf8' }).trim();
    process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
    directory = join(folder, 'module');
    await mkdir(join(directory, 'hello'), { recursive: true });
    await writeFile(join(directory, 'go.mod'), 'module example.test/hello\n\ngo 1.26.0\n');
    await writeFile(join(directory, 'go.sum'), '');
    await source('"one"');
  });
  afterEach(async () => {
    for (const [name, value] of environment) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(folder, { recursive: true, force: true });
  });

  const source = (text: string) =>
    writeFile(
      join(directory, 'hello', 'main.go'),
      `package main\n\nvar stamp = "none"\n\nfunc main() { println(${text}, stamp) }\n`,
    );
  const build = async (ldflags?: string) =>
    (await buildGo({ directory, takes: 'a moment', say: quiet, ...(ldflags && { ldflags }) }, [program])).hello;
  const said = (binary: string) => spawnSync(binary, { encoding: 'utf8' }).stderr.trim();

  it('builds it once, and again when its source or its stamps change', async () => {
    const first = await build();
    assert.equal(await build(), first);
    await source('"two"');
    const second = await build();
    const third = await build('-X main.stamp=v3');
    assert.equal(new Set([first, second, third]).size, 3);
    assert.deepEqual([first, second, third].map(said), ['one none', 'two none', 'two v3']);
    assert.equal((await readdir(cacheFolder())).length, 3, 'nothing but the three builds is left in the cache');
  });

  it('removes what a killed build left, and builds that nobody has used for a month', async () => {
    const old = await build();
    const monthAgo = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
    await utimes(join(old, '..'), monthAgo, monthAgo);
    await mkdir(join(cacheFolder(), '.tmp-killed'));
    await source('"two"');
    await build();
    assert.ok(!existsSync(old));
    assert.ok(!existsSync(join(cacheFolder(), '.tmp-killed')));
  });

  it('says what the compiler said, and keeps nothing of a build that failed', async () => {
    await source('nonsense');
    await assert.rejects(build(), /Building hello failed[\s\S]*undefined: nonsense/);
    assert.deepEqual(await readdir(cacheFolder()), []);
  });

  it('says which Go to install when there is none', async () => {
    process.env['PATH'] = folder;
    await assert.rejects(build(), /no `go` is on the PATH\. Install Go 1\.26 or later \(https:\/\/go\.dev\/dl\)/);
  });

  it('says which Go to install when the one on the PATH is too old', async () => {
    const old = join(folder, 'go');
    await writeFile(old, '#!/bin/sh\necho "go: go.mod requires go >= 1.26.0 (running go 1.22.1)" >&2\nexit 1\n');
    await chmod(old, 0o755);
    process.env['PATH'] = folder + delimiter + process.env['PATH'];
    await assert.rejects(build(), /requires go >= 1\.26\.0 \(running go 1\.22\.1\)\nInstall Go 1\.26 or later/);
  });
});

describe('The lock around builds', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lock-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('lets one in at a time', async () => {
    const file = join(folder, 'lock');
    let inside = 0;
    const enter = () =>
      withLock(file, 'the other test', quiet, async () => {
        inside++;
        assert.equal(inside, 1);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      });
    await Promise.all([enter(), enter()]);
    assert.ok(!existsSync(file));
  });

  it('is taken over from a process that has died', async () => {
    const file = join(folder, 'lock');
    const dead = execFileSync(process.execPath, ['-p', 'JSON.stringify({pid:process.pid,host:os.hostname()})']);
    await writeFile(file, dead);
    assert.equal(await withLock(file, 'nobody', quiet, async () => 'in'), 'in');
  });
});

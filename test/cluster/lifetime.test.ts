import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { skipBecause } from '../../scripts/test/skip-because.ts';
import { readRecord, sweepAbandoned } from './directories.ts';
import { type Cluster, runningCluster, startCluster } from './index.ts';

/** Command lines of this machine's processes that mention a text (Linux). */
function processesOf(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text))
    .map((line) => line.split('\0').slice(0, 5).join(' '));
}

async function until(what: string, done: () => boolean, withinMs = 15_000): Promise<void> {
  for (const end = Date.now() + withinMs; !done(); await delay(50)) assert.ok(Date.now() < end, `waited for ${what}`);
}

describe("A test cluster of one's own", function () {
  this.timeout(120_000);
  let first: Cluster;

  before(async function () {
    this.timeout(15 * 60_000);
    first = await startCluster({ audit: true });
  });
  after(() => first?.stop());

  it('runs beside another, and leaves no process and no file when it is stopped', async () => {
    const second = await startCluster();
    const [one, two] = [first.client(), second.client()];
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'only-here' } };
    await two.create('/api/v1/namespaces/default/configmaps', map);
    assert.equal(await one.find('/api/v1/namespaces/default/configmaps/only-here'), undefined);
    await Promise.all([one.close(), two.close()]);
    await second.stop();
    assert.deepEqual(processesOf(second.name), []);
    assert.ok(!existsSync(dirname(second.kubeconfig)));
  });

  it('writes an audit log from which a test counts requests', async () => {
    const client = first.client();
    await client.find('/api/v1/namespaces/default/configmaps/counted');
    await client.find('/api/v1/namespaces/default/configmaps/counted');
    await client.close();
    const lines = readFileSync(first.auditLog ?? '', 'utf8')
      .trim()
      .split('\n');
    const requests = lines.map((line) => JSON.parse(line) as { requestURI: string; user: { username: string } });
    const counted = requests.filter((one) => one.requestURI.endsWith('/configmaps/counted'));
    assert.deepEqual(
      counted.map((one) => one.user.username),
      ['admin', 'admin'],
    );
  });

  it('refuses connections while its API server is stopped, and knows everything after its restart', async () => {
    const client = first.client();
    const path = '/api/v1/namespaces/default/configmaps';
    await client.create(path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' } });
    await first.stopApiServer();
    await assert.rejects(client.get(`${path}/kept`));
    await first.startApiServer();
    assert.equal((await client.get(`${path}/kept`)).metadata?.name, 'kept');
    await client.close();
  });

  it('says which program did not start, with the end of its log', async () => {
    await assert.rejects(
      startCluster({ apiServerArguments: ['--no-such-flag'] }),
      /did not start: kube-apiserver ended with 1\. Its log ends:\n[\s\S]*unknown flag: --no-such-flag/,
    );
  });

  it('ends with the process that started it, also when that one is killed', async function () {
    if (process.platform !== 'linux') skipBecause(this, 'the end of a parent is told to its children on Linux only');
    const script = `import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))})
      .then(({ startCluster }) => startCluster())
      .then((cluster) => { console.log(cluster.kubeconfig); setInterval(() => {}, 1000); });`;
    const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: join(import.meta.dirname, '..', '..'),
    });
    const kubeconfig = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (text: Buffer) => resolve(text.toString().trim()));
      child.once('exit', (code) => reject(new Error(`the process that starts a cluster ended with ${code}`)));
    });
    const folder = dirname(kubeconfig);
    assert.equal(readRecord(folder)?.owner, child.pid);
    assert.ok(processesOf(folder).length >= 5);
    child.kill('SIGKILL');
    await until('its processes to end', () => processesOf(folder).length === 0);
    sweepAbandoned(); // as the next start does
    assert.ok(!existsSync(folder), `${basename(folder)} is swept`);
  });

  it('takes a program down with its supervisor', async function () {
    if (process.platform !== 'linux') skipBecause(this, 'the end of a parent is told to its children on Linux only');
    const cluster = await startCluster();
    const folder = dirname(cluster.kubeconfig);
    for (const pid of readRecord(folder)?.processes ?? []) process.kill(pid, 'SIGKILL');
    await until('its processes to end', () => processesOf(folder).length === 0);
    await cluster.stop();
    assert.ok(!existsSync(folder));
  });
});

describe('npm run cluster', function () {
  this.timeout(120_000);
  const cli = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'cli.ts'), ...args], {
      encoding: 'utf8',
      cwd: join(import.meta.dirname, '..', '..'),
    });
  const name = `cli-${process.pid}`;
  after(() => {
    cli('down', '--name', name);
  });

  it('keeps a cluster until it is told to stop it', async () => {
    assert.equal(cli('kubeconfig', '--name', name).status, 1);
    const up = cli('up', '--name', name);
    assert.equal(up.status, 0, up.stderr);
    const kubeconfig = cli('kubeconfig', '--name', name).stdout.trim();
    assert.equal(up.stdout.trim(), `export KUBECONFIG=${kubeconfig}`);
    assert.ok(cli('status').stdout.includes(kubeconfig));
    const client = runningCluster(kubeconfig).client();
    assert.equal((await client.get('/api/v1/namespaces/default')).metadata?.name, 'default');
    await client.close();
    sweepAbandoned();
    assert.ok(existsSync(kubeconfig), 'another start does not take it for a leftover');
    assert.equal(cli('down', '--name', name).status, 0);
    assert.ok(!existsSync(kubeconfig));
    assert.deepEqual(processesOf(dirname(kubeconfig)), []);
  });

  it('explains itself', () => {
    const wrong = cli('start');
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /There is no command start\.[\s\S]*kubeconfig {2}print the path/);
  });
});

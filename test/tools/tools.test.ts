import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from './index.ts';

/** Programs of the users' own machines, at the versions that go.mod pins. A cold build takes minutes. */
describe('The tools that tests run', function () {
  this.timeout(15 * 60_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tools-test-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const run = async (name: Parameters<typeof tool>[0], args: readonly string[], input = '', env = {}) =>
    execFileSync(await tool(name), args, { input, encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env } });

  it('read YAML as Kubernetes does, with the booleans and octals of YAML 1.1', async () => {
    const output = await run('yaml-reference', [], 'a: Y\nb: 0777\nc: "no"\n---\n- on\n---\n[broken\n');
    const [first, second, third] = output.trim().split('\n');
    assert.equal(first, '{"a":true,"b":511,"c":"no"}');
    assert.equal(second, '[true]');
    assert.match(third ?? '', /^\{"error":"yaml: line 1: /);
  });

  it('have helm report its version and render for a current Kubernetes', async () => {
    assert.match(await run('helm', ['version', '--short']), /^v3\.\d+\.\d+/);
    await writeFile(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: chart\nversion: 1.0.0\n');
    await writeFile(join(folder, 'values.yaml'), '');
    execFileSync('mkdir', ['-p', join(folder, 'templates')]);
    await writeFile(join(folder, 'templates', 'version.yaml'), 'minor: {{ .Capabilities.KubeVersion.Minor }}\n');
    const minor = Number(/minor: (\d+)/.exec(await run('helm', ['template', folder]))?.[1]);
    assert.ok(minor >= 36, `an unstamped build says 20, this one ${minor}`);
  });

  it('have kustomize report its version', async () => {
    assert.match(await run('kustomize', ['version']), /^v5\.\d+\.\d+/);
  });

  it('have kubectl report its version', async () => {
    assert.match(await run('kubectl', ['version', '--client']), /Client Version: v1\.\d+\.\d+/);
  });

  it('have sops decrypt what it encrypted with a key of age-keygen', async () => {
    const key = join(folder, 'age.key');
    await run('age-keygen', ['-o', key]);
    const recipient = (await run('age-keygen', ['-y', key])).trim();
    const clear = join(folder, 'secret.yaml');
    await writeFile(clear, 'password: correct horse\n');
    const secret = await run('sops', ['encrypt', '--age', recipient, clear]);
    assert.doesNotMatch(secret, /correct horse/);
    await writeFile(clear, secret);
    assert.equal(await run('sops', ['decrypt', clear], '', { SOPS_AGE_KEY_FILE: key }), 'password: correct horse\n');
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessFromPod } from '../../../lib/ports/kubernetes/in-cluster.ts';

describe('the service account of the Pod that the agent runs in', () => {
  let folder: string;
  const masked: string[] = [];
  const maskSecret = (value: string) => masked.push(value);
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'account-'));
    writeFileSync(join(folder, 'ca.crt'), 'CA');
    writeFileSync(join(folder, 'token'), 'first\n');
    writeFileSync(join(folder, 'namespace'), 'agents\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives address, authority, namespace and token, which is masked', async () => {
    const { credentials, ...access } = await accessFromPod({ environment, maskSecret, folder });
    assert.deepEqual(access, {
      server: 'https://10.0.0.1:6443',
      identity: 'the service account of the Pod that the agent runs in',
      ca: 'CA',
      skipTlsVerify: false,
      namespace: 'agents',
    });
    assert.equal((await credentials({ refresh: false })).authorization, 'Bearer first');
    assert.ok(masked.includes('first'));
  });

  it('puts an IPv6 address in brackets, and needs neither port nor namespace', async () => {
    rmSync(join(folder, 'namespace'));
    const access = await accessFromPod({ environment: { KUBERNETES_SERVICE_HOST: 'fd00::1' }, maskSecret, folder });
    assert.equal(access.server, 'https://[fd00::1]:443');
    assert.equal('namespace' in access, false);
  });

  it('reads the token again after a minute and after a refusal, and masks each', async () => {
    const { credentials } = await accessFromPod({ environment, maskSecret, folder });
    await credentials({ refresh: false });
    writeFileSync(join(folder, 'token'), 'second');
    assert.equal((await credentials({ refresh: false })).authorization, 'Bearer first');
    assert.equal((await credentials({ refresh: true })).authorization, 'Bearer second');
    writeFileSync(join(folder, 'token'), 'third');
    const now = Date.now;
    try {
      Date.now = () => now() + 61_000;
      assert.equal((await credentials({ refresh: false })).authorization, 'Bearer third');
      // The kubelet swaps a symbolic link; a moment without the file must not fail a run.
      rmSync(join(folder, 'token'));
      Date.now = () => now() + 130_000;
      assert.equal((await credentials({ refresh: false })).authorization, 'Bearer third');
    } finally {
      Date.now = now;
    }
    assert.ok(['first', 'second', 'third'].every((token) => masked.includes(token)));
    await assert.rejects(credentials({ refresh: true }), {
      name: 'InputError',
      message: /The token file .* cannot be read/,
    });
  });

  it('that is not there leads to the other ways in', async () => {
    const attempt = (changes: object) => accessFromPod({ environment, maskSecret, folder, ...changes });
    for (const [changes, reason] of [
      [{ environment: {} }, /KUBERNETES_SERVICE_HOST is not set/],
      [{ environment: { KUBERNETES_SERVICE_HOST: '' } }, /KUBERNETES_SERVICE_HOST is not set/],
      [{ folder: join(folder, 'none') }, /none has no ca\.crt\. Use a kubernetesServiceConnection/],
    ] as const) {
      await assert.rejects(attempt(changes), { name: 'InputError', message: reason });
    }
    writeFileSync(join(folder, 'token'), '');
    await assert.rejects(attempt({}), { message: /has no token\./ });
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkSettings } from '../../../lib/ports/agent/agent.ts';
import { networkEnvironment } from '../../../lib/ports/programs/network-environment.ts';

describe('the network of rendering programs', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'network-environment-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const settings = (more: Partial<NetworkSettings>): NetworkSettings => ({
    proxyBypass: [],
    skipCertValidation: false,
    ...more,
  });

  it('is the system’s own when the agent has no settings', async () => {
    const { variables } = await networkEnvironment(settings({}), undefined, folder);
    assert.deepEqual(variables, {});
  });

  it('is the agent’s proxy with its credentials, encoded', async () => {
    const proxy = settings({ proxyUrl: 'http://proxy:3128', proxyUsername: 'us@er', proxyPassword: 'p:w' });
    const { variables } = await networkEnvironment(proxy, 'https://charts.example.com', folder);
    assert.equal(variables['HTTPS_PROXY'], 'http://us%40er:p%3Aw@proxy:3128/');
  });

  it('goes past the proxy for an address on the bypass list', async () => {
    const proxy = settings({ proxyUrl: 'http://proxy:3128', proxyBypass: [/charts\.example\.com/] });
    const { variables } = await networkEnvironment(proxy, 'https://charts.example.com', folder);
    assert.deepEqual(variables, {});
  });

  it('trusts the agent’s authorities beside the public ones, from a file that does not stay', async () => {
    const environment = await networkEnvironment(settings({ ca: 'PRIVATE CA' }), undefined, folder);
    const text = await readFile(environment.variables['SSL_CERT_FILE'] ?? '', 'utf8');
    assert.ok(text.endsWith('PRIVATE CA') && text.includes('-----BEGIN CERTIFICATE-----'));
    await environment.dispose();
    assert.deepEqual(await readdir(folder), []);
  });
});

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { UnreachableError } from '../../../lib/errors.ts';
import type { NetworkSettings } from '../../../lib/ports/agent/agent.ts';
import { azureRepos } from '../../../lib/ports/azure-devops/azure-repos.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { createAuthority } from '../network/certificates.ts';

describe('the network of the agent, towards Azure DevOps', () => {
  const authority = createAuthority('Company root');
  const client = authority.issue('agent');
  let service: AzureDevOps;

  before(async () => {
    service = await startAzureDevOps({
      tls: { ...authority.issue('server', ['127.0.0.1']), clientCa: authority.cert },
    });
    await service.addRepository('shop');
  });
  after(() => service.stop());

  const ask = (network: Partial<NetworkSettings>) =>
    azureRepos({
      collectionUrl: service.collectionUrl,
      token: service.token,
      network: { proxyBypass: [], skipCertValidation: false, ...network },
      retry: { delay: 1 },
    }).repository({ project: 'shop', repository: 'shop' });
  const certificate = { clientCert: client.cert, clientKey: client.key };

  it('trusts a private authority and shows the client certificate, without files', async () => {
    assert.equal((await ask({ ca: authority.cert, ...certificate })).name, 'shop');
  });

  it('trusts nobody else', async () => {
    await assert.rejects(ask(certificate), UnreachableError);
    await assert.rejects(ask({ ca: authority.cert }), UnreachableError);
    assert.equal((await ask({ ...certificate, skipCertValidation: true })).name, 'shop');
  });

  it('goes through the proxy, but for addresses on the bypass list', async () => {
    const tunnels: (string | undefined)[] = [];
    const open = new Set<Duplex>();
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.headers['proxy-authorization']);
      open.add(socket);
      const [host = '', port = ''] = (request.url ?? '').split(':');
      const target = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        target.pipe(socket).pipe(target);
      });
      target.on('error', () => socket.destroy());
      socket.on('error', () => target.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const network = {
      ca: authority.cert,
      ...certificate,
      proxyUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      proxyUsername: 'me',
      proxyPassword: 'p@ss',
    };
    try {
      assert.equal((await ask(network)).name, 'shop');
      assert.ok(tunnels.length > 0);
      assert.ok(tunnels.every((header) => header === `Basic ${Buffer.from('me:p@ss').toString('base64')}`));
      tunnels.length = 0;
      assert.equal((await ask({ ...network, proxyBypass: [/^https:\/\/127\.0\.0\.1:/] })).name, 'shop');
      assert.deepEqual(tunnels, []);
    } finally {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  it('ignores proxies of the environment, which are not the agent’s', async () => {
    const before = process.env['HTTPS_PROXY'];
    process.env['HTTPS_PROXY'] = 'http://127.0.0.1:1';
    try {
      assert.equal((await ask({ ca: authority.cert, ...certificate })).name, 'shop');
    } finally {
      if (before === undefined) delete process.env['HTTPS_PROXY'];
      else process.env['HTTPS_PROXY'] = before;
    }
  });
});

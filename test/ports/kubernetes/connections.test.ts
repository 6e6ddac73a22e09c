import assert from 'node:assert/strict';
import type { NetworkSettings } from '../../../lib/ports/agent/agent.ts';
import type { ClusterAccess } from '../../../lib/ports/kubernetes/access.ts';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import { connectProxy } from '../network/servers.ts';
import { accessTo, answer, authority, cleanUp, configMaps, direct, stranger, stubServer } from './stub-server.ts';

const object = { kind: 'ConfigMap', metadata: { name: 'a' } };

describe('connections to a cluster', () => {
  const opened = cleanUp();

  const stub = (options = {}) =>
    opened(stubServer((_request, response) => setImmediate(() => answer(response, object)), options));

  const open = (access: ClusterAccess, network: NetworkSettings = direct) =>
    opened(connect(access, { network, retryBudget: 0 }));

  it('are at most 32 for a hundred requests at once', async () => {
    const server = await stub();
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const { signal } = new AbortController();
    const client = await opened(connect(accessTo(server), { network: direct, signal }));
    await Promise.all(Array.from({ length: 100 }, (_, index) => client.get(configMaps, 'shop', `n${index}`)));
    process.off('warning', listen);
    assert.deepEqual(warnings, []);
    assert.equal(server.received.length, 100);
    assert.ok(server.handshakes() <= 32, `${server.handshakes()} handshakes`);
  });

  it('are one for a hundred requests after one another', async () => {
    const server = await stub();
    const client = await open(accessTo(server));
    for (let index = 0; index < 100; index += 1) await client.get(configMaps, 'shop', `n${index}`);
    assert.equal(server.received.length, 100);
    assert.equal(server.handshakes(), 1);
  });

  it('are not used up by watches, each of which holds one', async () => {
    const server = await opened(
      stubServer((request, response) => {
        if (request.url.includes('watch=1')) response.writeHead(200).flushHeaders();
        else answer(response, object);
      }),
    );
    const client = await open(accessTo(server));
    const stop = new AbortController();
    const watches = Array.from({ length: 40 }, async () => {
      for await (const event of client.watch(configMaps, { resourceVersion: '1', signal: stop.signal }))
        assert.fail(event.type);
    });
    while (server.received.length < 40) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await client.get(configMaps, 'shop', 'a'), object);
    stop.abort();
    await Promise.all(watches);
  });

  it('show the client certificate, and a new one as soon as the credentials have it', async () => {
    const server = await opened(
      stubServer((request, response) => answer(response, { ...object, shown: request.client }), {
        requestCert: true,
        rejectUnauthorized: false,
      }),
    );
    const certificates = [authority.issue('first'), authority.issue('second')];
    let current = 0;
    const client = await open(accessTo(server, { credentials: async () => ({ ...certificates[current] }) }));
    const shown = async () => (await client.get(configMaps, 'shop', 'a'))?.['shown'];
    assert.deepEqual([await shown(), await shown(), server.handshakes()], ['first', 'first', 1]);
    current = 1;
    assert.deepEqual([await shown(), await shown(), server.handshakes()], ['second', 'second', 2]);
  });

  it('trust the cluster’s authority only', async () => {
    const server = await stub();
    const client = await open(accessTo(server, { ca: stranger.cert }));
    await assert.rejects(client.get(configMaps, 'shop', 'a'), {
      name: 'InputError',
      message: /could not be trusted: .*put the cluster's CA into the connection/,
    });
    assert.equal(server.received.length, 0);
  });

  it('trust the authorities of the agent when the cluster has none of its own', async () => {
    const server = await stub();
    const { ca, ...access } = accessTo(server);
    assert.ok(ca);
    await assert.rejects((await open(access)).get(configMaps, 'shop', 'a'), { name: 'InputError' });
    const client = await open(access, { ...direct, ca: authority.cert });
    assert.deepEqual(await client.get(configMaps, 'shop', 'a'), object);
  });

  it('check the name that the kubeconfig gives (tls-server-name)', async () => {
    const server = await stub();
    const right = await open(accessTo(server, { serverName: 'kubernetes.default' }));
    assert.deepEqual(await right.get(configMaps, 'shop', 'a'), object);
    const wrong = await open(accessTo(server, { serverName: 'other.example' }));
    await assert.rejects(wrong.get(configMaps, 'shop', 'a'), { message: /name that one as tls-server-name/ });
  });

  it('accept any certificate when told to', async () => {
    const server = await stub();
    const client = await open(accessTo(server, { ca: stranger.cert, skipTlsVerify: true }));
    assert.deepEqual(await client.get(configMaps, 'shop', 'a'), object);
  });

  it('go through the agent’s proxy with its credentials, past it for what it lists, and through the kubeconfig’s own', async () => {
    const server = await stub();
    const agents = await opened(connectProxy('me:secret'));
    const own = await opened(connectProxy());
    const network = {
      ...direct,
      proxyUrl: `http://127.0.0.1:${agents.port}`,
      proxyUsername: 'me',
      proxyPassword: 'secret',
    };
    const through = await open(accessTo(server), network);
    assert.deepEqual(await through.get(configMaps, 'shop', 'a'), object);
    assert.deepEqual(agents.tunnels, [`127.0.0.1:${server.port}`]);

    const past = await open(accessTo(server), { ...network, proxyBypass: [/127\.0\.0\.1/] });
    assert.deepEqual(await past.get(configMaps, 'shop', 'a'), object);
    assert.equal(agents.tunnels.length, 1);

    const ownProxy = await open(accessTo(server, { proxyUrl: `http://127.0.0.1:${own.port}` }), network);
    assert.deepEqual(await ownProxy.get(configMaps, 'shop', 'a'), object);
    assert.deepEqual([agents.tunnels.length, own.tunnels.length], [1, 1]);
  });

  it('say that the proxy refused, and do not ask it again and again', async () => {
    const server = await stub();
    const proxy = await opened(connectProxy('me:secret'));
    let asked = 0;
    const client = await opened(
      connect(accessTo(server), {
        network: { ...direct, proxyUrl: `http://127.0.0.1:${proxy.port}`, proxyUsername: 'me', proxyPassword: 'no' },
        backoff: () => {
          asked += 1;
          return 1;
        },
        retryBudget: 1000,
      }),
    );
    await assert.rejects(client.get(configMaps, 'shop', 'a'), { name: 'InputError', message: /proxy.*HTTP 407/ });
    assert.equal(client.statistics.total, 1);
    assert.equal(asked, 1);
  });

  it('say that a certificate and its key do not belong together, or are no PEM', async () => {
    const server = await stub();
    const { cert } = authority.issue('one');
    const { key } = authority.issue('other');
    for (const wrong of [
      { cert, key },
      { cert: 'x', key: 'y' },
    ]) {
      const client = await open(accessTo(server, { credentials: async () => wrong }));
      await assert.rejects(client.get(configMaps, 'shop', 'a'), {
        name: 'InputError',
        message: /the certificate, key or authority of the connection cannot be used/,
      });
    }
    const client = await open(
      accessTo(server, { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }),
    );
    await assert.rejects(client.get(configMaps, 'shop', 'a'), { name: 'InputError' });
  });

  it('carry who is impersonated, with every group', async () => {
    const server = await stub();
    const impersonation = { 'Impersonate-User': 'deployer', 'Impersonate-Group': ['a', 'b'] };
    await (await open(accessTo(server, { impersonation }))).get(configMaps, 'shop', 'a');
    assert.equal(server.received[0]?.headers['impersonate-user'], 'deployer');
    assert.equal(server.received[0]?.headers['impersonate-group'], 'a, b');
  });

  it('are refused for an address that is none, without repeating a password in it', () => {
    for (const server of ['', 'api.example:6443', 'ftp://api.example', 'https://', 'https://a b', 'https://a/?x=1']) {
      assert.throws(() => connect({ ...accessTo({ url: server }) }, { network: direct }), {
        name: 'InputError',
        message: /is not an https:\/\/ address/,
      });
    }
    assert.throws(
      () => connect(accessTo({ url: 'https://me:hunter2@api.example' }), { network: direct }),
      (error: Error) => error.name === 'InputError' && !error.message.includes('hunter2'),
    );
  });

  it('are all closed at the end, those of an earlier certificate and a watch included', async () => {
    const server = await opened(
      stubServer((request, response) => {
        if (request.url.includes('watch=1')) response.writeHead(200).flushHeaders();
        else answer(response, object);
      }),
    );
    let certificate = authority.issue('first');
    const client = await open(accessTo(server, { credentials: async () => certificate }));
    const watching = (async () => {
      const { signal } = new AbortController();
      for await (const event of client.watch(configMaps, { resourceVersion: '1', signal })) assert.fail(event.type);
    })();
    while (server.received.length < 1) await new Promise((resolve) => setImmediate(resolve));
    certificate = authority.issue('second');
    await client.get(configMaps, 'shop', 'a');
    await client.close();
    await watching;
    while (server.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(client.get(configMaps, 'shop', 'a'), { name: 'CancelledError' });
  });
});

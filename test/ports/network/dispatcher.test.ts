import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rootCertificates, type TLSSocket } from 'node:tls';
import type { NetworkSettings } from '../../../lib/ports/agent/agent.ts';
import {
  createDispatcher,
  type DispatcherOptions,
  proxyFor,
  trustedAuthorities,
} from '../../../lib/ports/network/dispatcher.ts';
import { createAuthority } from './certificates.ts';
import { connectProxy, httpServer, httpsServer, type Running } from './servers.ts';

const direct: NetworkSettings = { proxyBypass: [], skipCertValidation: false };
const authority = createAuthority('Private CA');
const stranger = createAuthority('Another CA');

describe('the dispatcher of a target', () => {
  const running: { close(): Promise<unknown> }[] = [];
  let tls: Running;
  let connections = 0;

  async function opened<T extends { close(): Promise<unknown> }>(what: T | Promise<T>): Promise<T> {
    const resource = await what;
    running.push(resource);
    return resource;
  }

  async function get(url: string, options: Omit<DispatcherOptions, 'target'>): Promise<string> {
    const dispatcher = createDispatcher({ ...options, target: url });
    running.unshift({ close: () => dispatcher.destroy() });
    const { body } = await dispatcher.request({ origin: new URL(url).origin, path: '/', method: 'GET' });
    return body.text();
  }

  beforeEach(async () => {
    connections = 0;
    const { cert, key } = authority.issue('server', ['api.test', 'localhost', '127.0.0.1']);
    tls = await opened(
      httpsServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
        const peer = (request.socket as TLSSocket).getPeerCertificate();
        const servername = (request.socket as TLSSocket & { servername?: string | false }).servername;
        response.end(`sni=${servername || 'none'} client=${peer?.subject?.CN ?? 'none'}`);
      }),
    );
  });

  afterEach(async () => {
    for (const resource of running.splice(0)) await resource.close();
  });

  it('trusts the private authorities of the agent, beside the public ones', async () => {
    const url = `https://127.0.0.1:${tls.port}`;
    await assert.rejects(get(url, { network: direct }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    assert.match(await get(url, { network: { ...direct, ca: `${stranger.cert}\n${authority.cert}` } }), /^sni=/);
  });

  it("trusts only the target's own authority when it has one, whatever the agent is set to", async () => {
    const url = `https://127.0.0.1:${tls.port}`;
    const network = { ...direct, ca: authority.cert, skipCertValidation: true };
    await assert.rejects(get(url, { network, tls: { ca: stranger.cert } }));
    assert.match(await get(url, { network: direct, tls: { ca: authority.cert } }), /^sni=/);
  });

  it("checks the server's name: the URL's host, or the one that the target names", async () => {
    const url = `https://127.0.0.1:${tls.port}`;
    const own = { ca: authority.cert };
    assert.equal(
      await get(url, { network: direct, tls: { ...own, servername: 'api.test' } }),
      'sni=api.test client=none',
    );
    await assert.rejects(get(url, { network: direct, tls: { ...own, servername: 'other.test' } }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    assert.equal(
      await get(`https://localhost:${tls.port}`, { network: direct, tls: own }),
      'sni=localhost client=none',
    );
  });

  it('checks nothing when the target or the agent says so', async () => {
    const url = `https://127.0.0.1:${tls.port}`;
    assert.match(await get(url, { network: direct, tls: { insecure: true } }), /^sni=/);
    assert.match(await get(url, { network: { ...direct, skipCertValidation: true } }), /^sni=/);
  });

  it("shows the target's client certificate, else the agent's, which is not for targets with an authority of their own", async () => {
    const url = `https://127.0.0.1:${tls.port}`;
    const deployer = authority.issue('deployer');
    const agent = authority.issue('agent');
    const network = { ...direct, ca: authority.cert, clientCert: agent.cert, clientKey: agent.key };
    assert.match(await get(url, { network, tls: deployer }), /client=deployer$/);
    assert.match(await get(url, { network }), /client=agent$/);
    assert.match(await get(url, { network, tls: { ca: authority.cert } }), /client=none$/);
  });

  it('tunnels through the proxy of the agent with its credentials, and checks the target behind it', async () => {
    const proxy = await opened(connectProxy('me:p@ss word'));
    const network = {
      ...direct,
      proxyUrl: `http://127.0.0.1:${proxy.port}`,
      proxyUsername: 'me',
      proxyPassword: 'p@ss word',
    };
    const url = `https://api.test:${tls.port}`;
    assert.equal(await get(url, { network, tls: { ca: authority.cert } }), 'sni=api.test client=none');
    assert.deepEqual(proxy.tunnels, [`api.test:${tls.port}`]);
    await assert.rejects(get(url, { network, tls: { ca: stranger.cert } }));
    await assert.rejects(get(`https://evil.test:${tls.port}`, { network, tls: { ca: authority.cert } }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('says that the proxy refused when the credentials are wrong', async () => {
    const proxy = await opened(connectProxy('me:right'));
    const network = {
      ...direct,
      proxyUrl: `http://127.0.0.1:${proxy.port}`,
      proxyUsername: 'me',
      proxyPassword: 'wrong',
    };
    await assert.rejects(get(`https://api.test:${tls.port}`, { network }), /407/);
    assert.deepEqual(proxy.tunnels, []);
  });

  it('reaches a proxy by TLS, with the private authorities of the agent', async () => {
    const proxy = await opened(connectProxy(undefined, authority.issue('proxy', ['127.0.0.1'])));
    const network = { ...direct, proxyUrl: `https://127.0.0.1:${proxy.port}` };
    const url = `https://api.test:${tls.port}`;
    const own = { ca: authority.cert };
    await assert.rejects(get(url, { network, tls: own }));
    assert.match(await get(url, { network: { ...network, ca: authority.cert }, tls: own }), /^sni=api.test/);
  });

  it('tunnels plain http too, so that a proxy sees no header', async () => {
    const proxy = await opened(connectProxy());
    const plain = await opened(httpServer((_request, response) => response.end('plain')));
    const network = { ...direct, proxyUrl: `http://127.0.0.1:${proxy.port}` };
    assert.equal(await get(`http://plain.test:${plain.port}`, { network }), 'plain');
    assert.deepEqual(proxy.tunnels, [`plain.test:${plain.port}`]);
  });

  it("goes past the proxy for what the bypass list names, and through the target's own proxy in any case", async () => {
    const proxy = await opened(connectProxy());
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    const network = { ...direct, proxyUrl, proxyBypass: [/127\.0\.0\.1/i] };
    const url = `https://127.0.0.1:${tls.port}`;
    const own = { ca: authority.cert };
    assert.match(await get(url, { network, tls: own }), /^sni=/);
    assert.deepEqual(proxy.tunnels, []);
    assert.match(await get(url, { network, tls: own, proxyUrl }), /^sni=/);
    assert.equal(proxy.tunnels.length, 1);
  });

  it('keeps connections open and uses them again', async () => {
    const plain = await opened(
      httpServer((request, response) => {
        if (request.socket.listenerCount('counted') === 0) {
          connections += 1;
          request.socket.on('counted', () => undefined);
        }
        response.end('x');
      }),
    );
    const origin = `http://127.0.0.1:${plain.port}`;
    const dispatcher = createDispatcher({ target: origin, network: direct });
    running.unshift({ close: () => dispatcher.destroy() });
    for (let index = 0; index < 20; index += 1) {
      const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' });
      await body.dump();
    }
    // A second one is opened when a request comes before the last answer is quite done.
    assert.ok(connections <= 2, `${connections} connections`);
  });

  it('does not wait for an answer longer than it is told', async () => {
    const silent = await opened(httpServer(() => undefined));
    await assert.rejects(get(`http://127.0.0.1:${silent.port}`, { network: direct, headersTimeout: 50 }), {
      code: 'UND_ERR_HEADERS_TIMEOUT',
    });
  });

  it('adds private authorities to the public ones, as Node would forget those', () => {
    assert.equal(trustedAuthorities(direct), undefined);
    const list = trustedAuthorities({ ...direct, ca: authority.cert });
    assert.ok(Array.isArray(list) && list.includes(authority.cert));
    assert.ok(rootCertificates.slice(0, 5).every((certificate) => list.includes(certificate)));
    assert.equal(trustedAuthorities({ ...direct, ca: authority.cert }, { ca: stranger.cert }), stranger.cert);
  });

  it('tells which proxy a target has, with credentials apart from the address', () => {
    const network = { ...direct, proxyUrl: 'http://proxy.test:8080', proxyUsername: 'me', proxyPassword: 'x' };
    const target = new URL('https://api.test');
    assert.deepEqual(proxyFor(target, { network: direct }), undefined);
    assert.deepEqual(proxyFor(target, { network }), { url: 'http://proxy.test:8080', token: `Basic ${btoa('me:x')}` });
    assert.deepEqual(proxyFor(target, { network, proxyUrl: 'http://a%40b:c@other.test:1' }), {
      url: 'http://other.test:1',
      token: `Basic ${btoa('a@b:c')}`,
    });
  });
});

describe('the certificates of these tests', () => {
  it('are what Node itself takes for certificates', () => {
    const leaf = new X509Certificate(authority.issue('leaf', ['a.test', '127.0.0.1']).cert);
    const ca = new X509Certificate(authority.cert);
    assert.ok(ca.ca && leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
    assert.equal(leaf.subjectAltName, 'DNS:a.test, IP Address:127.0.0.1');
  });
});

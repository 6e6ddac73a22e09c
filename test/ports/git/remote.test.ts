import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { CancelledError, InputError, NotPermittedError, RefusedError, UnreachableError } from '../../../lib/errors.ts';
import type { NetworkSettings } from '../../../lib/ports/agent/agent.ts';
import { networkConfig, proxyFor, type RemoteAccess, secretsOf } from '../../../lib/ports/git/network-config.ts';
import { fetchHistory, parseSymrefs, readRemote } from '../../../lib/ports/git/remote.ts';
import { hasCommit, isAncestor } from '../../../lib/ports/git/repository.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { createAuthority } from '../network/certificates.ts';
import { newRepository, temporaryFolder, type WorkRepository } from './work-repository.ts';

const DIRECT: NetworkSettings = { proxyBypass: [], skipCertValidation: false };

describe('a Git remote', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: AzureDevOps;
  let served: ServedRepository;
  let work: WorkRepository;
  const commits: string[] = [];

  before(async () => {
    temp = await temporaryFolder();
    service = await startAzureDevOps();
    served = await service.addRepository('shop', { defaultBranch: 'trunk' });
    work = await newRepository(join(temp.folder, 'work'), 'trunk');
    for (let number = 0; number < 6; number++) commits.push(await work.commit(`change ${number}`));
    await work.git('branch', 'other/trunk', commits[2] as string);
    await work.git('push', '--quiet', '--all', served.folder);
  });
  after(async () => {
    await service.stop();
    await temp.remove();
  });
  afterEach(async () => {
    assert.deepEqual(
      (await readdir(temp.folder)).filter((name) => name.startsWith('git-')),
      [],
      'nothing is left behind',
    );
  });

  const commit = (index: number) => commits[index] as string;
  const access = (more: Partial<RemoteAccess> = {}): RemoteAccess => ({
    url: served.url,
    token: service.token,
    network: DIRECT,
    tempDirectory: temp.folder,
    ...more,
  });

  describe('reading its branches', () => {
    it('tells the default branch and the commits of the asked refs', async () => {
      const { defaultBranch, commits: found } = await readRemote(access(), ['refs/heads/trunk']);
      assert.equal(defaultBranch, 'refs/heads/trunk');
      assert.equal(found.get('refs/heads/trunk'), commit(5));
    });

    it('knows the head of the default branch without being asked for it', async () => {
      assert.equal((await readRemote(access())).commits.get('refs/heads/trunk'), commit(5));
    });

    it('keeps refs apart that end alike', async () => {
      const { commits: found } = await readRemote(access(), ['refs/heads/trunk', 'refs/heads/other/trunk']);
      assert.equal(found.get('refs/heads/other/trunk'), commit(2));
      assert.equal(found.get('refs/heads/trunk'), commit(5));
    });

    it('reads a repository on this machine as well', async () => {
      const { defaultBranch } = await readRemote(access({ url: `file://${served.folder}` }));
      assert.equal(defaultBranch, 'refs/heads/trunk');
    });

    it('understands what ls-remote prints and nothing else', () => {
      const id = 'a'.repeat(40);
      const refs = parseSymrefs(`ref: refs/heads/main\tHEAD\n${id}\tHEAD\n${id}\trefs/heads/main\nrubbish\n\tx\n`);
      assert.equal(refs.defaultBranch, 'refs/heads/main');
      assert.deepEqual([...refs.commits.keys()], ['HEAD', 'refs/heads/main']);
      assert.equal(parseSymrefs(`ref: refs/tags/v1\tHEAD\n${id}\tHEAD\n`).defaultBranch, undefined);
    });

    it('sends the token as a bearer header, never in an address or an argument', async () => {
      const from = service.requests.length;
      await readRemote(access());
      const seen = service.requests.slice(from);
      assert.ok(seen.length > 0 && seen.every((request) => request.authorization === 'bearer'));
      assert.ok(!JSON.stringify(seen).includes(service.token));
    });
  });

  describe('refusing', () => {
    it('says that there were no credentials, and how a checkout keeps them', async () => {
      const { token: _, ...without } = access();
      await assert.rejects(readRemote(without), (error) => {
        assert.ok(error instanceof NotPermittedError);
        assert.match(error.message, /persistCredentials: true/);
        return true;
      });
    });

    it('never shows the token or a password when it is not accepted', async () => {
      const url = served.url.replace('http://', 'http://builder:hunter2hunter2@');
      await assert.rejects(readRemote(access({ url, token: 'wrong-token-123456' })), (error) => {
        assert.ok(error instanceof NotPermittedError);
        assert.ok(!/wrong-token|hunter2/.test(String(error.message)), error.message);
        assert.doesNotMatch(error.message, /persistCredentials/);
        return true;
      });
    });

    it('tells a missing repository from one that does not answer', async () => {
      await assert.rejects(readRemote(access({ url: `${served.url}-gone` })), RefusedError);
      await assert.rejects(readRemote(access({ url: `file://${temp.folder}/nowhere` })), RefusedError);
      await assert.rejects(readRemote(access({ url: 'http://127.0.0.1:1/contoso/shop/_git/shop' })), UnreachableError);
    });

    it('does not follow a redirect with the token', async () => {
      service.fail({ path: /_git\/shop/, kind: 'redirect' });
      await assert.rejects(readRemote(access()), RefusedError);
    });

    it('ends at a cancellation while the server is silent', async () => {
      const abort = new AbortController();
      service.fail({ path: /_git\/shop/, kind: 'slow' });
      const before = service.requests.length;
      const reading = readRemote(access({ signal: abort.signal }));
      const poll = setInterval(() => {
        if (service.requests.length > before) abort.abort();
      }, 5);
      await assert.rejects(reading, CancelledError);
      clearInterval(poll);
    });
  });

  describe('fetching its history', () => {
    it('brings commits without files, into a folder of its own', async () => {
      const history = await fetchHistory(access(), ['refs/heads/trunk']);
      try {
        assert.equal(await isAncestor(history.repository, commit(0), commit(5)), 'yes');
        assert.equal(await isAncestor(history.repository, 'f'.repeat(40), commit(5)), 'no');
        const objects = await history.repository.git([
          'cat-file',
          '--batch-all-objects',
          '--batch-check=%(objecttype)',
        ]);
        assert.deepEqual([...new Set(objects.stdout.trim().split('\n'))], ['commit']);
      } finally {
        await history.dispose();
      }
      assert.ok(!existsSync(history.repository.folder));
    });

    it('brings the rest of a long history only when asked', async () => {
      const history = await fetchHistory(access(), ['refs/heads/trunk'], 2);
      assert.equal(await isAncestor(history.repository, commit(4), commit(5)), 'yes');
      assert.equal(await isAncestor(history.repository, commit(0), commit(5)), 'unknown');
      assert.equal(await history.deepen(), true);
      assert.equal(await isAncestor(history.repository, commit(0), commit(5)), 'yes');
      assert.equal(await history.deepen(), false);
      await history.dispose();
    });

    it('brings a commit that no branch holds, when the server gives it', async () => {
      const lone = await newRepository(join(temp.folder, 'lone'));
      await lone.git('fetch', '--quiet', served.folder, 'trunk');
      await lone.git('reset', '--quiet', '--hard', commit(3));
      const stray = await lone.commit('stray');
      await lone.git('push', '--quiet', served.folder, `${stray}:refs/stray/1`);
      const history = await fetchHistory(access(), ['refs/heads/trunk']);
      assert.equal(await hasCommit(history.repository, stray), false);
      assert.equal(await history.include(stray), true);
      assert.equal(await isAncestor(history.repository, commit(3), stray), 'yes');
      assert.equal(await isAncestor(history.repository, stray, commit(5)), 'no');
      assert.equal(await history.include('f'.repeat(40)), false);
      await history.dispose();
      await rm(lone.folder, { recursive: true });
    });

    it('works with a server that knows no filters', async () => {
      const plain = await service.addRepository('plain', { defaultBranch: 'trunk', filters: false });
      await work.git('push', '--quiet', plain.folder, 'trunk');
      const history = await fetchHistory(access({ url: plain.url }), ['refs/heads/trunk']);
      assert.equal(await isAncestor(history.repository, commit(0), commit(5)), 'yes');
      await history.dispose();
    });

    it('leaves no folder behind when it fails', async () => {
      await assert.rejects(fetchHistory(access(), ['refs/heads/gone']), RefusedError);
    });
  });

  describe('the agent’s network', () => {
    it('puts the header in place of one that the checkout kept', () => {
      const config = networkConfig(access({ header: 'AUTHORIZATION: basic kept' }));
      const headers = config.filter(([key]) => key.endsWith('.extraheader'));
      assert.deepEqual(
        headers.map(([, value]) => value),
        ['', `AUTHORIZATION: bearer ${service.token}`],
      );
      assert.ok(headers.every(([key]) => key === `http.${served.url}.extraheader`));
    });

    it('goes through the proxy, with its password escaped, unless the address is on the bypass list', () => {
      const network = {
        ...DIRECT,
        proxyUrl: 'http://proxy.example.com:8080',
        proxyUsername: 'me@corp',
        proxyPassword: 'p@ss:w/rd',
        proxyBypass: [/example\.org/i],
      };
      assert.equal(
        proxyFor('https://dev.azure.com/x', network),
        'http://me%40corp:p%40ss%3Aw%2Frd@proxy.example.com:8080/',
      );
      assert.equal(proxyFor('https://git.example.org/x', network), undefined);
      assert.ok(secretsOf(access({ network })).includes('p%40ss%3Aw%2Frd'));
    });

    it('reaches the server by the proxy', async () => {
      const proxy = await startProxy();
      try {
        const network = { ...DIRECT, proxyUrl: proxy.url, proxyUsername: 'me', proxyPassword: 'p@ss' };
        await readRemote(access({ network }));
        assert.ok(proxy.seen.length > 0);
        assert.ok(proxy.seen.every((header) => header === `Basic ${Buffer.from('me:p@ss').toString('base64')}`));
        proxy.seen.length = 0;
        await readRemote(access({ network: { ...network, proxyBypass: [/^http:\/\/127\.0\.0\.1/] } }));
        assert.equal(proxy.seen.length, 0);
      } finally {
        await proxy.stop();
      }
    });

    it('masks every secret before git is started', async () => {
      const masked: string[] = [];
      const network = { ...DIRECT, proxyUrl: 'http://127.0.0.1:1', proxyPassword: 'p@ss', proxyUsername: 'me' };
      await assert.rejects(
        readRemote(access({ network, maskSecret: (value) => masked.push(value) })),
        UnreachableError,
      );
      assert.deepEqual(masked, [service.token, 'p@ss', 'p%40ss']);
    });
  });
});

describe('a Git remote behind a private authority', () => {
  const authority = createAuthority('Company root');
  const client = authority.issue('agent');
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: AzureDevOps;
  let served: ServedRepository;

  before(async () => {
    temp = await temporaryFolder();
    service = await startAzureDevOps({
      tls: { ...authority.issue('server', ['127.0.0.1']), clientCa: authority.cert },
    });
    served = await service.addRepository('shop');
    const work = await newRepository(join(temp.folder, 'work'));
    await work.commit('one');
    await work.git('push', '--quiet', served.folder, 'main');
  });
  after(async () => {
    await service.stop();
    await temp.remove();
  });

  const read = (network: Partial<NetworkSettings>) =>
    readRemote({
      url: served.url,
      token: service.token,
      tempDirectory: temp.folder,
      network: { ...DIRECT, ...network },
    });
  const certificate = { clientCert: client.cert, clientKey: client.key };

  it('is read with the authority and the client certificate of the agent, and no key is left behind', async () => {
    assert.equal((await read({ ca: authority.cert, ...certificate })).defaultBranch, 'refs/heads/main');
    assert.deepEqual(await readdir(temp.folder), ['work']);
  });

  it('is read with a key that has a passphrase', async () => {
    const clientKey = createPrivateKey(client.key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
      .toString();
    const network = { ca: authority.cert, clientCert: client.cert, clientKey };
    assert.equal((await read({ ...network, clientKeyPassphrase: 'open' })).defaultBranch, 'refs/heads/main');
    await assert.rejects(read({ ...network, clientKeyPassphrase: 'wrong' }), InputError);
    assert.deepEqual(await readdir(temp.folder), ['work']);
  });

  it('is not trusted without the authority, unless the agent skips the validation', async () => {
    await assert.rejects(read(certificate), /certificate/i);
    assert.equal((await read({ ...certificate, skipCertValidation: true })).defaultBranch, 'refs/heads/main');
  });
});

/** A forward proxy that notes the credentials it was given. */
async function startProxy(): Promise<{ url: string; seen: (string | undefined)[]; stop: () => Promise<void> }> {
  const seen: (string | undefined)[] = [];
  const proxy: Server = createServer((request, response) => {
    seen.push(request.headers['proxy-authorization']);
    if (request.headers['proxy-authorization'] === undefined) {
      seen.pop();
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
      return;
    }
    const target = new URL(request.url ?? '');
    const socket = connect(Number(target.port), target.hostname, () => {
      const headers = Object.entries({ ...request.headers, connection: 'close' }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.write([`${request.method} ${target.pathname}${target.search} HTTP/1.1`, ...headers, '', ''].join('\r\n'));
      request.pipe(socket, { end: false });
    });
    socket.pipe(response.socket as NodeJS.WritableStream);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    seen,
    stop: async () => {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

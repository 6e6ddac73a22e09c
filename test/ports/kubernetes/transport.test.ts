import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import type { KubernetesClient } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { httpServer } from '../network/servers.ts';
import { accessTo, answer, cleanUp, configMaps, direct, type Handler, refuse, stubServer } from './stub-server.ts';

const object = { kind: 'ConfigMap', metadata: { name: 'a' } };
const options = { network: direct, backoff: () => 1, retryBudget: 3000 };

describe('a request', () => {
  const opened = cleanUp();

  async function rig(
    handle: Handler,
    changes: Parameters<typeof accessTo>[1] = {},
    more: Partial<typeof options> = {},
  ) {
    const server = await opened(stubServer(handle));
    const messages: string[] = [];
    const client = await opened(
      connect(accessTo(server, changes), {
        ...options,
        ...more,
        onRetry: (message) => messages.push(message),
      }),
    );
    return { server, client, messages };
  }

  /** Fails as told for the first requests, then answers. */
  const failing =
    (times: number, fail: (response: ServerResponse) => void): Handler =>
    (_request, response, number) =>
      number <= times ? fail(response) : answer(response, object);

  const get = (client: KubernetesClient) => client.get(configMaps, 'shop', 'a');
  const reset = (response: ServerResponse) => response.socket?.destroy();
  const halfHeaders = (response: ServerResponse) => {
    response.socket?.write('HTTP/1.1 200 OK\r\ncontent-le');
    response.socket?.destroySoon();
  };
  const halfBody = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"kind":', () => response.socket?.destroy());
  };
  const brokenGzip = (response: ServerResponse) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(gzipSync(JSON.stringify(object)).subarray(0, 20));
  };

  describe('that may be repeated', () => {
    for (const [what, fail] of Object.entries<(response: ServerResponse) => void>({
      'a connection that is reset': reset,
      'a connection that ends in the middle of the headers': halfHeaders,
      'a connection that ends in the middle of the body': halfBody,
      'an answer whose gzip is cut off': brokenGzip,
      'an answer whose JSON is cut off': (response) => answer(response, '{"kind":"Config'),
      'HTTP 429': (response) => refuse(response, 429, 'too many requests'),
      'HTTP 502 of a balancer': (response) => answer(response, '<html>bad gateway</html>', 502),
      'HTTP 503': (response) => refuse(response, 503, 'the server is currently unable to handle the request'),
      'HTTP 504': (response) => refuse(response, 504, 'request did not complete within the allotted timeout'),
      'a change of etcd’s leader': (response) => refuse(response, 500, 'etcdserver: leader changed'),
      'a webhook that does not answer': (response) =>
        refuse(response, 500, 'Internal error occurred: failed calling webhook "x": connection refused'),
    })) {
      it(`is tried again after ${what}`, async () => {
        const { client, server, messages } = await rig(failing(2, fail));
        assert.deepEqual(await get(client), object);
        assert.equal(server.received.length, 3);
        assert.equal(client.statistics.retries, 2);
        assert.equal(client.statistics.total, 3);
        assert.equal(messages.length, 1, 'told once');
        assert.match(messages[0] ?? '', /^https:\/\/127\.0\.0\.1:\d+: .* Trying again for up to 3 s\.$/s);
      });
    }

    it('is final after any other answer', async () => {
      for (const [status, message] of [
        [400, 'bad'],
        [409, 'the object has been modified'],
        [422, 'invalid'],
        [500, 'Internal error occurred: some bug'],
        [501, 'unknown method'],
      ] as const) {
        const { client, server } = await rig((_request, response) => refuse(response, status, message));
        await assert.rejects(get(client), { name: 'KubernetesError', status, message });
        assert.equal(server.received.length, 1);
      }
    });

    it('waits as long as Retry-After says, in seconds, and not at all when that is too long', async () => {
      const started = Date.now();
      const { client } = await rig(
        failing(1, (response) => refuse(response, 429, 'slow down', { 'retry-after': '1' })),
        {},
      );
      await get(client);
      assert.ok(Date.now() - started >= 990, 'one second');

      const busy = await rig((_request, response) => refuse(response, 429, 'slow down', { 'retry-after': '3600' }));
      await assert.rejects(get(busy.client), { status: 429, message: 'slow down' });
      assert.equal(busy.server.received.length, 1);
      assert.deepEqual(busy.messages, []);
    });

    it('gives up when its budget is spent, with the last answer', async () => {
      const { client, server } = await rig(
        (_request, response) => refuse(response, 503, 'starting'),
        {},
        { retryBudget: 60 },
      );
      await assert.rejects(get(client), { name: 'KubernetesError', status: 503, message: 'starting' });
      assert.ok(server.received.length > 1);
    });

    it('tells of an outage once, however many requests wait for its end, and of the next one again', async () => {
      const waiting: ServerResponse[] = [];
      const { client, messages } = await rig((_request, response, number) => {
        // In each outage of 40 requests the first 20 fail; the others are answered when all of them are there.
        if ((number - 1) % 40 < 20) {
          reset(response);
          return;
        }
        waiting.push(response);
        if (waiting.length === 20) for (const held of waiting.splice(0)) answer(held, object);
      });
      for (const outage of [1, 2]) {
        await Promise.all(Array.from({ length: 20 }, () => get(client)));
        assert.equal(messages.length, outage);
      }
    });
  });

  it('has ten seconds before the first answer and a minute afterwards', async () => {
    const messages: string[] = [];
    let number = 0;
    const server = await opened(
      stubServer((_request, response) => {
        number += 1;
        if (number === 2) refuse(response, 503, 'x');
        else if (number === 1) reset(response);
        else answer(response, object);
      }),
    );
    const onRetry = (message: string) => messages.push(message);
    const client = await opened(connect(accessTo(server), { network: direct, backoff: () => 1, onRetry }));
    await get(client);
    number = 1;
    await get(client);
    assert.deepEqual(
      messages.map((message) => /for up to (\d+) s/.exec(message)?.[1]),
      ['10', '60'],
    );
  });

  describe('that changes something', () => {
    const writes: Record<string, (client: KubernetesClient) => Promise<unknown>> = {
      create: (client) => client.create(configMaps, 'shop', object),
      replace: (client) => client.replace(configMaps, 'shop', 'a', object),
      'JSON patch': (client) => client.jsonPatch(configMaps, 'shop', 'a', [{ op: 'remove', path: '/x' }]),
      'merge patch': (client) => client.mergePatch(configMaps, 'shop', 'a', {}),
      'delete by name alone': (client) => client.delete(configMaps, 'shop', 'a'),
      'raw POST': (client) => client.request({ method: 'POST', path: '/x', body: {} }),
    };
    for (const [what, write] of Object.entries(writes)) {
      it(`is not sent again when what became of it is unknown: ${what}`, async () => {
        for (const fail of [reset, halfBody, brokenGzip]) {
          const { client, server } = await rig(failing(1, fail));
          await assert.rejects(write(client), { name: 'UnreachableError' });
          assert.equal(server.received.length, 1);
        }
        const { client, server } = await rig(failing(1, (response) => refuse(response, 503, 'down')));
        await assert.rejects(write(client), { status: 503 });
        assert.equal(server.received.length, 1);
      });

      it(`is sent again when the server was too busy to act on it: ${what}`, async () => {
        const { client, server } = await rig(failing(1, (response) => refuse(response, 429, 'busy')));
        await write(client);
        assert.equal(server.received.length, 2);
      });
    }

    const harmless: Record<string, (client: KubernetesClient) => Promise<unknown>> = {
      'server-side apply': (client) =>
        client.apply(configMaps, 'shop', 'a', object, { fieldManager: 'm', force: true }),
      'delete guarded by a uid': (client) => client.delete(configMaps, 'shop', 'a', { uid: 'u' }),
      'dry run of a create': (client) => client.create(configMaps, 'shop', object, { dryRun: true }),
      'dry run of a delete': (client) => client.delete(configMaps, 'shop', 'a', { dryRun: true }),
      'dry run of a patch': (client) => client.mergePatch(configMaps, 'shop', 'a', {}, { dryRun: true }),
    };
    for (const [what, write] of Object.entries(harmless)) {
      it(`is sent again when that does no harm: ${what}`, async () => {
        const { client, server } = await rig(failing(1, reset));
        await write(client);
        assert.equal(server.received.length, 2);
      });
    }

    it('is sent again when no connection was made, as it cannot have arrived', async () => {
      const first = await stubServer((_request, response) => answer(response, object));
      const { port } = first;
      await first.close();
      let attempts = 0;
      const client = await opened(
        connect(accessTo({ url: `https://127.0.0.1:${port}` }), {
          network: direct,
          retryBudget: 400,
          backoff: () => {
            attempts += 1;
            return attempts === 3 ? 10_000 : 1;
          },
        }),
      );
      await assert.rejects(client.create(configMaps, 'shop', object), { name: 'UnreachableError' });
      assert.equal(client.statistics.retries, 2);
    });
  });

  describe('that is refused', () => {
    it('renews the credentials once after a 401, for all requests together', async () => {
      let asked = 0;
      let token = 'old';
      const credentials = async ({ refresh }: { refresh: boolean }) => {
        if (refresh) {
          asked += 1;
          await new Promise((resolve) => setTimeout(resolve, 5));
          token = 'new';
        }
        return { authorization: `Bearer ${token}` };
      };
      const { client } = await rig(
        (request, response) =>
          request.headers.authorization === 'Bearer new'
            ? answer(response, object)
            : refuse(response, 401, 'Unauthorized'),
        { credentials },
      );
      await Promise.all(Array.from({ length: 50 }, () => get(client)));
      assert.equal(asked, 1);
      assert.equal(client.statistics.retries, 0, 'a renewal is no retry');
    });

    it('says so when the new credentials are refused as well', async () => {
      let asked = 0;
      const { client, server } = await rig((_request, response) => refuse(response, 401, 'Unauthorized'), {
        credentials: async ({ refresh }) => {
          if (refresh) asked += 1;
          return { authorization: `Bearer ${asked}` };
        },
      });
      await assert.rejects(get(client), {
        name: 'KubernetesNotPermittedError',
        status: 401,
        outcome: 'forbidden',
        message: `${server.url} (the tester) did not accept who we are (401: Unauthorized). The token or certificate of the connection is wrong, expired or of another cluster.`,
      });
      assert.equal(asked, 1);
      assert.equal(server.received.length, 2);
    });

    it('is not sent twice with a token that nobody can renew', async () => {
      const { client, server } = await rig((_request, response) => refuse(response, 401, 'Unauthorized'));
      await assert.rejects(get(client), { status: 401 });
      assert.equal(server.received.length, 1);
    });

    it('asks again for credentials after a renewal that failed', async () => {
      let broken = true;
      let token = 'old';
      const { client } = await rig(
        (request, response) =>
          request.headers.authorization === 'Bearer new'
            ? answer(response, object)
            : refuse(response, 401, 'Unauthorized'),
        {
          credentials: async ({ refresh }) => {
            if (refresh && broken) throw new Error('the identity provider is away');
            if (refresh) token = 'new';
            return { authorization: `Bearer ${token}` };
          },
        },
      );
      await assert.rejects(get(client), { message: 'the identity provider is away' });
      broken = false;
      assert.deepEqual(await get(client), object);
    });

    it('repeats the server’s own words after a 403', async () => {
      const said =
        'configmaps "a" is forbidden: User "ci" cannot get resource "configmaps" in API group "" in the namespace "shop"';
      const { client, server } = await rig((_request, response) => refuse(response, 403, said));
      await assert.rejects(get(client), {
        name: 'KubernetesNotPermittedError',
        status: 403,
        message: `Not permitted by ${server.url}: ${said}`,
      });
    });

    it('carries the reason and the causes of the answer', async () => {
      const causes = [{ reason: 'FieldValueInvalid', message: 'must be unique', field: 'spec.ports' }];
      const { client } = await rig((_request, response) =>
        answer(response, { kind: 'Status', code: 422, reason: 'Invalid', message: 'no', details: { causes } }, 422),
      );
      await assert.rejects(get(client), { status: 422, reason: 'Invalid', causes });
    });
  });

  describe('to something that is no Kubernetes API server', () => {
    const notKubernetes = { name: 'InputError', message: /is not a Kubernetes API server, or a gateway or login page/ };
    for (const [what, reply] of Object.entries<(response: ServerResponse) => void>({
      'a page of HTML': (response) => answer(response, '<!doctype html><title>Sign in</title>'),
      'a page of HTML that is not found': (response) => answer(response, '<html>404</html>', 404),
      'another API’s "not found"': (response) => answer(response, { error: 'NotFound' }, 404),
      'a redirect to a login page': (response) => answer(response, '', 302, { location: 'https://login.example' }),
      nothing: (response) => answer(response, ''),
      'a JSON list': (response) => answer(response, '[]'),
      'JSON null': (response) => answer(response, 'null'),
    })) {
      it(`says so: ${what}`, async () => {
        const { client, server } = await rig((_request, response) => reply(response));
        await assert.rejects(get(client), notKubernetes);
        assert.equal(server.received.length, 1);
      });
    }

    it('never takes another program’s 404 for an object that is gone, but the API server’s own', async () => {
      const { client } = await rig((request, response) =>
        request.url.includes('html') ? answer(response, '<html>', 404) : answer(response, '404 page not found\n', 404),
      );
      await assert.rejects(client.delete(configMaps, 'shop', 'html'), notKubernetes);
      assert.equal(await client.get(configMaps, 'shop', 'a'), undefined);
      await assert.rejects(client.version(), notKubernetes);
    });

    it('says that a plain http server does not speak TLS', async () => {
      const plain = await opened(httpServer((_request, response) => response.end('hello')));
      const client = await opened(connect(accessTo({ url: `https://127.0.0.1:${plain.port}` }), options));
      await assert.rejects(get(client), { name: 'InputError', message: /does not speak TLS/ });
      assert.equal(client.statistics.retries, 0);
    });

    it('says that an API server, which answers so, wants https', async () => {
      const text = 'Client sent an HTTP request to an HTTPS server.\n';
      const plain = await opened(httpServer((_request, response) => response.writeHead(400).end(text)));
      const client = await opened(connect(accessTo({ url: `http://127.0.0.1:${plain.port}` }), options));
      await assert.rejects(get(client), { name: 'InputError', message: /write its address with https/ });
    });
  });

  it('says that nobody listens, that the name is unknown, and what to check', async () => {
    const gone = await stubServer(() => undefined);
    await gone.close();
    const refused = await opened(connect(accessTo(gone), { ...options, retryBudget: 20 }));
    await assert.rejects(get(refused), {
      name: 'UnreachableError',
      outcome: 'connectionLost',
      message:
        /^No answer from https:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED .*Check that the agent can reach the address/,
    });
    const unknown = await opened(
      connect(accessTo({ url: 'https://cluster.invalid' }), { ...options, retryBudget: 20 }),
    );
    await assert.rejects(get(unknown), {
      name: 'UnreachableError',
      message: /^No answer from https:\/\/cluster\.invalid: getaddrinfo .*The name is not known to this agent/,
    });
  });

  it('takes answers of tens of megabytes', async () => {
    const items = Array.from({ length: 400 }, (_, index) => ({
      metadata: { name: `n${index}` },
      data: { x: 'y'.repeat(100_000) },
    }));
    const text = JSON.stringify({ items, metadata: { resourceVersion: '7' } });
    const { client } = await rig((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text, { level: 1 }));
    });
    assert.equal((await client.list(configMaps)).items.length, 400);
  });

  it('counts what was sent by its verb', async () => {
    const { client } = await rig((_request, response) => answer(response, { items: [] }));
    await client.list(configMaps);
    await client.get(configMaps, 'shop', 'a');
    await client.apply(configMaps, 'shop', 'a', object, { fieldManager: 'm', force: false });
    await client.apply(configMaps, 'shop', 'a', object, { fieldManager: 'm', force: false, dryRun: true });
    await client.delete(configMaps, 'shop', 'a');
    assert.deepEqual(client.statistics, {
      total: 5,
      retries: 0,
      byVerb: { list: 1, get: 1, apply: 1, dryRun: 1, delete: 1 },
    });
  });

  describe('that is cancelled', () => {
    const cancelled = { name: 'CancelledError', outcome: 'canceled' };
    for (const [what, handle] of Object.entries<Handler>({
      'before the answer': () => undefined,
      'in the middle of the body': (_request, response) => void response.writeHead(200).write('{'),
      'while it waits to be tried again': (_request, response) => refuse(response, 503, 'x', { 'retry-after': '30' }),
    })) {
      it(`ends at once: ${what}`, async () => {
        const abort = new AbortController();
        const server = await opened(stubServer(handle));
        const client = await opened(
          connect(accessTo(server), { network: direct, signal: abort.signal, retryBudget: 60_000 }),
        );
        const reads = Promise.allSettled([get(client), client.create(configMaps, 'shop', object), client.version()]);
        while (server.received.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
        const started = Date.now();
        abort.abort();
        const results = await reads;
        assert.ok(Date.now() - started < 500, 'prompt');
        for (const [index, result] of results.entries()) {
          assert.equal(result.status, 'rejected');
          // A write is not tried again, so it had its answer already.
          if (index !== 1 || !what.includes('again')) assert.equal(result.reason.name, cancelled.name);
        }
        await client.close();
        while (server.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      });
    }

    it('is not sent at all when it was cancelled before, nor waits for credentials', async () => {
      const { server } = await rig((_request, response) => answer(response, object));
      const late = connect(accessTo(server), { ...options, signal: AbortSignal.abort() });
      await assert.rejects(get(late), cancelled);
      assert.equal(server.received.length, 0);
      const abort = new AbortController();
      const never = connect(accessTo(server, { credentials: () => new Promise(() => undefined) }), {
        ...options,
        signal: abort.signal,
      });
      const waiting = assert.rejects(get(never), cancelled);
      abort.abort();
      await waiting;
    });

    it('ends by its own signal and by the one of the client', async () => {
      for (const own of [true, false]) {
        const abort = new AbortController();
        const other = new AbortController();
        const server = await opened(stubServer(() => undefined));
        const client = await opened(
          connect(accessTo(server), { ...options, signal: own ? other.signal : abort.signal }),
        );
        const signal = own ? abort.signal : other.signal;
        const request = assert.rejects(client.request({ method: 'GET', path: '/x', signal }), cancelled);
        while (server.received.length < 1) await new Promise((resolve) => setTimeout(resolve, 1));
        abort.abort();
        await request;
      }
    });
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import type { WatchEvent } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { lines } from '../../../lib/ports/kubernetes/watch-stream.ts';
import { accessTo, answer, cleanUp, configMaps, direct, type Handler, refuse, stubServer } from './stub-server.ts';

const object = (name: string) => ({ kind: 'ConfigMap', metadata: { name, resourceVersion: '1' } });
const event = (type: string, content: object) => `${JSON.stringify({ type, object: content })}\n`;
const { signal: never } = new AbortController();

describe('a watch', () => {
  const opened = cleanUp();

  async function rig(handle: Handler, signal?: AbortSignal) {
    const server = await opened(stubServer(handle));
    const client = await opened(
      connect(accessTo(server), { network: direct, retryBudget: 100, ...(signal && { signal }) }),
    );
    return { server, client };
  }

  async function events(handle: Handler): Promise<WatchEvent[]> {
    const { client } = await rig(handle);
    const all: WatchEvent[] = [];
    for await (const one of client.watch(configMaps, { resourceVersion: '1', signal: never })) all.push(one);
    return all;
  }

  it('asks for bookmarks, from a version, with its selectors, and to be closed in time', async () => {
    const { client, server } = await rig((_request, response) => response.end());
    const options = { namespace: 'shop', labelSelector: 'a=b', resourceVersion: '42', signal: never };
    for await (const one of client.watch(configMaps, options)) assert.fail(one.type);
    assert.equal(
      server.received[0]?.url,
      '/api/v1/namespaces/shop/configmaps?watch=1&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=42&labelSelector=a%3Db',
    );
  });

  it('gives every event in order, and ends when the server closes it', async () => {
    const text =
      event('ADDED', object('ä')) +
      event('MODIFIED', object('b')) +
      event('BOOKMARK', { metadata: { resourceVersion: '77' } }) +
      event('DELETED', object('c'));
    assert.deepEqual(await events((_request, response) => response.end(text)), [
      { type: 'ADDED', object: object('ä') },
      { type: 'MODIFIED', object: object('b') },
      { type: 'BOOKMARK', resourceVersion: '77' },
      { type: 'DELETED', object: object('c') },
    ]);
  });

  it('gives events as they come, before the stream ends', async () => {
    let send = (_text: string): unknown => undefined;
    const { client } = await rig((_request, response) => {
      send = (text) => response.write(text);
      send(event('ADDED', object('a')));
    });
    const watch = client.watch(configMaps, { resourceVersion: '1', signal: never })[Symbol.asyncIterator]();
    assert.deepEqual((await watch.next()).value, { type: 'ADDED', object: object('a') });
    send(event('ADDED', object('b')));
    assert.deepEqual((await watch.next()).value, { type: 'ADDED', object: object('b') });
    await watch.return?.();
  });

  it('ends as expired by a 410, as an answer and as an event', async () => {
    const expired = [{ type: 'EXPIRED' }];
    assert.deepEqual(await events((_request, response) => refuse(response, 410, 'too old resource version')), expired);
    const text = event('ERROR', { kind: 'Status', code: 410, message: 'too old resource version' });
    const rest = event('ADDED', object('late'));
    assert.deepEqual(await events((_request, response) => response.end(text + rest)), expired);
  });

  it('fails with the server’s words by any other error', async () => {
    const text = event('ERROR', { kind: 'Status', code: 500, message: 'etcdserver: no leader' });
    await assert.rejects(
      events((_request, response) => response.end(text)),
      { name: 'KubernetesError', status: 500, message: 'The watch of configmaps ended: etcdserver: no leader' },
    );
    await assert.rejects(
      events((_request, response) => refuse(response, 403, 'may not watch')),
      { status: 403, message: /may not watch$/ },
    );
    await assert.rejects(
      events((_request, response) => answer(response, '<html>', 404)),
      { name: 'InputError', message: /is not a Kubernetes API server/ },
    );
  });

  it('that breaks off, or sends no JSON, is an unreachable server and nothing else', async () => {
    const broken = { name: 'UnreachableError', message: /^The watch of configmaps broke off: / };
    await assert.rejects(
      events((_request, response) => response.write(event('ADDED', object('a')), () => response.socket?.destroy())),
      broken,
    );
    await assert.rejects(
      events((_request, response) => response.end('no json\n')),
      broken,
    );
    await assert.rejects(
      events((_request, response) => response.end('{"type":"ADDED"}\n{"type":"ERROR"}\n')),
      broken,
    );
    await assert.rejects(
      events((_request, response) => response.socket?.destroy()),
      { name: 'UnreachableError', message: /^No answer from https:/ },
    );
    const gone = await stubServer(() => undefined);
    await gone.close();
    const client = await opened(connect(accessTo(gone), { network: direct }));
    const watch = client.watch(configMaps, { resourceVersion: '1', signal: never })[Symbol.asyncIterator]();
    await assert.rejects(watch.next(), { name: 'UnreachableError', message: /ECONNREFUSED/ });
  });

  it('renews the credentials once after a 401', async () => {
    let token = 'old';
    const server = await opened(
      stubServer((request, response) =>
        request.headers.authorization === 'Bearer new'
          ? response.end(event('ADDED', object('a')))
          : refuse(response, 401, 'Unauthorized'),
      ),
    );
    const credentials = async ({ refresh }: { refresh: boolean }) => {
      if (refresh) token = 'new';
      return { authorization: `Bearer ${token}` };
    };
    const client = await opened(connect(accessTo(server, { credentials }), { network: direct }));
    const all: string[] = [];
    for await (const one of client.watch(configMaps, { resourceVersion: '1', signal: never })) all.push(one.type);
    assert.deepEqual(all, ['ADDED']);
  });

  const moments: Readonly<Record<string, Handler>> = {
    'before it is sent': () => assert.fail('sent'),
    'before it is answered': () => undefined,
    'while nothing happens': (_request, response) => response.writeHead(200).flushHeaders(),
    'between events': (_request, response) => response.write(event('ADDED', object('a'))),
  };
  for (const own of [true, false]) {
    for (const [moment, handle] of Object.entries(moments)) {
      it(`ends quietly and at once by ${own ? 'its own signal' : 'the signal of the client'} ${moment}`, async () => {
        const abort = new AbortController();
        const { client, server } = await rig(handle, own ? undefined : abort.signal);
        if (moment.includes('sent')) abort.abort();
        const seen: string[] = [];
        const watching = (async () => {
          const signal = own ? abort.signal : never;
          for await (const one of client.watch(configMaps, { resourceVersion: '1', signal })) seen.push(one.type);
        })();
        const inTime = () => abort.signal.aborted || server.received.length > 0;
        while (!inTime()) await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => setTimeout(resolve, 20));
        const started = Date.now();
        abort.abort();
        await watching;
        assert.ok(Date.now() - started < 500);
        assert.deepEqual(seen, moment.includes('events') ? ['ADDED'] : []);
        while (server.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
      });
    }
  }

  it('lets go of its connection when its reader stops', async () => {
    const { client, server } = await rig((_request, response) =>
      response.write(event('ADDED', object('a')).repeat(1000)),
    );
    for await (const one of client.watch(configMaps, { resourceVersion: '1', signal: never })) {
      assert.equal(one.type, 'ADDED');
      break;
    }
    while (server.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('the lines of a stream', () => {
  async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
    let at = 0;
    for (let index = 0; at < bytes.length; index += 1) {
      const end = at + (sizes[index % sizes.length] ?? 1);
      yield bytes.subarray(at, end);
      at = end;
    }
  }

  async function collect(text: string, sizes: readonly number[]): Promise<string[]> {
    const all: string[] = [];
    for await (const line of lines(chunked(Buffer.from(text), sizes))) all.push(line);
    return all;
  }

  it('are the same wherever its chunks end, in the middle of a character too', async () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(line), sizes, async (list, cuts) => {
        const text = list.map((one) => `${one}\n`).join('');
        assert.deepEqual(
          await collect(text, cuts),
          list.filter((one) => one.trim() !== ''),
        );
      }),
    );
  });

  it('leave out a last one that was cut off', async () => {
    assert.deepEqual(await collect('{"a":1}\n{"b"', [3]), ['{"a":1}']);
  });

  it('may be of many megabytes without taking long', async () => {
    const started = Date.now();
    const [line] = await collect(`${'x'.repeat(30_000_000)}\n`, [16_384]);
    assert.equal(line?.length, 30_000_000);
    assert.ok(Date.now() - started < 2000);
  });
});

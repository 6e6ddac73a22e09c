import assert from 'node:assert/strict';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import {
  accessTo,
  answer,
  cleanUp,
  configMaps,
  direct,
  type Handler,
  refuse,
  resourceOf,
  stubServer,
} from './stub-server.ts';

describe('reading and deleting objects', () => {
  const opened = cleanUp();

  async function rig(handle: Handler) {
    const server = await opened(stubServer(handle));
    const client = await opened(connect(accessTo(server), { network: direct, backoff: () => 1, retryBudget: 100 }));
    return { server, client };
  }
  const query = (url: string | undefined) => Object.fromEntries(new URL(`https://h${url}`).searchParams);
  const item = (name: string) => ({ metadata: { name } });

  describe('a list', () => {
    it('is put together from its pages, with apiVersion and kind for every item', async () => {
      const pages = [
        { items: [item('a')], metadata: { continue: 'next page', resourceVersion: '5' } },
        { items: [item('b')], metadata: { continue: '', resourceVersion: '5' } },
      ];
      const { client, server } = await rig((_request, response, number) => answer(response, pages[number - 1]));
      assert.deepEqual(await client.list(resourceOf('apps/v1', 'Deployment', 'deployments'), { namespace: 'shop' }), {
        items: [
          { ...item('a'), apiVersion: 'apps/v1', kind: 'Deployment' },
          { ...item('b'), apiVersion: 'apps/v1', kind: 'Deployment' },
        ],
        resourceVersion: '5',
      });
      assert.deepEqual(
        server.received.map(({ url }) => query(url)),
        [{ limit: '500' }, { limit: '500', continue: 'next page' }],
      );
      assert.ok(server.received[0]?.url.startsWith('/apis/apps/v1/namespaces/shop/deployments?'));
    });

    it('starts again when it expires between two pages, all at once then, and doubles nothing', async () => {
      const { client, server } = await rig((request, response) => {
        const { limit, continue: cursor } = query(request.url);
        if (cursor) refuse(response, 410, 'The provided continue parameter is too old');
        else if (limit) answer(response, { items: [item('a')], metadata: { continue: 'x', resourceVersion: '5' } });
        else answer(response, { items: [item('a'), item('b')], metadata: { resourceVersion: '9' } });
      });
      const { items, resourceVersion } = await client.list(configMaps);
      assert.deepEqual([items.length, resourceVersion, server.received.length], [2, '9', 3]);
    });

    it('does not start again for ever', async () => {
      const { client, server } = await rig((_request, response) => refuse(response, 410, 'gone'));
      await assert.rejects(client.list(configMaps), { status: 410 });
      assert.equal(server.received.length, 2);
    });

    it('asks for metadata only, and selects by labels and fields', async () => {
      const { client, server } = await rig((_request, response) => answer(response, { items: null, metadata: {} }));
      const { items } = await client.list(configMaps, {
        metadataOnly: true,
        labelSelector: 'a=b,c!=d',
        fieldSelector: 'metadata.name=x',
      });
      assert.deepEqual(items, []);
      assert.match(server.received[0]?.headers.accept ?? '', /as=PartialObjectMetadataList;g=meta\.k8s\.io;v=v1/);
      assert.deepEqual(query(server.received[0]?.url), {
        limit: '500',
        labelSelector: 'a=b,c!=d',
        fieldSelector: 'metadata.name=x',
      });
    });
  });

  it('finds no object where there is none', async () => {
    const { client } = await rig((_request, response) => refuse(response, 404, 'configmaps "a" not found'));
    assert.equal(await client.get(configMaps, 'shop', 'a'), undefined);
    assert.equal(await client.delete(configMaps, 'shop', 'a'), undefined);
  });

  it('deletes with what it was told to hold the object to', async () => {
    const { client, server } = await rig((_request, response, number) =>
      answer(response, number === 1 ? { kind: 'Status', status: 'Success' } : { kind: 'ConfigMap', ...item('a') }),
    );
    assert.equal(await client.delete(configMaps, 'shop', 'a', { uid: 'u', resourceVersion: '7' }), undefined);
    assert.deepEqual(
      await client.delete(configMaps, 'shop', 'a', { propagation: 'Orphan', dryRun: true }),
      { kind: 'ConfigMap', ...item('a') },
      'it waits for finalizers',
    );
    assert.deepEqual(
      server.received.map(({ method, body }) => [method, JSON.parse(body)]),
      [
        [
          'DELETE',
          {
            apiVersion: 'v1',
            kind: 'DeleteOptions',
            propagationPolicy: 'Background',
            preconditions: { uid: 'u', resourceVersion: '7' },
          },
        ],
        ['DELETE', { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Orphan', dryRun: ['All'] }],
      ],
    );
  });

  it('sends every write with its content type and options', async () => {
    const { client, server } = await rig((_request, response) => answer(response, {}));
    const options = { fieldManager: 'gitops: a&b', dryRun: true };
    await client.create(configMaps, 'shop', {}, options);
    await client.replace(configMaps, 'shop', 'a', {}, options);
    await client.jsonPatch(configMaps, 'shop', 'a', [{ op: 'test', path: '/x', value: 1 }], options);
    await client.mergePatch(configMaps, 'shop', 'a', { x: null }, options);
    await client.apply(configMaps, 'shop', 'a', {}, { ...options, force: false });
    assert.deepEqual(
      server.received.map(({ method, headers }) => `${method} ${headers['content-type']}`),
      [
        'POST application/json',
        'PUT application/json',
        'PATCH application/json-patch+json',
        'PATCH application/merge-patch+json',
        'PATCH application/apply-patch+yaml',
      ],
    );
    for (const { url } of server.received) {
      const { fieldManager, dryRun } = query(url);
      assert.deepEqual({ fieldManager, dryRun }, { fieldManager: 'gitops: a&b', dryRun: 'All' });
    }
    assert.deepEqual(
      server.received.slice(2, 4).map(({ body }) => JSON.parse(body)),
      [[{ op: 'test', path: '/x', value: 1 }], { x: null }],
    );
  });

  it('says whether an apply created the object', async () => {
    const { client } = await rig((_request, response, number) => answer(response, {}, number === 1 ? 201 : 200));
    const apply = () => client.apply(configMaps, 'shop', 'a', {}, { fieldManager: 'm', force: true });
    assert.deepEqual([(await apply()).created, (await apply()).created], [true, false]);
  });

  describe('logs', () => {
    it('are text, as many lines as asked for', async () => {
      const { client, server } = await rig((_request, response) => response.end('line 1\n{"not": json\n'));
      assert.equal(
        await client.logs('shop', 'web-1', { container: 'app', previous: true, tailLines: 20 }),
        'line 1\n{"not": json\n',
      );
      assert.equal(
        server.received[0]?.url,
        '/api/v1/namespaces/shop/pods/web-1/log?container=app&previous=true&tailLines=20',
      );
    });

    it('are none where a container has not started, or there is no Pod', async () => {
      const { client } = await rig((_request, response, number) =>
        refuse(response, number === 1 ? 400 : 404, 'container "app" in pod "web-1" is waiting to start'),
      );
      assert.equal(await client.logs('shop', 'web-1', { container: 'app' }), undefined);
      assert.equal(await client.logs('shop', 'web-1', { container: 'app' }), undefined);
    });

    it('that may not be read say so', async () => {
      const { client } = await rig((_request, response) => refuse(response, 403, 'pods/log is forbidden'));
      await assert.rejects(client.logs('shop', 'web-1', { container: 'app' }), { status: 403 });
    });
  });
});

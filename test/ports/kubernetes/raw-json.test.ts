import assert from 'node:assert/strict';
import fc from 'fast-check';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import type { Json } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { clusterRole, customResourceDefinition, limitRange, networkPolicy } from './objects-that-models-break.ts';
import { accessTo, answer, cleanUp, configMaps, direct, type StubServer, stubServer } from './stub-server.ts';

describe('bodies on the wire', () => {
  const opened = cleanUp();
  let server: StubServer;

  async function client(reply: (body: string) => unknown = (body) => JSON.parse(body || '{}')) {
    server = await opened(stubServer((request, response) => answer(response, reply(request.body) as object)));
    return opened(connect(accessTo(server), { network: direct }));
  }

  for (const [what, { resource, body }] of Object.entries({
    'the `from` of a NetworkPolicy, without which it admits everybody': networkPolicy,
    'the `default` of a LimitRange': limitRange,
    '`default`, `enum` and `x-kubernetes-*` of a CustomResourceDefinition':
      customResourceDefinition('test.example.com'),
    'an object whose name has upper case': clusterRole,
  })) {
    it(`keeps ${what}, sent and returned by every verb`, async () => {
      const kubernetes = await client();
      const { name } = body.metadata;
      const namespace = resource.namespaced ? 'shop' : '';
      const applied = await kubernetes.apply(resource, namespace, name, body, { fieldManager: 'm', force: true });
      const others = [
        await kubernetes.create(resource, namespace, body),
        await kubernetes.replace(resource, namespace, name, body),
        await kubernetes.mergePatch(resource, namespace, name, body),
      ];
      assert.deepEqual([applied.object, ...others], [body, body, body, body]);
      assert.deepEqual(
        server.received.map((request) => JSON.parse(request.body)),
        [body, body, body, body],
      );
    });
  }

  it('keeps `$ref` of a schema, fields that no version of Kubernetes has, and nothing where nothing was', async () => {
    const kubernetes = await client();
    const body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', fieldOfTomorrow: 1 },
      spec: {
        template: { spec: { containers: [{ name: 'a', newThing: { $ref: '#/x', _from: [null] } }] } },
        empty: {},
      },
      unknownTop: [],
    };
    const { object } = await kubernetes.apply(configMaps, 'shop', 'web', body, { fieldManager: 'm', force: false });
    assert.deepEqual(object, body);
    assert.deepEqual(JSON.parse(server.received[0]?.body ?? ''), body);
  });

  it('returns timestamps and numbers as the server wrote them', async () => {
    const text =
      '{"metadata":{"creationTimestamp":"2026-08-22T10:00:00Z","managedFields":[{"time":"2026-08-22T10:00:00.123456Z"}]}}';
    const kubernetes = await client(() => text);
    assert.equal(JSON.stringify(await kubernetes.get(configMaps, 'shop', 'web')), text);
  });

  it('addresses a name with upper case and a colon as it is', async () => {
    const kubernetes = await client();
    await kubernetes.apply(clusterRole.resource, '', 'MyRole:Admin', clusterRole.body, {
      fieldManager: 'gitops',
      force: true,
    });
    assert.equal(
      server.received[0]?.url,
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/MyRole%3AAdmin?fieldManager=gitops&force=true',
    );
    assert.equal(server.received[0]?.headers['content-type'], 'application/apply-patch+yaml');
  });

  it('keeps any JSON object', async () => {
    const kubernetes = await client();
    const object = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(object, async (generated) => {
        const body = JSON.parse(JSON.stringify(generated)) as Json;
        assert.deepEqual(await kubernetes.create(configMaps, 'shop', body), body);
      }),
      { numRuns: 60 },
    );
  });
});

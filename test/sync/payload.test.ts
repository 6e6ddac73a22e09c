import assert from 'node:assert/strict';
import { parseFieldPath } from '../../lib/core/objects/field-path.ts';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { payloadOf, withoutField } from '../../lib/sync/payload.ts';
import { partOfLabel, syncSet } from '../../lib/sync/sync-set.ts';

const set = syncSet('shop', 'gitops', 'test');

describe('payload', () => {
  it('leaves out what only the server may say, and adds the label of the set to the object itself', () => {
    const exported: KubernetesObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'old',
        uid: '1',
        resourceVersion: '2',
        generation: 3,
        creationTimestamp: '2020-01-01T00:00:00Z',
        managedFields: [],
        labels: { app: 'web' },
      },
      spec: { template: { metadata: { labels: { app: 'web' } } } },
      status: { replicas: 1 },
    };
    assert.deepEqual(payloadOf(exported, set, 'shop'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop', labels: { app: 'web', [partOfLabel]: set.applySetId } },
      spec: { template: { metadata: { labels: { app: 'web' } } } },
    });
  });

  it('names no namespace for cluster-wide objects, even when Git does', () => {
    const role: KubernetesObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x', namespace: 'y' } };
    assert.equal('namespace' in payloadOf(role, set, '').metadata, false);
  });

  const object = {
    spec: {
      replicas: 2,
      containers: [
        { name: 'a', image: '1' },
        { name: 'b', image: '2' },
      ],
      args: ['x', 'y'],
    },
  };
  const cases: [string, unknown][] = [
    ['.spec.replicas', { spec: { containers: object.spec.containers, args: ['x', 'y'] } }],
    [
      '.spec.containers[name="b"].image',
      { spec: { ...object.spec, containers: [{ name: 'a', image: '1' }, { name: 'b' }] } },
    ],
    ['.spec.containers[name="a"]', { spec: { ...object.spec, containers: [{ name: 'b', image: '2' }] } }],
    ['.spec.args[="y"]', { spec: { ...object.spec, args: ['x'] } }],
    ['.spec.args[0]', { spec: { ...object.spec, args: ['y'] } }],
    ['.spec.missing', undefined],
    ['.spec.containers[name="c"].image', undefined],
  ];
  for (const [path, expected] of cases) {
    it(`takes ${path} out${expected === undefined ? ' only when it is there' : ''}, and changes no other place`, () => {
      const before = structuredClone(object);
      assert.deepEqual(withoutField(object, parseFieldPath(path) ?? []), expected);
      assert.deepEqual(object, before);
    });
  }
});

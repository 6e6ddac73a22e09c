import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { configMap, deployment, fieldsOf, scenes, told, yaml } from './scene.ts';

const quiet = { wait: 'none' } as const;

describe('what is sent', function () {
  this.timeout(60_000);
  const scene = scenes();

  it(
    'is what Git says where typed clients lose it: `from`, `default`, validations of a schema, unknown letters in names',
    scene(async (s) => {
      const { r, client, namespace, get } = s;
      const group = `g${randomBytes(4).toString('hex')}.example.com`;
      const ingress = [
        { from: [{ podSelector: { matchLabels: { app: 'shop' } } }], ports: [{ port: 80, protocol: 'TCP' }] },
      ];
      const limits = [{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m' } }];
      const schema = {
        type: 'object',
        properties: {
          spec: {
            type: 'object',
            properties: {
              size: { type: 'integer', default: 1, enum: [1, 2, 3] },
              any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              port: { 'x-kubernetes-int-or-string': true },
            },
            'x-kubernetes-validations': [{ rule: 'self.size < 3', message: 'too big' }],
          },
        },
      };
      const definition: Json = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `boats.${group}` },
        spec: {
          group,
          scope: 'Namespaced',
          names: { kind: 'Boat', plural: 'boats', singular: 'boat', listKind: 'BoatList' },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
        },
      };
      const role: Json = {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: `${namespace}:MyRole:Admin` },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
      };
      const git = yaml(
        role,
        definition,
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'n' },
          spec: { podSelector: {}, ingress },
        },
        { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits } },
        {
          apiVersion: `${group}/v1`,
          kind: 'Boat',
          metadata: { name: 'b' },
          spec: { any: { Anything: [1, 'x', null] }, port: 'http' },
        },
      );
      const rolePath = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${encodeURIComponent(role['metadata'].name)}`;
      try {
        const result = await r.sync(git, quiet);
        assert.equal(result.outcome, 'applied', told(result));
        assert.deepEqual((await get('networking.k8s.io/v1', 'networkpolicies', 'n'))['spec'].ingress, ingress);
        assert.deepEqual((await get('v1', 'limitranges', 'l'))['spec'].limits, limits);
        const live: Json = await client.get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.${group}`);
        assert.deepEqual(live['spec'].versions[0].schema.openAPIV3Schema, schema);
        assert.deepEqual((await client.get(rolePath))['rules'], role['rules']);
        assert.deepEqual((await get(`${group}/v1`, 'boats', 'b'))['spec'], {
          any: { Anything: [1, 'x', null] },
          port: 'http',
          size: 1,
        });
        assert.equal((await r.sync(git, quiet)).outcome, 'noChanges');
        assert.deepEqual([r.requests()['apply'] ?? 0, r.requests()['dryRun'] ?? 0], [0, 0]);
      } finally {
        await client.delete(rolePath);
        await client.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.${group}`);
      }
    }),
  );

  it(
    'may be a ConfigMap of 900 KB, one of whose lines changes',
    scene(async ({ r, get }) => {
      const lines = Array.from({ length: 9000 }, (_, index) => `${index} ${'x'.repeat(92)}`);
      const big = (text: string[]) => yaml(configMap('big', { 'page.html': text.join('\n') }));
      await r.sync(big(lines));
      assert.equal((await get('v1', 'configmaps', 'big'))['data']['page.html'].length, lines.join('\n').length);
      assert.equal((await r.sync(big(lines))).outcome, 'noChanges');
      const changed = await r.sync(big(lines.with(5000, 'changed')));
      assert.equal(changed.outcome, 'applied', changed.summary);
      assert.ok(JSON.stringify(changed).length < 100_000, 'the difference is told, not the whole');
    }),
  );

  it(
    'may be in two versions of one API, and in another version than before, each compared in its own',
    scene(async (s) => {
      const target = (name: string) => ({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } });
      const one = (name: string, max = 5): Json => ({
        apiVersion: 'autoscaling/v1',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name },
        spec: { ...target(name), minReplicas: 1, maxReplicas: max, targetCPUUtilizationPercentage: 50 },
      });
      const two = (name: string, max = 5): Json => ({
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name },
        spec: {
          ...target(name),
          minReplicas: 1,
          maxReplicas: max,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          ],
        },
      });
      const isQuiet = async (git: string) => {
        const again = await s.r.sync(git, quiet);
        assert.equal(again.outcome, 'noChanges', told(again));
        assert.deepEqual([s.r.requests()['apply'] ?? 0, s.r.requests()['dryRun'] ?? 0], [0, 0]);
        assert.equal((await s.r.drift(git)).outcome, 'noDrift');
      };
      const both = yaml(one('a'), two('b'));
      await s.r.sync(both, quiet);
      await isQuiet(both);
      const swapped = yaml(two('a'), one('b'));
      assert.deepEqual(fieldsOf(await s.r.plan(swapped)), [], 'the same in another version');
      await s.r.sync(swapped, quiet);
      await isQuiet(swapped);
      const uid = (await s.get('autoscaling/v2', 'horizontalpodautoscalers', 'a'))['metadata'].uid;
      const changed = await s.r.sync(yaml(one('a', 7), one('b')), quiet);
      assert.deepEqual(fieldsOf(changed), ['spec.maxReplicas 5 7']);
      assert.equal((await s.get('autoscaling/v2', 'horizontalpodautoscalers', 'a'))['metadata'].uid, uid);
      await isQuiet(yaml(one('a', 7), one('b')));
    }),
  );

  it(
    'leaves out what only the server writes, which exported manifests carry',
    scene(async ({ r, get, kubectl }) => {
      await r.sync(yaml(deployment('web', { replicas: 1 })), quiet);
      const exported = JSON.parse(
        await kubectl(['get', 'deployment', 'web', '-o', 'json', '--show-managed-fields']),
      ) as Json;
      const before = await get('apps/v1', 'deployments', 'web');
      exported['metadata'].resourceVersion = '1';
      exported['metadata'].uid = 'of-another-cluster';
      const result = await r.sync(yaml(exported), quiet);
      assert.deepEqual(result.errors, [], told(result));
      assert.equal((await get('apps/v1', 'deployments', 'web'))['metadata'].uid, before['metadata'].uid);
      assert.equal((await r.sync(yaml(exported), quiet)).outcome, 'noChanges');
    }),
  );
});

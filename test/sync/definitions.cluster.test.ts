import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { InputError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { summarize } from './rig.ts';
import { configMap, type Scene, scenes, told, yaml } from './scene.ts';

const protectedToo = { deleteProtectedKinds: ['CustomResourceDefinition', 'Namespace'], maxPrune: 20 };

describe('definitions and namespaces in a set', function () {
  this.timeout(120_000);
  const scene = scenes();

  function definition(group: string, kind: string, scope: 'Namespaced' | 'Cluster', versions = ['v1']): Json {
    const plural = `${kind.toLowerCase()}s`;
    const schema = {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    };
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope,
        names: { kind, plural, singular: kind.toLowerCase() },
        versions: versions.map((name, index) => ({ name, served: true, storage: index === 0, schema })),
      },
    };
  }
  const custom = (group: string, kind: string, name: string, spec: Json = { size: 1 }, version = 'v1'): Json => ({
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name },
    spec,
  });
  const newGroup = () => `g${randomBytes(4).toString('hex')}.example.com`;
  const drop = (s: Scene, group: string, ...plurals: string[]) =>
    Promise.all(
      plurals.map((plural) =>
        s.client.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`),
      ),
    );

  it(
    'come before their resources, namespaced and cluster-wide, in one run; the next one is quiet; and go after them',
    scene(async (s) => {
      const { r, client, namespace } = s;
      const group = newGroup();
      try {
        const definitions = [definition(group, 'Boat', 'Namespaced'), definition(group, 'Sea', 'Cluster')];
        const git = yaml(custom(group, 'Boat', 'a'), custom(group, 'Sea', 'b'), ...definitions);
        const plan = await r.plan(git);
        assert.deepEqual(
          plan.changes.filter((c) => c.reason === 'known after its definition is applied').length,
          2,
          told(plan),
        );
        const first = await r.sync(git);
        assert.equal(first.outcome, 'applied', told(first));
        assert.deepEqual(summarize(first), summarize(plan));
        assert.equal((await r.sync(git)).outcome, 'noChanges');
        assert.deepEqual([r.requests()['apply'] ?? 0, r.requests()['dryRun'] ?? 0], [0, 0]);
        const boats = `/apis/${group}/v1/namespaces/${namespace}/boats`;
        await client.create(boats, custom(group, 'Boat', 'foreign'));
        const kept = await r.sync(yaml(configMap('rest')), protectedToo);
        assert.deepEqual(
          summarize(kept),
          [
            'create ConfigMap rest',
            `keep CustomResourceDefinition.apiextensions.k8s.io boats.${group}`,
            `prune Boat.${group} a`,
            `prune CustomResourceDefinition.apiextensions.k8s.io seas.${group}`,
            `prune Sea.${group} b`,
          ],
          told(kept),
        );
        assert.ok(await client.find(`${boats}/foreign`));
        await client.delete(`${boats}/foreign`);
        const gone = await r.sync(yaml(configMap('rest')), protectedToo);
        assert.deepEqual(
          summarize(gone),
          [`prune CustomResourceDefinition.apiextensions.k8s.io boats.${group}`],
          told(gone),
        );
      } finally {
        await drop(s, group, 'boats', 'seas');
      }
    }),
  );

  it(
    'may bring a new version together with the resource that uses it, which is configured and not made anew',
    scene(async (s) => {
      const group = newGroup();
      try {
        await s.r.sync(yaml(definition(group, 'Boat', 'Namespaced'), custom(group, 'Boat', 'a')));
        const before = await s.get(`${group}/v1`, 'boats', 'a');
        const next = yaml(
          definition(group, 'Boat', 'Namespaced', ['v1', 'v2']),
          custom(group, 'Boat', 'a', { size: 2 }, 'v2'),
        );
        const plan = await s.r.plan(next);
        assert.deepEqual(summarize(plan), [
          `configure Boat.${group} a`,
          `configure CustomResourceDefinition.apiextensions.k8s.io boats.${group}`,
        ]);
        const result = await s.r.sync(next);
        assert.deepEqual(summarize(result), summarize(plan), told(result));
        const after = await s.get(`${group}/v2`, 'boats', 'a');
        assert.deepEqual([after['metadata'].uid, after['spec'].size], [before['metadata'].uid, 2]);
        assert.equal((await s.r.sync(next)).outcome, 'noChanges');
      } finally {
        await drop(s, group, 'boats');
      }
    }),
  );

  it(
    'that somebody removed take their records along, but not while the server of an API is only down',
    scene(async (s) => {
      const group = newGroup();
      const service = `/apis/apiregistration.k8s.io/v1/apiservices`;
      try {
        await s.r.sync(yaml(definition(group, 'Boat', 'Namespaced'), custom(group, 'Boat', 'a'), configMap('rest')));
        await drop(s, group, 'boats');
        await s.client.waitUntilGone(`${service}/v1.${group}`);
        await s.client.create(service, {
          apiVersion: 'apiregistration.k8s.io/v1',
          kind: 'APIService',
          metadata: { name: `v1.${group}` },
          spec: {
            group,
            version: 'v1',
            groupPriorityMinimum: 100,
            versionPriority: 10,
            insecureSkipTLSVerify: true,
            service: { name: 'none', namespace: s.namespace },
          },
        });
        const recorded = async () =>
          (await s.r.status()).changes.map((change) => change.target.kind).filter((kind) => kind.startsWith('Boat'));
        const git = yaml(configMap('rest'));
        const down = await s.r.sync(git, { maxPrune: 5 });
        assert.deepEqual(summarize(down), [`keep Boat.${group} a`], told(down));
        assert.equal((await recorded()).length, 1);
        const declared = s.r.sync(yaml(custom(group, 'Boat', 'a'), configMap('rest')));
        await assert.rejects(declared, /the server of g.*example\.com\/v1 does not answer at the moment/);
        assert.equal((await s.r.status()).changes.find((c) => c.target.name === 'a')?.health, 'Unknown');
        await s.client.delete(`${service}/v1.${group}`);
        await s.client.waitUntilGone(`${service}/v1.${group}`);
        await s.r.sync(git, { maxPrune: 5 });
        assert.deepEqual(await recorded(), []);
      } finally {
        await s.client.delete(`${service}/v1.${group}`);
        await drop(s, group, 'boats');
      }
    }),
  );

  it(
    'of namespaces hold what is declared in them, also the inventory itself, and a bare Pod',
    scene(async ({ cluster, rigWith, client, namespace }) => {
      const home = `${namespace}-home`;
      const other = `${namespace}-other`;
      const ns = (name: string): Json => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const pod: Json = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'bare', namespace: other, annotations: { 'test.gitops.pipelines/termination': '100' } },
        spec: { containers: [{ name: 'c', image: 'web:1' }] },
      };
      const r = rigWith({ namespace: home, set: home, kubeconfig: cluster.kubeconfig });
      const git = yaml(configMap('a'), configMap('b', {}, { namespace: other }), pod, ns(home), ns(other));
      try {
        const plan = await r.plan(git);
        const result = await r.sync(git);
        assert.equal(result.outcome, 'applied', told(result));
        assert.deepEqual(summarize(result), summarize(plan));
        assert.equal((await r.sync(git)).outcome, 'noChanges');
        const left = await r.sync(
          yaml(configMap('a'), ns(home), configMap('b', {}, { namespace: other })),
          protectedToo,
        );
        assert.deepEqual(summarize(left), [`keep Namespace ${other}`, 'prune Pod bare'], told(left));
        assert.match(left.changes.find((c) => c.action === 'keep')?.reason ?? '', /ConfigMap .*-other\/b/);
        const destroyed = await r.destroy({ deleteProtectedKinds: ['Namespace'] });
        assert.equal(destroyed.outcome, 'destroyed', told(destroyed));
        for (const name of [home, other])
          assert.equal(await client.find(`/api/v1/namespaces/${name}`), undefined, name);
      } finally {
        for (const name of [home, other]) await client.delete(`/api/v1/namespaces/${name}`);
      }
    }),
  );

  it(
    'that are missing are named, of objects and of the inventory, before anything is written',
    scene(async ({ r, rigWith, namespace, find }) => {
      const nowhere = configMap('lost', {}, { namespace: `${namespace}-none` });
      await assert.rejects(r.sync(yaml(configMap('a'), nowhere)), (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, /test\.yaml:2: Namespace .*-none does not exist, and Git does not declare it/);
        return true;
      });
      assert.equal(await find('v1', 'configmaps', 'a'), undefined);
      const r2 = rigWith({ inventoryNamespace: `${namespace}-none` });
      await assert.rejects(r2.sync(yaml(configMap('a'))), (error: unknown) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, /Namespace .*-none does not exist, and the inventory of .* is to be kept there/);
        return true;
      });
      assert.equal(await find('v1', 'configmaps', 'a'), undefined);
    }),
  );
});

import assert from 'node:assert/strict';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { type Cluster, sharedCluster, withNamespace } from '../cluster/index.ts';
import { rig, summarize } from './rig.ts';

const app = (image: string, more = '') => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { greeting: hello }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "${image}" }] }
${more}`;

describe('sync against a real API server', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await sharedCluster();
  });
  const inNamespace = (test: (namespace: string) => Promise<void>) => () => withNamespace(cluster, test);
  const rigIn = (namespace: string) => rig({ kubeconfig: cluster.kubeconfig, set: namespace, namespace });

  it(
    'creates what Git declares, waits until it is healthy, and then finds nothing to do',
    inNamespace(async (namespace) => {
      const r = rigIn(namespace);
      const first = await r.sync(app('web:1'));
      assert.equal(first.outcome, 'applied', JSON.stringify(first, null, 1));
      assert.deepEqual(summarize(first), [
        'create ConfigMap settings',
        'create Deployment.apps web',
        'create Service web',
      ]);
      assert.equal(first.changes.find((c) => c.target.kind === 'Deployment.apps')?.health, 'Healthy');
      const second = await r.sync(app('web:1'));
      assert.equal(second.outcome, 'noChanges', JSON.stringify(second, null, 1));
      const { apply = 0, dryRun = 0, patch = 0 } = r.requests();
      assert.deepEqual({ apply, dryRun, patch }, { apply: 0, dryRun: 0, patch: 0 }, 'nothing is asked for each object');
    }),
  );

  it(
    'shows a change field by field in a plan and writes nothing',
    inNamespace(async (namespace) => {
      const r = rigIn(namespace);
      await r.sync(app('web:1'), { wait: 'none' });
      const plan = await r.plan(app('web:2'));
      assert.equal(plan.outcome, 'planHasChanges');
      const change = plan.changes.find((c) => c.action === 'configure');
      assert.deepEqual(
        change?.fields.map(({ path, before, after }) => ({ path, before, after })),
        [{ path: 'spec.template.spec.containers[name=web].image', before: 'web:1', after: 'web:2' }],
      );
      const live: Json = await cluster.client().get(`/apis/apps/v1/namespaces/${namespace}/deployments/web`);
      assert.equal(live['spec'].template.spec.containers[0].image, 'web:1');
    }),
  );

  it(
    'prunes what Git no longer declares, and only that',
    inNamespace(async (namespace) => {
      const r = rigIn(namespace);
      const extra = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: extra }\n';
      await r.sync(app('web:1', extra), { wait: 'none' });
      const client = cluster.client();
      await client.create(`/api/v1/namespaces/${namespace}/configmaps`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'foreign', labels: { 'applyset.kubernetes.io/part-of': partOf(await parent(namespace)) } },
      });
      const result = await r.sync(app('web:1'));
      assert.equal(result.outcome, 'applied', JSON.stringify(result, null, 1));
      assert.deepEqual(summarize(result), ['prune ConfigMap extra', 'skip ConfigMap foreign']);
      assert.equal(await client.find(`/api/v1/namespaces/${namespace}/configmaps/extra`), undefined);
      assert.ok(
        await client.find(`/api/v1/namespaces/${namespace}/configmaps/foreign`),
        'a stray with our label stays',
      );
    }),
  );

  it(
    'finds what was changed by hand, tells who, and puts it back',
    inNamespace(async (namespace) => {
      const r = rigIn(namespace);
      await r.sync(app('web:1'), { wait: 'none' });
      const client = cluster.client();
      await client.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/web?fieldManager=kubectl-edit`, {
        spec: {
          replicas: 5,
          template: { spec: { containers: [{ name: 'web', image: 'web:1', env: [{ name: 'DEBUG', value: '1' }] }] } },
        },
      });
      await client.patch(`/api/v1/namespaces/${namespace}/configmaps/settings?fieldManager=kubectl-edit`, {
        data: { added: 'by hand' },
      });
      const drift = await r.drift(app('web:1'));
      assert.equal(drift.outcome, 'driftDetected', JSON.stringify(drift, null, 1));
      const fields = drift.changes
        .flatMap((c) => c.fields.map((f) => `${f.path} ${f.before} ${f.after} ${f.setBy}`))
        .sort();
      assert.deepEqual(fields, [
        'data.added by hand undefined kubectl-edit',
        'spec.replicas 5 2 kubectl-edit',
        'spec.template.spec.containers[name=web].env [{name: DEBUG, value: "1"}] undefined kubectl-edit',
      ]);
      const back = await r.sync(app('web:1'));
      assert.equal(back.outcome, 'driftCorrected', JSON.stringify(back, null, 1));
      const live: Json = await client.get(`/apis/apps/v1/namespaces/${namespace}/deployments/web`);
      assert.equal(live['spec'].replicas, 2);
      assert.equal(live['spec'].template.spec.containers[0].env, undefined);
      const settings = await client.get(`/api/v1/namespaces/${namespace}/configmaps/settings`);
      assert.deepEqual(settings['data'], { greeting: 'hello' });
      assert.equal((await r.sync(app('web:1'))).outcome, 'noChanges');
      assert.equal((await r.drift(app('web:1'))).outcome, 'noDrift');
    }),
  );

  it(
    'refuses a rejected object before the first write, naming its place',
    inNamespace(async (namespace) => {
      const r = rigIn(namespace);
      const bad =
        '---\napiVersion: v1\nkind: Service\nmetadata: { name: bad }\nspec: { ports: [{ port: 99999999 }] }\n';
      await assert.rejects(r.sync(app('web:1', bad)), (error: Error) => {
        assert.match(error.message, /test\.yaml:4: Service .*\/bad: .*spec\.ports\[0\]\.port/);
        return true;
      });
      const left = await cluster.client().list(`/api/v1/namespaces/${namespace}/configmaps`);
      assert.deepEqual(
        left.map((item: Json) => item['metadata'].name),
        ['kube-root-ca.crt'],
      );
    }),
  );

  it(
    'destroys everything that it made and leaves no trace of itself',
    inNamespace(async (namespace) => {
      const r = rigIn(namespace);
      const secret = '---\napiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { password: aHVudGVyMg== }\n';
      await r.sync(app('web:1', secret));
      assert.equal((await r.status()).outcome, 'status');
      const result = await r.destroy();
      assert.equal(result.outcome, 'destroyed', JSON.stringify(result, null, 1));
      const client = cluster.client();
      const left = await client.list(`/api/v1/namespaces/${namespace}/configmaps`);
      assert.deepEqual(
        left.map((item: Json) => item['metadata'].name),
        ['kube-root-ca.crt'],
      );
      assert.deepEqual(await client.list(`/api/v1/namespaces/${namespace}/secrets`), []);
      assert.deepEqual(await client.list(`/apis/apps/v1/namespaces/${namespace}/deployments`), []);
    }),
  );

  const parent = async (namespace: string) =>
    cluster.client().get(`/api/v1/namespaces/${namespace}/configmaps/gitops-sync-${namespace}`);
  const partOf = (object: Record<string, unknown>) =>
    (object['metadata'] as { labels: Record<string, string> }).labels['applyset.kubernetes.io/id'] ?? '';
});

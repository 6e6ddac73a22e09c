import assert from 'node:assert/strict';
import { ConflictError, InputError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { type Cluster, sharedCluster, withNamespace } from '../cluster/index.ts';
import { commitOf, rig, summarize } from './rig.ts';

const configMap = (name: string, value: string) => `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name} }
data: { value: "${value}" }
`;
const secret = (value: string) => `
---
apiVersion: v1
kind: Secret
metadata: { name: login }
data: { password: ${Buffer.from(value).toString('base64')} }
`;
const deployment = (image: string) => `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  progressDeadlineSeconds: 5
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "${image}" }] }
`;

describe('revisions in the cluster', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await sharedCluster();
  });
  const inNamespace = (test: (namespace: string) => Promise<void>) => () => withNamespace(cluster, test);
  const rigIn = (namespace: string) => rig({ kubeconfig: cluster.kubeconfig, set: namespace, namespace });
  const value = async (namespace: string, name: string) =>
    ((await cluster.client().find(`/api/v1/namespaces/${namespace}/configmaps/${name}`)) as Json | undefined)?.['data']
      ?.value;

  describe('plan, approve, apply', () => {
    it(
      'applies exactly the approved plan, without rendering again, on any agent that knows its digest',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        await r.sync(configMap('a', '1') + configMap('old', '1') + secret('first-secret'));
        const plan = await r.plan(configMap('a', '2') + secret('second-secret'), { planStore: 'cluster' });
        assert.match(plan.plan?.digest ?? '', /^[0-9a-f]{64}$/);
        assert.ok(!JSON.stringify(plan).includes('second-secret'));
        const other = rigIn(namespace);
        const applied = await other.apply((plan.plan?.digest ?? '').slice(0, 12));
        assert.equal(applied.outcome, 'applied', JSON.stringify(applied, null, 1));
        assert.deepEqual(summarize(applied), [
          'configure ConfigMap a',
          'configure Secret login',
          'prune ConfigMap old',
        ]);
        assert.equal(await value(namespace, 'a'), '2');
        const live: Json = await cluster.client().get(`/api/v1/namespaces/${namespace}/secrets/login`);
        assert.equal(Buffer.from(live['data'].password, 'base64').toString(), 'second-secret');
      }),
    );

    it(
      'is refused a second time, and for a digest that nobody made',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        const plan = await r.plan(configMap('a', '1'), { planStore: 'cluster' });
        await r.apply(plan.plan?.digest ?? '');
        await assert.rejects(
          r.apply(plan.plan?.digest ?? ''),
          (error: Error) => error instanceof ConflictError && /applied already/.test(error.message),
        );
        await assert.rejects(
          r.apply('0123456789ab'),
          (error: Error) => error instanceof InputError && /There is no plan/.test(error.message),
        );
      }),
    );

    for (const [what, change] of [
      [
        'another run deployed meanwhile',
        async (namespace: string) => {
          await rigIn(namespace).sync(configMap('a', '5'));
        },
      ],
      [
        'somebody changed the object by hand',
        async (namespace: string) => {
          await cluster
            .client()
            .patch(`/api/v1/namespaces/${namespace}/configmaps/a?fieldManager=kubectl-edit`, { data: { value: '7' } });
        },
      ],
      [
        'the object was deleted and made anew',
        async (namespace: string) => {
          const client = cluster.client();
          await client.delete(`/api/v1/namespaces/${namespace}/configmaps/a`);
        },
      ],
    ] as const) {
      it(
        `is stale when ${what}, and changes nothing`,
        inNamespace(async (namespace) => {
          const r = rigIn(namespace);
          await r.sync(configMap('a', '1') + configMap('b', '1'));
          const plan = await r.plan(configMap('a', '2') + configMap('b', '2'), { planStore: 'cluster' });
          await change(namespace);
          const result = await r.apply(plan.plan?.digest ?? '');
          assert.equal(result.outcome, 'planStale', JSON.stringify(result));
          assert.match(result.summary, /Make a new plan/);
          assert.notEqual(await value(namespace, 'a'), '2');
        }),
      );
    }

    it(
      'may delete more than the limit when that was approved',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        const many = Array.from({ length: 4 }, (_, index) => configMap(`m${index}`, '1')).join('');
        await r.sync(many + configMap('a', '1'));
        assert.equal((await r.sync(configMap('a', '1'))).outcome, 'pruneHeld');
        const plan = await r.plan(configMap('a', '1'), { planStore: 'cluster' });
        const applied = await r.apply(plan.plan?.digest ?? '');
        assert.equal(
          applied.changes.filter((change) => change.action === 'prune' && change.state === 'done').length,
          4,
        );
      }),
    );
  });

  describe('rollback', () => {
    it(
      'goes back to the previous revision, deletes what the bad commit made, and holds that commit until another or a release',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        const good = configMap('a', 'good') + secret('good-secret');
        const bad = configMap('a', 'bad') + configMap('new1', '1') + configMap('new2', '1') + secret('bad-secret');
        await r.sync(good);
        await r.sync(bad);
        const back = await r.rollback();
        assert.equal(back.outcome, 'rolledBack', JSON.stringify(back, null, 1));
        assert.equal(await value(namespace, 'a'), 'good');
        assert.equal(await value(namespace, 'new1'), undefined);
        assert.equal(await value(namespace, 'new2'), undefined);
        const live: Json = await cluster.client().get(`/api/v1/namespaces/${namespace}/secrets/login`);
        assert.equal(Buffer.from(live['data'].password, 'base64').toString(), 'good-secret');

        const held = await r.sync(bad);
        assert.equal(held.outcome, 'held');
        assert.match(held.summary, new RegExp(commitOf(bad).slice(0, 10)));
        assert.equal(await value(namespace, 'a'), 'good');
        assert.equal((await r.drift(bad)).outcome, 'held');
        assert.equal((await r.sync(bad, { release: true })).outcome, 'applied');
        assert.equal(await value(namespace, 'a'), 'bad');
        assert.equal((await r.sync(bad)).outcome, 'noChanges', 'released for good');
      }),
    );

    it(
      'ends the hold when another commit is deployed',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        await r.sync(configMap('a', '1'));
        await r.sync(configMap('a', '2'));
        await r.rollback();
        assert.equal((await r.sync(configMap('a', '3'))).outcome, 'applied');
        assert.equal((await r.sync(configMap('a', '2'))).outcome, 'applied', 'no longer held');
      }),
    );

    it(
      'happens by itself after a failure, when asked, and leaves the run failed',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        await r.sync(deployment('web:1') + configMap('a', '1'));
        const result = await r.sync(deployment('web:does-not-exist') + configMap('a', '2') + configMap('b', '1'), {
          rollbackOnFailure: true,
          timeout: 60_000,
        });
        assert.equal(result.outcome, 'rolledBack', JSON.stringify(result, null, 1));
        assert.equal(result.taskResult, 'Failed');
        assert.match(result.summary, /went back to revision 1/);
        assert.equal(await value(namespace, 'a'), '1');
        assert.equal(await value(namespace, 'b'), undefined);
        const live: Json = await cluster.client().get(`/apis/apps/v1/namespaces/${namespace}/deployments/web`);
        assert.equal(live['spec'].template.spec.containers[0].image, 'web:1');
      }),
    );

    it(
      'after the very first deployment has nothing to go back to and says so',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        const result = await r.sync(deployment('web:does-not-exist'), { rollbackOnFailure: true, timeout: 60_000 });
        assert.equal(result.outcome, 'healthFailed');
        assert.ok(result.warnings.some((warning) => /no earlier revision/.test(warning.message)));
        await assert.rejects(r.rollback(), /no earlier revision/);
      }),
    );

    it(
      'goes to a named revision, and the last five are kept',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        for (let number = 1; number <= 7; number += 1) await r.sync(configMap('a', String(number)));
        await assert.rejects(
          r.rollback({ revision: '2' }),
          /There is no revision 2 .*kept are 7 .*, 6 .*, 5 .*, 4 .*, 3 /,
        );
        assert.equal((await r.rollback({ revision: '4' })).outcome, 'rolledBack');
        assert.equal(await value(namespace, 'a'), '4');
      }),
    );

    it(
      'leaves nothing behind after destroy',
      inNamespace(async (namespace) => {
        const r = rigIn(namespace);
        await r.sync(configMap('a', '1') + secret('x-secret'));
        await r.plan(configMap('a', '2'), { planStore: 'cluster', maxPrune: 5 });
        await r.destroy();
        assert.deepEqual(await cluster.client().list(`/api/v1/namespaces/${namespace}/secrets`), []);
      }),
    );
  });
});

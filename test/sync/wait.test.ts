import assert from 'node:assert/strict';
import { CancelledError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { type WaitOptions, type WaitTarget, waitForHealth } from '../../lib/sync/wait.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetes, resource } from './fake-kubernetes.ts';
import { deployment, deployments, ended, startWait, statuses, target } from './wait-rig.ts';

describe('waiting for health', () => {
  let clock: FakeClock;
  let cluster: FakeKubernetes;

  beforeEach(() => {
    clock = createFakeClock();
    cluster = createFakeKubernetes(clock.now);
  });

  const start = (targets: readonly WaitTarget[], options?: Partial<WaitOptions>) =>
    startWait(cluster, clock, targets, options);

  it('ends as soon as everything is healthy', async () => {
    cluster.put(deployment('web'));
    const running = start([target(deployments, 'web')]);
    await clock.advance(100);
    assert.deepEqual(statuses(ended(running)), [['Deployment.apps shop/web', 'Healthy', 'healthy']]);
    assert.equal(cluster.openWatches(), 0);
  });

  it('sees by its watch what becomes healthy, without another request', async () => {
    cluster.put(deployment('web', { available: 0 }));
    const running = start([target(deployments, 'web')]);
    await clock.advance(1_500);
    const before = cluster.asked.length;
    cluster.put(deployment('web'));
    await clock.advance(100);
    const result = ended(running);
    assert.equal(result.outcome, 'healthy');
    assert.ok(result.objects[0]!.ms >= 1_500 && result.objects[0]!.ms <= 1_600);
    assert.equal(cluster.asked.length, before);
    assert.deepEqual(cluster.asked.slice(0, 2), ['list deployments shop', 'watch deployments shop']);
  });

  it('lists and watches each kind of a namespace once, however many objects there are', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `web-${index}`);
    for (const name of names) cluster.put(deployment(name));
    const running = start(names.map((name) => target(deployments, name)));
    await clock.advance(100);
    assert.equal(ended(running).outcome, 'healthy');
    assert.deepEqual(
      cluster.asked.filter((request) => request.startsWith('list')),
      ['list deployments shop'],
    );
    assert.ok(cluster.asked.every((request) => !request.startsWith('get')));
  });

  it('watches a kind in the whole cluster once when all targets carry a label', async () => {
    for (const namespace of ['a', 'b', 'c']) cluster.put(deployment('web', { namespace }));
    const running = start(
      ['a', 'b', 'c'].map((namespace) => target(deployments, 'web', { namespace })),
      { labelSelector: 'set=mine' },
    );
    await clock.advance(100);
    assert.equal(ended(running).outcome, 'healthy');
    assert.deepEqual(
      cluster.asked.filter((request) => request.startsWith('list')),
      ['list deployments'],
    );
  });

  it('goes namespace by namespace where the whole cluster may not be listed', async () => {
    for (const namespace of ['a', 'b']) cluster.put(deployment('web', { namespace }));
    cluster.forbidden.add('list deployments *');
    const running = start(
      ['a', 'b'].map((namespace) => target(deployments, 'web', { namespace })),
      { labelSelector: 'set=mine' },
    );
    await clock.advance(100);
    assert.equal(ended(running).outcome, 'healthy');
    assert.ok(cluster.asked.includes('list deployments a') && cluster.asked.includes('list deployments b'));
  });

  it('still sees an object whose label somebody removed', async () => {
    cluster.put(deployment('web', { available: 0 }));
    cluster.put(deployment('api', { available: 0 }));
    const running = start([target(deployments, 'web'), target(deployments, 'api')], { labelSelector: 'set=mine' });
    await clock.advance(1_000);
    const bare = deployment('web', { available: 0 });
    bare['metadata'].labels = {};
    cluster.remove('apps/v1', 'Deployment', 'shop', 'web');
    cluster.put({ ...bare, metadata: { ...bare['metadata'] } });
    cluster.put(deployment('api'));
    await clock.advance(1_000);
    assert.equal(running.result(), undefined);
    cluster.put({ ...deployment('web'), metadata: bare['metadata'] });
    await clock.advance(1_000);
    assert.equal(ended(running).outcome, 'healthy');
  });

  it('asks nothing about kinds that are all there is to them once applied', async () => {
    const running = start([target(resource('v1', 'ConfigMap', 'configmaps'), 'settings')]);
    await clock.advance(10);
    assert.equal(ended(running).outcome, 'healthy');
    assert.deepEqual(cluster.asked, []);
  });

  it('ends at its time with what was not healthy until then, and what that was doing', async () => {
    cluster.put(deployment('web', { available: 0 }));
    cluster.put(deployment('api'));
    const running = start([target(deployments, 'web'), target(deployments, 'api')], { timeoutMs: 30_000 });
    await clock.advance(29_900);
    assert.equal(running.result(), undefined);
    await clock.advance(200);
    const result = ended(running);
    assert.equal(result.outcome, 'healthTimeout');
    assert.deepEqual(statuses(result), [
      ['Deployment.apps shop/web', 'Progressing', 'healthTimeout'],
      ['Deployment.apps shop/api', 'Healthy', 'healthy'],
    ]);
    assert.match(result.objects[0]!.health.message, /0 of 1 Pods available/);
    assert.ok(result.ms >= 30_000 && result.ms < 30_200);
  });

  it('gives one object less time than the others when it is told to', async () => {
    cluster.put(deployment('web', { available: 0 }));
    cluster.put(deployment('api', { available: 0 }));
    const running = start([target(deployments, 'web', { timeoutMs: 5_000 }), target(deployments, 'api')]);
    await clock.advance(10_000);
    cluster.put(deployment('api'));
    await clock.advance(1_000);
    const result = ended(running);
    assert.deepEqual(
      result.objects.map(({ outcome, ms }) => [outcome, Math.round(ms / 1_000)]),
      [
        ['healthTimeout', 5],
        ['healthy', 10],
      ],
    );
  });

  it('asks for a time of being healthy when it is told to', async () => {
    cluster.put(deployment('web'));
    const running = start([target(deployments, 'web')], { stableMs: 5_000 });
    await clock.advance(3_000);
    cluster.put(deployment('web', { available: 0 }));
    await clock.advance(1_000);
    cluster.put(deployment('web'));
    await clock.advance(4_500);
    assert.equal(running.result(), undefined);
    await clock.advance(1_500);
    assert.equal(ended(running).outcome, 'healthy');
  });

  it('goes on waiting for one that was healthy and is not any more while others are waited for', async () => {
    cluster.put(deployment('web'));
    cluster.put(deployment('api', { available: 0 }));
    const running = start([target(deployments, 'web'), target(deployments, 'api')]);
    await clock.advance(1_000);
    cluster.put(deployment('web', { available: 0 }));
    await clock.advance(1_000);
    cluster.put(deployment('api'));
    await clock.advance(1_000);
    assert.equal(running.result(), undefined);
    cluster.put(deployment('web'));
    await clock.advance(1_000);
    assert.equal(ended(running).outcome, 'healthy');
  });

  it('judges by the rules it is given, and by its own where these say nothing', async () => {
    cluster.put(deployment('web', { available: 0 }));
    cluster.put(deployment('api'));
    const running = start([target(deployments, 'web'), target(deployments, 'api')], {
      assess: (object) => (object.metadata.name === 'web' ? { status: 'Healthy', message: 'by decree' } : undefined),
    });
    await clock.advance(100);
    assert.deepEqual(
      ended(running).objects.map(({ health }) => health.status),
      ['Healthy', 'Healthy'],
    );
  });

  it('does not hide a mistake in a rule it was given', async () => {
    cluster.put(deployment('web'));
    const running = start([target(deployments, 'web')], {
      assess: () => {
        throw new TypeError('a mistake');
      },
    });
    await clock.advance(1_000);
    assert.ok(running.error() instanceof TypeError);
  });

  it('waits for nothing when there is nothing to wait for', async () => {
    const running = start([]);
    await clock.advance(0);
    assert.deepEqual(ended(running), { outcome: 'healthy', ms: 0, objects: [], notes: [] });
  });

  describe('for custom resources and claims', () => {
    const widgets = resource('example.com/v1', 'Widget', 'widgets');
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', namespace: 'shop' } };
    const discovery = (...names: string[]): Json => ({ resources: names.map((name) => ({ name })) });

    it('gives a new one 15 s for a first status when its kind has one', async () => {
      cluster.documents.set('/apis/example.com/v1', discovery('widgets', 'widgets/status'));
      cluster.put(widget);
      const running = start([target(widgets, 'w')]);
      await clock.advance(14_000);
      assert.equal(running.result(), undefined);
      await clock.advance(2_000);
      assert.equal(ended(running).outcome, 'healthy');
    });

    it('does not wait when its kind has none', async () => {
      cluster.documents.set('/apis/example.com/v1', discovery('widgets'));
      cluster.put(widget);
      const running = start([target(widgets, 'w')]);
      await clock.advance(200);
      assert.equal(ended(running).outcome, 'healthy');
    });

    it('fails early when its controller says that it is stalled', async () => {
      cluster.put({ ...widget, status: { conditions: [{ type: 'Stalled', status: 'True', reason: 'BadSpec' }] } });
      const running = start([target(widgets, 'w')]);
      await clock.advance(4_000);
      assert.equal(ended(running).outcome, 'healthFailed');
    });

    const claims = resource('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'shop' },
      spec: { storageClassName: 'fast' },
      status: { phase: 'Pending' },
    };
    const storageClass = (volumeBindingMode: string): Json => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'fast' },
      volumeBindingMode,
    });

    it('waits for a claim that is bound at once, not for one that waits for a Pod itself', async () => {
      for (const [mode, ends] of [
        ['Immediate', false],
        ['WaitForFirstConsumer', true],
      ] as const) {
        cluster = createFakeKubernetes(clock.now);
        cluster.put(storageClass(mode));
        cluster.put(claim);
        const running = start([target(claims, 'data')]);
        await clock.advance(5_000);
        assert.equal(running.result() !== undefined, ends, mode);
        running.cancel();
      }
    });

    it('does not wait for a claim whose class it may not read', async () => {
      cluster.forbidden.add('list storageclasses');
      cluster.put(claim);
      const running = start([target(claims, 'data')]);
      await clock.advance(1_000);
      assert.equal(ended(running).outcome, 'healthy');
    });
  });

  describe('tells its progress', () => {
    it('at once, when something changes, and every ten seconds otherwise', async () => {
      cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web')]);
      await clock.advance(25_000);
      const { progress } = running;
      assert.deepEqual(
        progress.map(({ elapsedMs }) => Math.round(elapsedMs / 1_000)),
        [0, 1, 11, 21],
      );
      assert.deepEqual(
        progress[1]!.waitingFor.map(({ id, health }) => [id.name, health.status]),
        [['web', 'Progressing']],
      );
      cluster.put(deployment('web'));
      await clock.advance(1_000);
      const last = progress.at(-1)!;
      assert.deepEqual([last.total, last.healthy, last.failed, last.waitingFor], [1, 1, 0, []]);
    });

    it('at most once a second', async () => {
      cluster.put(deployment('web', { available: 0, replicas: 200 }));
      const running = start([target(deployments, 'web')]);
      for (let available = 0; available < 100; available += 1) {
        cluster.put(deployment('web', { available, replicas: 200 }));
        await clock.advance(100);
      }
      assert.ok(running.progress.length <= 12, `${running.progress.length}`);
      running.cancel();
    });
  });

  describe('when it is cancelled', () => {
    it('ends within the same moment, by CancelledError, and leaves no watch behind', async () => {
      cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web')]);
      await clock.advance(3_000);
      assert.equal(cluster.openWatches() > 0, true);
      running.cancel();
      await clock.advance(0);
      await clock.advance(0);
      assert.ok(running.error() instanceof CancelledError);
      assert.equal(cluster.openWatches(), 0);
    });

    it('before it began, asks nothing', async () => {
      const signal = AbortSignal.abort();
      await assert.rejects(
        waitForHealth(cluster, [target(deployments, 'web')], { timeoutMs: 1_000, signal, clock }),
        CancelledError,
      );
      assert.deepEqual(cluster.asked, []);
    });
  });
});

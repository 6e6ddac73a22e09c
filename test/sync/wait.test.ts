import assert from 'node:assert/strict';
import type { HealthStatus } from '../../lib/core/objects/health.ts';
import { describeId } from '../../lib/core/objects/kubernetes-object.ts';
import { CancelledError } from '../../lib/errors.ts';
import type { ApiResource } from '../../lib/ports/kubernetes/discovery.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import {
  type WaitOptions,
  type WaitProgress,
  type WaitResult,
  type WaitTarget,
  waitForHealth,
} from '../../lib/sync/wait.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetes, resource } from './fake-kubernetes.ts';

const deployments = resource('apps/v1', 'Deployment', 'deployments');
const jobs = resource('batch/v1', 'Job', 'jobs');

function deployment(
  name: string,
  { available = 1, replicas = 1, conditions = [] as Json[], namespace = 'shop' } = {},
): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, generation: 1, labels: { set: 'mine' } },
    spec: { replicas },
    status: {
      observedGeneration: 1,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: available,
      availableReplicas: available,
      conditions: [{ type: 'Available', status: available === replicas ? 'True' : 'False' }, ...conditions],
    },
  };
}

function job(name: string, status: Json, spec: Json = {}): Json {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace: 'shop' }, spec, status };
}

const complete = { startTime: 'x', succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] };
const failed = { startTime: 'x', conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] };

function target(api: ApiResource, name: string, more: Partial<WaitTarget> & { namespace?: string } = {}): WaitTarget {
  const { namespace = 'shop', ...rest } = more;
  return { resource: api, id: { group: api.group, kind: api.kind, namespace, name }, ...rest };
}

interface Running {
  readonly clock: FakeClock;
  readonly cluster: FakeKubernetes;
  readonly progress: WaitProgress[];
  readonly cancel: () => void;
  /** Undefined while it goes on. */
  result(): WaitResult | undefined;
  error(): unknown;
}

describe('waiting for health', () => {
  let clock: FakeClock;
  let cluster: FakeKubernetes;

  beforeEach(() => {
    clock = createFakeClock();
    cluster = createFakeKubernetes(clock.now);
  });

  function start(targets: readonly WaitTarget[], options: Partial<WaitOptions> = {}): Running {
    const controller = new AbortController();
    const progress: WaitProgress[] = [];
    let result: WaitResult | undefined;
    let error: unknown;
    waitForHealth(cluster, targets, {
      timeoutMs: 60_000,
      signal: controller.signal,
      onProgress: (seen) => progress.push(seen),
      clock,
      ...options,
    }).then(
      (value) => {
        result = value;
      },
      (reason: unknown) => {
        error = reason;
      },
    );
    return { clock, cluster, progress, cancel: () => controller.abort(), result: () => result, error: () => error };
  }

  function ended(running: Running): WaitResult {
    assert.equal(running.error(), undefined);
    const result = running.result();
    assert.ok(result, 'it is still waiting');
    return result;
  }

  function statuses(result: WaitResult): [string, HealthStatus, string][] {
    return result.objects.map(({ target: { id }, health, outcome }) => [describeId(id), health.status, outcome]);
  }

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

  describe('fails early', () => {
    const exceeded = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' };

    it('when a Deployment says that it exceeded its deadline, and still does three seconds later', async () => {
      cluster.put(deployment('web', { available: 0, conditions: [exceeded] }));
      const running = start([target(deployments, 'web')]);
      await clock.advance(2_500);
      assert.equal(running.result(), undefined);
      await clock.advance(1_500);
      const result = ended(running);
      assert.equal(result.outcome, 'healthFailed');
      assert.equal(result.objects[0]!.health.reason, 'ProgressDeadlineExceeded');
    });

    it('but not for the verdict on a rollout before, which the next status takes back', async () => {
      cluster.put(deployment('web', { available: 0, conditions: [exceeded] }));
      const running = start([target(deployments, 'web')]);
      await clock.advance(1_000);
      cluster.put(deployment('web'));
      await clock.advance(1_000);
      assert.equal(ended(running).outcome, 'healthy');
    });

    it('when a Job failed, at once', async () => {
      cluster.put(job('migrate', failed));
      const running = start([target(jobs, 'migrate')]);
      await clock.advance(100);
      assert.deepEqual(statuses(ended(running)), [['Job.batch shop/migrate', 'Degraded', 'healthFailed']]);
    });

    it('only when all that is not healthy is lost: others may still succeed', async () => {
      cluster.put(job('migrate', failed));
      cluster.put(deployment('web', { available: 0 }));
      const running = start([target(jobs, 'migrate'), target(deployments, 'web')]);
      await clock.advance(5_000);
      assert.equal(running.result(), undefined);
      cluster.put(deployment('web'));
      await clock.advance(1_000);
      assert.deepEqual(
        ended(running).objects.map(({ outcome }) => outcome),
        ['healthFailed', 'healthy'],
      );
    });

    describe('when every Pod of the new revision cannot start', () => {
      const pod = (name: string, owner: Json, waiting: Json | undefined, restartCount = 0): Json => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'shop', ownerReferences: [{ uid: owner['metadata'].uid, kind: owner['kind'] }] },
        spec: {},
        status: {
          phase: 'Pending',
          containerStatuses: [
            { name: 'app', restartCount, state: waiting === undefined ? { running: {} } : { waiting } },
          ],
        },
      });
      const backOff = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "shop:broken"' };

      function rollout(revisions: number): { web: Json; replicaSets: Json[] } {
        const broken = deployment('web', { available: 0 });
        const web = cluster.put({
          ...broken,
          metadata: { ...broken['metadata'], annotations: { 'deployment.kubernetes.io/revision': String(revisions) } },
        });
        const replicaSets = Array.from({ length: revisions }, (_, index) =>
          cluster.put({
            apiVersion: 'apps/v1',
            kind: 'ReplicaSet',
            metadata: {
              name: `web-${index + 1}`,
              namespace: 'shop',
              ownerReferences: [{ uid: web['metadata'].uid, kind: 'Deployment' }],
              annotations: { 'deployment.kubernetes.io/revision': String(index + 1) },
            },
          }),
        );
        return { web, replicaSets };
      }

      it('because of its image, for 15 s: the container and its reason are told', async () => {
        const { replicaSets } = rollout(2);
        cluster.put(pod('web-1-a', replicaSets[0]!, undefined));
        cluster.put(pod('web-2-b', replicaSets[1]!, backOff));
        const running = start([target(deployments, 'web')], { timeoutMs: 600_000 });
        await clock.advance(14_000);
        assert.equal(running.result(), undefined);
        await clock.advance(5_000);
        const result = ended(running);
        assert.equal(result.outcome, 'healthFailed');
        assert.deepEqual(result.objects[0]!.health, {
          status: 'Degraded',
          reason: 'ImagePullBackOff',
          message: 'Container app of Pod web-2-b is waiting: ImagePullBackOff: Back-off pulling image "shop:broken"',
        });
      });

      it('but not while one of them runs', async () => {
        const { replicaSets } = rollout(1);
        cluster.put(pod('web-1-a', replicaSets[0]!, undefined));
        cluster.put(pod('web-1-b', replicaSets[0]!, backOff));
        const running = start([target(deployments, 'web')], { timeoutMs: 600_000 });
        await clock.advance(60_000);
        assert.equal(running.result(), undefined);
        running.cancel();
      });

      it('but not for Pods of an old revision', async () => {
        const { replicaSets } = rollout(2);
        cluster.put(pod('web-1-a', replicaSets[0]!, backOff));
        const running = start([target(deployments, 'web')], { timeoutMs: 600_000 });
        await clock.advance(60_000);
        assert.equal(running.result(), undefined);
        running.cancel();
      });

      it('but not when the image comes after all', async () => {
        const { replicaSets } = rollout(1);
        cluster.put(pod('web-1-a', replicaSets[0]!, backOff));
        const running = start([target(deployments, 'web')], { timeoutMs: 600_000 });
        await clock.advance(12_000);
        cluster.put(pod('web-1-a', replicaSets[0]!, undefined));
        await clock.advance(30_000);
        assert.equal(running.result(), undefined);
        cluster.put(deployment('web'));
        await clock.advance(1_000);
        assert.equal(ended(running).outcome, 'healthy');
      });

      it('because of a crash loop, after three restarts and not before', async () => {
        const { replicaSets } = rollout(1);
        cluster.put(pod('web-1-a', replicaSets[0]!, { reason: 'CrashLoopBackOff' }, 2));
        const running = start([target(deployments, 'web')], { timeoutMs: 600_000 });
        await clock.advance(60_000);
        assert.equal(running.result(), undefined);
        cluster.put(pod('web-1-a', replicaSets[0]!, { reason: 'CrashLoopBackOff' }, 3));
        await clock.advance(2_000);
        assert.equal(ended(running).objects[0]!.health.reason, 'CrashLoopBackOff');
      });

      it('because of a missing Secret only after a minute: a controller may be about to make it', async () => {
        const { replicaSets } = rollout(1);
        cluster.put(
          pod('web-1-a', replicaSets[0]!, { reason: 'CreateContainerConfigError', message: 'secret "db" not found' }),
        );
        const running = start([target(deployments, 'web')], { timeoutMs: 600_000 });
        await clock.advance(50_000);
        assert.equal(running.result(), undefined);
        await clock.advance(20_000);
        assert.match(ended(running).objects[0]!.health.message, /secret "db" not found/);
      });

      it('also for a Job, whose crash loops are its own affair', async () => {
        const migrate = cluster.put(job('migrate', { startTime: 'x', active: 1 }));
        cluster.put(pod('migrate-a', migrate, { reason: 'CrashLoopBackOff' }, 5));
        const running = start([target(jobs, 'migrate')], { timeoutMs: 600_000 });
        await clock.advance(60_000);
        assert.equal(running.result(), undefined);
        cluster.put(pod('migrate-a', migrate, backOff));
        await clock.advance(20_000);
        assert.equal(ended(running).objects[0]!.health.reason, 'ImagePullBackOff');
      });

      it('and says so when it may not look at the Pods, and then waits for the Deployment itself', async () => {
        const { replicaSets } = rollout(1);
        cluster.put(pod('web-1-a', replicaSets[0]!, backOff));
        cluster.forbidden.add('list pods');
        const running = start([target(deployments, 'web')], { timeoutMs: 40_000 });
        await clock.advance(41_000);
        const result = ended(running);
        assert.equal(result.outcome, 'healthTimeout');
        assert.match(result.notes.join('\n'), /Not permitted to list pods in shop/);
      });
    });
  });

  describe('when an object goes', () => {
    it('fails early: nothing brings it back', async () => {
      const web = cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web', { uid: web['metadata'].uid })]);
      await clock.advance(1_000);
      cluster.remove('apps/v1', 'Deployment', 'shop', 'web');
      await clock.advance(1_000);
      assert.deepEqual(statuses(ended(running)), [['Deployment.apps shop/web', 'Missing', 'healthFailed']]);
    });

    it('and another of its name comes, it is still the first that is missed', async () => {
      const web = cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web', { uid: web['metadata'].uid })]);
      await clock.advance(1_000);
      cluster.remove('apps/v1', 'Deployment', 'shop', 'web');
      cluster.put(deployment('web'));
      await clock.advance(1_000);
      const [object] = ended(running).objects;
      assert.equal(object!.health.status, 'Missing');
      assert.match(object!.health.message, /somebody made another Deployment\.apps shop\/web/);
    });

    it('and comes back before anybody could be sure, it is not missed', async () => {
      cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web')]);
      await clock.advance(1_000);
      let answer = (): void => undefined;
      cluster.manner.holdGets = new Promise((resolve) => {
        answer = resolve;
      });
      cluster.remove('apps/v1', 'Deployment', 'shop', 'web');
      await clock.advance(10);
      cluster.put(deployment('web', { available: 0 }));
      await clock.advance(10);
      answer();
      await clock.advance(3_000);
      assert.equal(running.result(), undefined);
      running.cancel();
    });

    it('it is a success when it is a Job that had completed', async () => {
      cluster.put(job('migrate', { startTime: 'x', active: 1 }, { ttlSecondsAfterFinished: 0 }));
      const running = start([target(jobs, 'migrate')]);
      await clock.advance(1_000);
      cluster.put(job('migrate', complete, { ttlSecondsAfterFinished: 0 }));
      cluster.remove('batch/v1', 'Job', 'shop', 'migrate');
      await clock.advance(1_000);
      assert.deepEqual(statuses(ended(running)), [['Job.batch shop/migrate', 'Healthy', 'healthy']]);
    });

    it('it is a failure when it is a Job that had failed', async () => {
      cluster.put(job('migrate', { startTime: 'x', active: 1 }, { ttlSecondsAfterFinished: 0 }));
      const running = start([target(jobs, 'migrate')]);
      await clock.advance(1_000);
      cluster.put(job('migrate', failed, { ttlSecondsAfterFinished: 0 }));
      cluster.remove('batch/v1', 'Job', 'shop', 'migrate');
      await clock.advance(1_000);
      assert.deepEqual(statuses(ended(running)), [['Job.batch shop/migrate', 'Degraded', 'healthFailed']]);
    });

    const applied = {
      ...job('migrate', {}, { ttlSecondsAfterFinished: 0 }),
      metadata: { name: 'migrate', namespace: 'shop', uid: 'job-1' },
    };
    const event = (reason: string): Json => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: reason.toLowerCase(), namespace: 'shop' },
      reason,
      involvedObject: { uid: 'job-1' },
    });

    it('a Job whose end nobody saw is judged by its events', async () => {
      for (const [reason, outcome] of [
        ['Completed', 'healthy'],
        ['BackoffLimitExceeded', 'healthFailed'],
      ] as const) {
        cluster = createFakeKubernetes(clock.now);
        cluster.put(event(reason));
        const running = start([target(jobs, 'migrate', { uid: 'job-1', object: applied })]);
        await clock.advance(1_000);
        assert.equal(ended(running).outcome, outcome, reason);
      }
    });

    it('a Job whose end nobody saw and whose events may not be read counts as done, and says how little is known', async () => {
      cluster.forbidden.add('list events');
      const running = start([target(jobs, 'migrate', { uid: 'job-1', object: applied })]);
      await clock.advance(1_000);
      const result = ended(running);
      assert.equal(result.outcome, 'healthy');
      assert.match(result.objects[0]!.health.message, /how it ended was not seen/);
    });

    it('a Job without a time to live is missed like anything else', async () => {
      const running = start([target(jobs, 'migrate', { object: job('migrate', {}) })]);
      await clock.advance(1_000);
      assert.equal(ended(running).objects[0]!.health.status, 'Missing');
    });
  });

  describe('when the connection', () => {
    it('is lost, it waits on, lists again and sees what happened meanwhile', async () => {
      cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web')]);
      await clock.advance(1_000);
      cluster.disconnect();
      await clock.advance(10_000);
      assert.equal(running.result(), undefined);
      assert.equal(running.progress.at(-1)?.connectionLost, true);
      cluster.put(deployment('web'));
      cluster.reconnect();
      await clock.advance(6_000);
      assert.equal(ended(running).outcome, 'healthy');
    });

    it('does not come back in time, the result is that, never a failed health', async () => {
      cluster.put(deployment('web', { available: 0 }));
      cluster.put(deployment('api'));
      const running = start([target(deployments, 'web'), target(deployments, 'api')], { timeoutMs: 20_000 });
      await clock.advance(1_000);
      cluster.disconnect();
      await clock.advance(20_000);
      const result = ended(running);
      assert.equal(result.outcome, 'connectionLost');
      assert.deepEqual(statuses(result), [
        ['Deployment.apps shop/web', 'Progressing', 'connectionLost'],
        ['Deployment.apps shop/api', 'Healthy', 'healthy'],
      ]);
    });

    it('was never there, nothing is known', async () => {
      cluster.disconnect();
      const running = start([target(deployments, 'web')], { timeoutMs: 20_000 });
      await clock.advance(21_000);
      assert.deepEqual(statuses(ended(running)), [['Deployment.apps shop/web', 'Unknown', 'connectionLost']]);
    });

    it('is dead and nobody noticed, half a minute of silence makes it ask again', async () => {
      cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web')], { timeoutMs: 300_000 });
      await clock.advance(5_000);
      cluster.deafen();
      cluster.put(deployment('web'));
      await clock.advance(20_000);
      assert.equal(running.result(), undefined);
      await clock.advance(15_000);
      assert.equal(ended(running).outcome, 'healthy');
    });

    for (const how of ['closed', 'expired'] as const) {
      it(`of a watch is ${how} by the server, it lists again`, async () => {
        cluster.put(deployment('web', { available: 0 }));
        const running = start([target(deployments, 'web')]);
        await clock.advance(10_000);
        cluster.deafen();
        cluster.put(deployment('web'));
        cluster.endWatches(how);
        await clock.advance(2_000);
        assert.equal(ended(running).outcome, 'healthy');
      });
    }

    it('of every watch is closed at once, it does not run wild', async () => {
      cluster.put(deployment('web', { available: 0 }));
      cluster.manner.closeWatchesAtOnce = true;
      const running = start([target(deployments, 'web')]);
      await clock.advance(20_000);
      assert.equal(running.error(), undefined);
      assert.ok(cluster.asked.filter((request) => request.startsWith('list deployments')).length <= 21);
      running.cancel();
    });

    it('takes the first LIST and gives no answer, nothing is known', async () => {
      cluster.manner.hangLists = true;
      const running = start([target(deployments, 'web')], { timeoutMs: 5_000 });
      await clock.advance(6_000);
      assert.deepEqual(statuses(ended(running)), [['Deployment.apps shop/web', 'Unknown', 'connectionLost']]);
    });

    it('takes a later LIST and gives no answer, what is known is too old to be held against anybody', async () => {
      cluster.put(deployment('web', { available: 0 }));
      const running = start([target(deployments, 'web')], { timeoutMs: 60_000 });
      await clock.advance(5_000);
      cluster.deafen();
      cluster.manner.hangLists = true;
      await clock.advance(56_000);
      assert.equal(ended(running).outcome, 'connectionLost');
    });
  });

  describe('with few permissions', () => {
    it('lists every two seconds where it may not watch, and says so', async () => {
      cluster.put(deployment('web', { available: 0 }));
      cluster.forbidden.add('watch deployments');
      const running = start([target(deployments, 'web')]);
      await clock.advance(9_000);
      const lists = cluster.asked.filter((request) => request === 'list deployments shop').length;
      assert.ok(lists >= 4 && lists <= 6, `${lists}`);
      cluster.put(deployment('web'));
      await clock.advance(3_000);
      const result = ended(running);
      assert.equal(result.outcome, 'healthy');
      assert.match(result.notes.join('\n'), /Not permitted to watch deployments/);
    });

    it('reads objects one by one where it may not list', async () => {
      cluster.put(deployment('web', { available: 0 }));
      cluster.forbidden.add('list deployments');
      const running = start([target(deployments, 'web')]);
      await clock.advance(5_000);
      cluster.put(deployment('web'));
      await clock.advance(3_000);
      assert.equal(ended(running).outcome, 'healthy');
    });

    it('ends at once where it may read nothing, and names what is missing', async () => {
      cluster.put(deployment('web'));
      cluster.forbidden.add('list deployments').add('get deployments');
      const running = start([target(deployments, 'web')]);
      await clock.advance(1_000);
      const result = ended(running);
      assert.deepEqual(statuses(result), [['Deployment.apps shop/web', 'Unknown', 'healthFailed']]);
      assert.match(result.objects[0]!.health.message, /get deployments is forbidden/);
    });
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
});

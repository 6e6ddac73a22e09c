import assert from 'node:assert/strict';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import type { WaitOptions, WaitTarget } from '../../lib/sync/wait.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetes } from './fake-kubernetes.ts';
import {
  complete,
  deployment,
  deployments,
  ended,
  failed,
  job,
  jobs,
  startWait,
  statuses,
  target,
} from './wait-rig.ts';

describe('waiting for health', () => {
  let clock: FakeClock;
  let cluster: FakeKubernetes;

  beforeEach(() => {
    clock = createFakeClock();
    cluster = createFakeKubernetes(clock.now);
  });

  const start = (targets: readonly WaitTarget[], options?: Partial<WaitOptions>) =>
    startWait(cluster, clock, targets, options);

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
});

import assert from 'node:assert/strict';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import type { WaitOptions, WaitTarget } from '../../lib/sync/wait.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetes } from './fake-kubernetes.ts';
import { deployment, deployments, ended, failed, job, jobs, startWait, statuses, target } from './wait-rig.ts';

describe('waiting for health', () => {
  let clock: FakeClock;
  let cluster: FakeKubernetes;

  beforeEach(() => {
    clock = createFakeClock();
    cluster = createFakeKubernetes(clock.now);
  });

  const start = (targets: readonly WaitTarget[], options?: Partial<WaitOptions>) =>
    startWait(cluster, clock, targets, options);

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
});

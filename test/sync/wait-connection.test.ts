import assert from 'node:assert/strict';
import type { WaitOptions, WaitTarget } from '../../lib/sync/wait.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetes } from './fake-kubernetes.ts';
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
});

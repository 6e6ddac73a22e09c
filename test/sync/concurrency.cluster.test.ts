import assert from 'node:assert/strict';
import { ConflictError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { systemLockClock } from '../../lib/sync/lock/lock-clock.ts';
import { partOfLabel } from '../../lib/sync/sync-set.ts';
import { createGate } from './gate.ts';
import { intercept } from './intercept.ts';
import type { RigOptions } from './rig.ts';
import { configMap, deployment, type Scene, scenes, told, yaml } from './scene.ts';

describe('two runs of one set at once', function () {
  this.timeout(60_000);
  const scene = scenes();

  /** A run that says when it writes its first object, and does not go on before it is told to. */
  function slowRun(s: Scene, holder: string, options: Partial<RigOptions> = {}) {
    const begun = createGate();
    const goOn = createGate();
    const wrap = intercept({
      before: async (write) => {
        if (write.verb !== 'apply') return;
        begun.open();
        await goOn.opened;
      },
    });
    return { r: s.rigWith({ holder, wrap, ...options }), begun: begun.opened, goOn: goOn.open };
  }
  const ours = async (s: Scene) =>
    (await s.client.list(s.path('v1', 'configmaps')))
      .filter(({ metadata }) => metadata?.labels?.[partOfLabel] !== undefined)
      .map(({ metadata }) => metadata?.name)
      .sort();

  it(
    'work one after the other: the second says whom it waits for, and its commit is what is there in the end',
    scene(async (s) => {
      const first = slowRun(s, 'org/shop/deploy/build 1/attempt 1');
      const second = s.rigWith({ holder: 'org/shop/deploy/build 2/attempt 1' });
      const one = first.r.sync(yaml(configMap('a'), configMap('of-the-first')));
      await first.begun;
      const two = second.sync(yaml(configMap('a'), configMap('of-the-second')));
      while (second.log.length === 0) await s.client.list(s.path('v1', 'configmaps'));
      assert.match(
        second.log[0] ?? '',
        /^Waiting for the lock of '\S+': org\/shop\/deploy\/build 1\/attempt 1, since \d{4}-\S+Z, is working on it\. Giving up in 60 s\.$/,
      );
      first.goOn();
      assert.equal((await one).outcome, 'applied', told(await one));
      assert.equal((await two).outcome, 'applied', told(await two));
      assert.deepEqual(await ours(s), ['a', 'of-the-second']);
      assert.equal((await s.r.sync(yaml(configMap('a'), configMap('of-the-second')))).outcome, 'noChanges');
    }),
  );

  it(
    'end for the second, when it has waited long enough, with the name of the first and nothing changed',
    scene(async (s) => {
      const first = slowRun(s, 'build 1');
      const one = first.r.sync(yaml(configMap('of-the-first')));
      await first.begun;
      const second = s.rigWith({ holder: 'build 2', lockTimeout: 300 });
      await assert.rejects(second.sync(yaml(configMap('of-the-second'))), (error: unknown) => {
        assert.ok(error instanceof ConflictError && error.outcome === 'lockTimeout', String(error));
        assert.match(error.message, /is locked: build 1, since .*Nothing was changed/);
        return true;
      });
      assert.equal(await s.find('v1', 'configmaps', 'of-the-second'), undefined);
      first.goOn();
      assert.equal((await one).outcome, 'applied', 'the first was not disturbed');
    }),
  );

  it(
    'end for the second at once, when it is cancelled while it waits',
    scene(async (s) => {
      const first = slowRun(s, 'build 1');
      const one = first.r.sync(yaml(configMap('a')));
      await first.begun;
      const cancelled = new AbortController();
      const second = s.rigWith({ holder: 'build 2', signal: cancelled.signal });
      const two = second.sync(yaml(configMap('b')));
      two.catch(() => undefined);
      while (second.log.length === 0) await s.client.list(s.path('v1', 'configmaps'));
      const at = Date.now();
      cancelled.abort();
      await assert.rejects(two, { name: 'CancelledError' });
      assert.ok(Date.now() - at < 1000, `${Date.now() - at} ms`);
      first.goOn();
      assert.equal((await one).outcome, 'applied');
    }),
  );

  it(
    'end for the first, before its next stage, when its lock was taken from it; the lock stays the other one’s',
    scene(async (s) => {
      // Renews 20 times as often.
      const lockClock = {
        ...systemLockClock,
        sleep: (milliseconds: number, signal: AbortSignal) => systemLockClock.sleep(milliseconds / 20, signal),
      };
      const first = slowRun(s, 'build 1', { lockClock });
      const git = yaml(configMap('a'), deployment('web', { replicas: 0 }));
      const one = first.r.sync(git);
      await first.begun;
      const lease = s.path('coordination.k8s.io/v1', 'leases', `gitops-sync-${s.namespace}`);
      await s.client.patch(lease, { spec: { holderIdentity: 'thief' } });
      while (!first.r.log.some((line) => line.includes('was lost to thief'))) await s.client.get(lease);
      first.goOn();
      const result = await one;
      assert.equal(result.outcome, 'lockTimeout', told(result));
      assert.match(result.summary, /The lock of '\S+' was lost to thief\. Nothing more was begun/);
      assert.deepEqual(result.changes.map(({ target, state }) => [target.name, state]).sort(), [
        ['a', 'done'],
        ['web', 'notReached'],
      ]);
      assert.equal(await s.find('apps/v1', 'deployments', 'web'), undefined);
      assert.equal(((await s.client.get(lease)) as Json)['spec'].holderIdentity, 'thief');
      await s.client.patch(lease, { spec: { holderIdentity: null } });
      assert.equal((await s.rigWith({ holder: 'build 2' }).sync(git)).outcome, 'applied');
    }),
  );

  it(
    'do not stop those that only look',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('a')));
      const first = slowRun(s, 'build 1');
      const one = first.r.sync(yaml(configMap('a', { key: 'new' })));
      await first.begun;
      assert.equal((await s.r.plan(yaml(configMap('a', { key: 'new' })))).outcome, 'planHasChanges');
      assert.equal((await s.r.drift(yaml(configMap('a')))).outcome, 'noDrift');
      assert.deepEqual(
        (await s.r.status()).changes.map((change) => change.target.name),
        ['a'],
      );
      first.goOn();
      assert.equal((await one).outcome, 'applied', told(await one));
    }),
  );

  it(
    'of the very first commits make one inventory',
    scene(async (s) => {
      const runs = ['1', '2', '3'].map((name) =>
        s.rigWith({ holder: `build ${name}` }).sync(yaml(configMap('a'), configMap(`of-${name}`))),
      );
      for (const result of await Promise.all(runs)) assert.equal(result.outcome, 'applied', told(result));
      const [a, last, ...rest] = await ours(s);
      assert.equal(a, 'a');
      assert.match(last ?? '', /^of-[123]$/);
      assert.deepEqual(rest, []);
    }),
  );

  it(
    'do not roll back what they may not change any more: a lost lock is no failure of the commit',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('a')));
      const lockClock = {
        ...systemLockClock,
        sleep: (milliseconds: number, signal: AbortSignal) => systemLockClock.sleep(milliseconds / 20, signal),
      };
      const first = slowRun(s, 'build 1', { lockClock });
      const git = yaml(configMap('a', { key: 'new' }), deployment('web', { replicas: 0 }));
      const one = first.r.sync(git, { rollbackOnFailure: true });
      await first.begun;
      const lease = s.path('coordination.k8s.io/v1', 'leases', `gitops-sync-${s.namespace}`);
      await s.client.patch(lease, { spec: { holderIdentity: 'thief' } });
      while (!first.r.log.some((line) => line.includes('was lost to thief'))) await s.client.get(lease);
      first.goOn();
      assert.equal((await one).outcome, 'lockTimeout', told(await one));
      assert.equal((await s.get('v1', 'configmaps', 'a'))['data'].key, 'new');
    }),
  );

  it(
    'of which one destroys the set, and with it the namespace of the inventory, are not held up by the lock',
    scene(async (s) => {
      const name = `${s.namespace}-home`;
      const r = s.rigWith({ holder: 'build 1', namespace: name });
      const git = yaml({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, configMap('a'));
      await r.sync(git);
      await r.sync(yaml({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, configMap('a', { key: 'new' })));
      const result = await r.destroy({ deleteProtectedKinds: ['Namespace'] });
      assert.equal(result.outcome, 'destroyed', told(result));
      assert.match(result.summary, /nothing of it is left/, told(result));
      await s.client.waitUntilGone(`/api/v1/namespaces/${name}`);
    }),
  );

  it(
    'of which one destroys the set, and loses its lock, delete nothing more and keep the record',
    scene(async (s) => {
      const lockClock = {
        ...systemLockClock,
        sleep: (milliseconds: number, signal: AbortSignal) => systemLockClock.sleep(milliseconds / 20, signal),
      };
      await s.r.sync(yaml(configMap('a'), deployment('web', { replicas: 0 })));
      const lease = s.path('coordination.k8s.io/v1', 'leases', `gitops-sync-${s.namespace}`);
      const wrap = intercept({
        before: async ({ verb, name }) => {
          if (verb !== 'delete' || name !== 'web') return;
          await s.client.patch(lease, { spec: { holderIdentity: 'thief' } });
          while (!r.log.some((line) => line.includes('was lost to thief'))) await s.client.get(lease);
        },
      });
      const r = s.rigWith({ holder: 'build 1', lockClock, wrap });
      const result = await r.destroy();
      assert.equal(result.outcome, 'lockTimeout', told(result));
      assert.ok(await s.find('v1', 'configmaps', 'a'));
      assert.deepEqual(
        (await s.r.status()).changes.map((change) => change.target.name),
        ['a'],
      );
    }),
  );
});

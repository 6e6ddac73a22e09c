import assert from 'node:assert/strict';
import { CancelledError, ConflictError, UnreachableError } from '../../../lib/errors.ts';
import { SyncLock } from '../../../lib/sync/lock/lock.ts';
import type { LockWait } from '../../../lib/sync/lock/messages.ts';
import { syncSet } from '../../../lib/sync/sync-set.ts';
import { createFakeClock, type FakeClock } from '../fake-clock.ts';
import { createFakeLease, type FakeLease, type LeaseLine } from './fake-lease.ts';

const set = syncSet('shop', 'infra', 'test');
const running = new AbortController().signal;

describe('the lock of a sync set', () => {
  let clock: FakeClock;
  let lease: FakeLease;
  let said: string[];
  let locks: SyncLock[];
  let line: LeaseLine;

  beforeEach(() => {
    clock = createFakeClock();
    lease = createFakeLease();
    line = lease.line();
    said = [];
    locks = [];
  });
  afterEach(async () => {
    line.fault = () => undefined;
    for (const lock of locks) await lock.release();
  });

  /** The lock of another run. */
  function lockOf(holder: string, api: LeaseLine = line): SyncLock {
    const lock = new SyncLock(set, {
      holder,
      api,
      steady: api,
      clock: { ...clock, monotonic: clock.now },
      onInfo: (text) => said.push(`info ${text}`),
      onWarning: (text) => said.push(`warning ${text}`),
    });
    locks.push(lock);
    return lock;
  }
  const acquire = (lock: SyncLock, timeoutMs = 600_000, onWait: (wait: LockWait) => void = () => undefined) =>
    lock.acquire({ signal: running, timeoutMs, onWait });
  /** Whether it has ended by now. */
  async function hasEnded(promise: Promise<unknown>): Promise<boolean> {
    let ended = false;
    const end = () => {
      ended = true;
    };
    promise.then(end, end);
    await clock.advance(0);
    return ended;
  }
  const holder = () => String(lease.object?.['spec'].holderIdentity ?? 'nobody').replace(/_[0-9a-f]{12}$/, '');
  const elsewhere = (spec: object = {}) =>
    lease.change({
      holderIdentity: 'other',
      leaseDurationSeconds: 60,
      acquireTime: '2020-01-01T00:00:00.000000Z',
      ...spec,
    });

  it('is a Lease beside the inventory, with who holds it, for how long, since when and as of when', async () => {
    await acquire(lockOf('org/project/pipeline/build 1/attempt 1'));
    assert.deepEqual(
      { ...lease.object, spec: { ...lease.object?.['spec'], holderIdentity: holder() } },
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name: 'gitops-sync-shop',
          namespace: 'infra',
          uid: 'u',
          resourceVersion: '1',
          labels: { 'gitops.pipelines/sync-set': 'shop' },
        },
        spec: {
          holderIdentity: 'org/project/pipeline/build 1/attempt 1',
          leaseDurationSeconds: 60,
          acquireTime: '2030-01-01T00:00:00.000000Z',
          renewTime: '2030-01-01T00:00:00.000000Z',
          leaseTransitions: 0,
        },
      },
    );
    assert.deepEqual(said, []);
  });

  it('is renewed every 15 s for as long as the run works', async () => {
    const lock = lockOf('a');
    await acquire(lock);
    await clock.advance(600_000);
    assert.equal(line.asked.filter((verb) => verb === 'replace').length, 40);
    assert.equal(lease.object?.['spec'].renewTime, '2030-01-01T00:10:00.000000Z');
    assert.equal(lease.object?.['spec'].acquireTime, '2030-01-01T00:00:00.000000Z');
    assert.equal(lock.problem(), undefined);
  });

  it('is given back with the Lease kept, and is not renewed any more', async () => {
    const lock = lockOf('a');
    await acquire(lock);
    await lock.release();
    assert.equal(lease.object?.['spec'].holderIdentity, undefined);
    const asked = line.asked.length;
    await clock.advance(120_000);
    assert.equal(line.asked.length, asked);
    await lock.release();
    assert.equal(line.asked.length, asked, 'a second release asks nothing');
    await acquire(lockOf('b'));
    assert.equal(holder(), 'b');
    assert.equal(lease.object?.['spec'].leaseTransitions, 1);
  });

  it('leaves nothing behind when the set has ended', async () => {
    const lock = lockOf('a');
    await acquire(lock);
    await lock.release({ remove: true });
    assert.equal(lease.object, undefined);
    assert.deepEqual(said, []);
  });

  it('makes the second run wait until the first has ended', async () => {
    const first = lockOf('first');
    await acquire(first);
    const second = acquire(lockOf('second'));
    await clock.advance(300_000);
    assert.equal(await hasEnded(second), false);
    assert.equal(holder(), 'first');
    await first.release();
    await clock.advance(2000);
    await second;
    assert.equal(holder(), 'second');
  });

  it('is not shared by two jobs of one run', async () => {
    await acquire(lockOf('same'));
    const second = acquire(lockOf('same'));
    await clock.advance(90_000);
    assert.equal(await hasEnded(second), false);
    await locks[0]?.release();
    await clock.advance(2000);
    await second;
  });

  it('goes to exactly one of many that ask at the same moment, again and again', async () => {
    const holding: string[] = [];
    const runs = Array.from({ length: 6 }, (_, index) => {
      const lock = lockOf(`run ${index}`);
      return acquire(lock).then(async () => {
        holding.push(`run ${index}`);
        assert.equal(holding.length, 1, holding.join());
        await clock.sleep(20_000, running);
        assert.equal(lock.problem(), undefined);
        holding.pop();
        await lock.release();
      });
    });
    await clock.advance(300_000);
    await Promise.all(runs);
  });

  it('tells who holds it and since when, at once and every 30 s', async () => {
    elsewhere();
    const waits: LockWait[] = [];
    const waiting = acquire(lockOf('b'), 100_000, (wait) => waits.push(wait)).catch((error: unknown) => error);
    for (let time = 0; time < 100_000; time += 10_000) {
      await clock.advance(10_000);
      lease.change({ renewTime: String(time) });
    }
    await waiting;
    assert.deepEqual(
      waits.map(({ holder: who, since, waitedMs }) => [who, since, Math.round(waitedMs / 1000)]),
      [0, 30, 60, 90].map((seconds) => ['other', '2020-01-01T00:00:00.000000Z', seconds]),
    );
  });

  it('is given up on after the time, in words that name the holder', async () => {
    elsewhere({ holderIdentity: 'org/shop/deploy/build 7/attempt 2_0123456789ab' });
    const waiting = acquire(lockOf('b'), 45_000).catch((error: unknown) => error);
    await clock.advance(44_000);
    assert.equal(await hasEnded(waiting), false);
    await clock.advance(1000);
    const error = await waiting;
    assert.ok(error instanceof ConflictError);
    assert.equal(error.outcome, 'lockTimeout');
    assert.match(
      error.message,
      /'shop' is locked: org\/shop\/deploy\/build 7\/attempt 2, since 2020-01-01T00:00:00Z, .*within 45 s.*Nothing was changed.*lockTimeout/,
    );
    assert.match(lease.object?.['spec'].holderIdentity, /build 7/, 'whose it is, is left alone');
  });

  it('is tried once with a time of 0', async () => {
    elsewhere();
    await assert.rejects(acquire(lockOf('b'), 0), /'shop' is locked/);
    assert.deepEqual(line.asked, ['read']);
  });

  it('is taken over from a run that died, after a minute without a sign of life, and that is logged', async () => {
    elsewhere({ holderIdentity: 'dead_0123456789ab', leaseTransitions: 3 });
    const second = acquire(lockOf('second'));
    await clock.advance(59_000);
    assert.equal(await hasEnded(second), false);
    await clock.advance(1000);
    await second;
    assert.equal(holder(), 'second');
    assert.equal(lease.object?.['spec'].leaseTransitions, 4);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /^warning The lock of 'shop' was taken over from dead, which gave no sign of life/);
  });

  for (const [what, years] of [
    ['behind', -5],
    ['ahead', 5],
  ] as const) {
    it(`does not mind a holder whose clock is years ${what}: what counts is that its Lease changes`, async () => {
      const theirs = createFakeClock(clock.now() + years * 365 * 86_400_000);
      const stamp = () => ({ renewTime: new Date(theirs.now()).toISOString() });
      elsewhere(stamp());
      const second = acquire(lockOf('second'));
      for (let time = 0; time < 180; time += 15) {
        await Promise.all([clock.advance(15_000), theirs.advance(15_000)]);
        lease.change(stamp());
      }
      assert.equal(await hasEnded(second), false, 'it lives');
      await clock.advance(62_000);
      await second;
      assert.equal(holder(), 'second');
    });
  }

  it('takes no edit of a label for a sign of life', async () => {
    elsewhere();
    const second = acquire(lockOf('second'));
    for (let time = 0; time < 60; time += 10) {
      await clock.advance(10_000);
      if (holder() === 'other') lease.change({}, { labels: { touched: String(time) } });
    }
    await clock.advance(2000);
    await second;
    assert.equal(lease.object?.['metadata'].labels['gitops.pipelines/sync-set'], 'shop');
  });

  it('is lost by who finds another in it, and then never given back for that one', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    elsewhere();
    await clock.advance(15_000);
    const problem = lock.problem();
    assert.ok(problem instanceof ConflictError);
    assert.equal(problem.outcome, 'lockTimeout');
    assert.match(problem.message, /lost to other\. Nothing more was begun/);
    assert.deepEqual(said, [`info ${problem.message}`]);
    assert.throws(() => lock.check(), problem);
    await lock.release();
    assert.equal(holder(), 'other');
    await clock.advance(120_000);
    assert.equal(holder(), 'other');
  });

  it('is not given back for another that took it a moment ago, unnoticed', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    elsewhere();
    await lock.release();
    assert.equal(holder(), 'other');
  });

  it('is not believed in any more after 40 s without renewal, 20 s before another may have it', async () => {
    const first = lease.line();
    const lock = lockOf('first', first);
    await acquire(lock);
    await clock.advance(15_000);
    first.fault = () => 'away';
    const second = acquire(lockOf('second'));
    await clock.advance(39_000);
    assert.equal(lock.problem(), undefined);
    await clock.advance(1000);
    assert.ok(lock.problem() instanceof UnreachableError);
    assert.match(lock.problem()?.message ?? '', /could not be renewed for 40 s.*No answer from the fake cluster/);
    await clock.advance(19_000);
    assert.equal(await hasEnded(second), false);
    await clock.advance(3000);
    await second;
    assert.equal(holder(), 'second');
  });

  it('survives an outage of half a minute', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    await clock.advance(15_000);
    line.fault = () => 'away';
    await clock.advance(30_000);
    line.fault = () => undefined;
    await clock.advance(5000);
    assert.equal(lock.problem(), undefined);
    await clock.advance(35_000);
    assert.equal(lock.problem(), undefined);
  });

  it('survives a renewal that is never answered: it is ended and sent again', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    let hangs = true;
    line.fault = (verb) => (verb === 'replace' && hangs ? 'hang' : undefined);
    await clock.advance(24_000);
    hangs = false;
    await clock.advance(7000);
    assert.equal(lease.object?.['spec'].renewTime, '2030-01-01T00:00:30.000000Z');
    assert.equal(lock.problem(), undefined);
  });

  it('survives renewals whose answers are lost', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    let count = 0;
    line.fault = (verb) => (verb === 'replace' && count++ % 3 === 0 ? 'lost' : undefined);
    for (let time = 0; time < 300; time += 5) {
      await clock.advance(5000);
      assert.equal(lock.problem(), undefined);
    }
    assert.equal(holder(), 'first');
  });

  it('survives that somebody deletes the Lease', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    lease.object = undefined;
    await clock.advance(15_000);
    assert.equal(holder(), 'first');
    assert.equal(lock.problem(), undefined);
  });

  it('is lost with the right to it', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    line.fault = () => 'forbidden';
    await clock.advance(41_000);
    const problem = lock.problem();
    assert.ok(problem instanceof ConflictError);
    assert.match(problem.message, /could not be renewed.*forbidden/);
  });

  it('is not believed in by a process that stood still, whatever its timers say', async () => {
    for (const which of ['wall', 'monotonic'] as const) {
      const jump = { wall: 0, monotonic: 0 };
      const lock = new SyncLock(set, {
        holder: 'first',
        api: line,
        steady: line,
        clock: {
          ...clock,
          now: () => clock.now() + jump.wall,
          monotonic: () => clock.now() + jump.monotonic,
        },
        onInfo: () => undefined,
        onWarning: () => undefined,
      });
      await acquire(lock);
      jump[which] = 40_000;
      assert.match(lock.problem()?.message ?? '', /the process stood still/);
      await lock.release();
    }
  });

  it('is held when the answer to taking it was lost', async () => {
    let lost = true;
    line.fault = (verb) => {
      if (verb !== 'create' || !lost) return undefined;
      lost = false;
      return 'lost';
    };
    const lock = lockOf('first');
    const acquiring = acquire(lock);
    await clock.advance(1000);
    await acquiring;
    assert.equal(holder(), 'first');
    await lock.release();
    assert.equal(holder(), 'nobody');
  });

  it('expires when it could not be given back, and that is told', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    line.fault = () => 'away';
    await lock.release();
    assert.match(said[0] ?? '', /^warning The lock of 'shop' could not be released: No answer.*free 60 s after/);
  });

  it('is released in bounded time by a run whose server does not answer', async () => {
    const lock = lockOf('first');
    await acquire(lock);
    line.fault = () => 'hang';
    await clock.advance(16_000);
    const releasing = lock.release();
    await clock.advance(10_000);
    assert.equal(await hasEnded(releasing), true);
  });

  describe('when the run is cancelled', () => {
    it('while it waits, ends the wait at once', async () => {
      elsewhere();
      const cancelled = new AbortController();
      const waiting = lockOf('b').acquire({ signal: cancelled.signal });
      waiting.catch(() => undefined);
      await clock.advance(31_000);
      cancelled.abort();
      assert.equal(await hasEnded(waiting), true);
      await assert.rejects(waiting, CancelledError);
      assert.equal(holder(), 'other');
    });

    it('while the request that takes it is under way, leaves no lock behind', async () => {
      const api = lease.line();
      const create = api.create;
      api.create = async (body) => {
        await create(body);
        throw new CancelledError();
      };
      const lock = new SyncLock(set, {
        holder: 'a',
        api,
        steady: line,
        clock: { ...clock, monotonic: clock.now },
        onInfo: () => undefined,
        onWarning: () => undefined,
      });
      await assert.rejects(acquire(lock), CancelledError);
      assert.equal(holder(), 'nobody');
      assert.notEqual(lease.object, undefined);
    });
  });

  describe('without the right to use leases', () => {
    for (const verb of ['read', 'create'] as const) {
      it(`(${verb}) is done without, with a warning that says what to grant`, async () => {
        line.fault = (asked) => (asked === verb ? 'forbidden' : undefined);
        const lock = lockOf('a');
        await acquire(lock);
        assert.equal(said.length, 1);
        assert.match(
          said[0] ?? '',
          /^warning 'shop' is not locked.*leases is forbidden.*Grant get, create and update on leases.coordination.k8s.io in namespace infra/,
        );
        await clock.advance(120_000);
        assert.equal(lock.problem(), undefined);
        const asked = line.asked.length;
        await lock.release();
        assert.equal(line.asked.length, asked);
      });
    }
  });

  it('is done without in a namespace that the run itself is going to make', async () => {
    line.fault = () => 'no place';
    const lock = lockOf('a');
    await acquire(lock);
    assert.match(said[0] ?? '', /^info 'shop' is not locked, because namespace infra does not exist yet/);
    assert.equal(lock.problem(), undefined);
  });

  it('is not waited for on a server that cannot be reached', async () => {
    line.fault = () => 'away';
    await assert.rejects(acquire(lockOf('a')), UnreachableError);
  });
});

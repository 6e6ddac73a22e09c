import assert from 'node:assert/strict';
import { CancelledError } from '../../../lib/errors.ts';
import { keepUntilExpiry, type Lifetime } from '../../../lib/ports/kubernetes/credential-cache.ts';

const minute = 60_000;

/** A clock and a source that counts; `next` is what it gives, or throws. */
function rig(margin = 5 * minute) {
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
  let next: Lifetime | Error = {};
  let asked = 0;
  const get = keepUntilExpiry(
    async () => {
      asked += 1;
      const number = asked;
      await Promise.resolve();
      if (next instanceof Error) throw next;
      return { ...next, number };
    },
    margin,
    () => clock.now,
  );
  const inMinutes = (minutes: number) => new Date(clock.now + minutes * minute);
  return {
    clock,
    inMinutes,
    give: (value: Lifetime | Error) => {
      next = value;
    },
    number: async (refresh = false) => (await get({ refresh })).number,
  };
}

describe('credentials that are kept', () => {
  it('are asked for once, by however many', async () => {
    const { number } = rig();
    assert.deepEqual(await Promise.all(Array.from({ length: 5 }, () => number())), [1, 1, 1, 1, 1]);
    assert.equal(await number(), 1);
  });

  it('are asked for again after a refusal', async () => {
    const { number } = rig();
    assert.deepEqual([await number(), await number(true), await number()], [1, 2, 2]);
  });

  it('are renewed their margin before they expire, once by all who want them then', async () => {
    const { clock, give, inMinutes, number } = rig();
    give({ expiresAt: inMinutes(60) });
    await number();
    clock.now += 54.9 * minute;
    assert.equal(await number(), 1);
    clock.now += 0.2 * minute;
    give({ expiresAt: inMinutes(60) });
    assert.deepEqual(await Promise.all([number(), number(), number()]), [2, 2, 2]);
  });

  it('are not asked for at every request of a short life', async () => {
    const { clock, give, inMinutes, number } = rig();
    give({ expiresAt: inMinutes(1) });
    await number();
    clock.now += 0.7 * minute;
    assert.equal(await number(), 1);
    clock.now += 0.2 * minute;
    assert.equal(await number(), 2);
  });

  it('are asked for each time when they come expired', async () => {
    const { give, inMinutes, number } = rig();
    give({ expiresAt: inMinutes(-1) });
    assert.deepEqual([await number(), await number()], [1, 2]);
  });

  it('are looked at again when they say so, whenever they expire', async () => {
    const { clock, give, inMinutes, number } = rig();
    give({ renewAt: inMinutes(1) });
    await number();
    clock.now += minute;
    assert.equal(await number(), 2);
  });

  it('go on being used when a renewal fails that came in good time, and it is tried again ten seconds later', async () => {
    const { clock, give, inMinutes, number } = rig();
    give({ expiresAt: inMinutes(60) });
    await number();
    clock.now += 56 * minute;
    give(new Error('away'));
    assert.deepEqual(await Promise.all([number(), number()]), [1, 1]);
    assert.equal(await number(), 1);
    clock.now += 10_000;
    give({});
    assert.equal(await number(), 3);
  });

  it('are no more once they expired, nor after a refusal', async () => {
    const { clock, give, inMinutes, number } = rig();
    give({ expiresAt: inMinutes(60) });
    await number();
    give(new Error('away'));
    await assert.rejects(number(true), { message: 'away' });
    give({ expiresAt: inMinutes(60) });
    assert.equal(await number(), 3);
    clock.now += 61 * minute;
    give(new Error('away'));
    await assert.rejects(number(), { message: 'away' });
  });

  it('do not keep a failure', async () => {
    const { give, number } = rig();
    give(new Error('away'));
    await assert.rejects(number(), { message: 'away' });
    give({});
    assert.equal(await number(), 2);
  });

  it('are asked for anew by who waited for somebody else’s cancelled request', async () => {
    const first = new AbortController();
    let asked = 0;
    const get = keepUntilExpiry(async ({ signal }): Promise<Lifetime & { number: number }> => {
      asked += 1;
      if (asked > 1) return { number: asked };
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new CancelledError())));
    }, minute);
    const cancelled = assert.rejects(get({ refresh: false, signal: first.signal }), { name: 'CancelledError' });
    const waiting = get({ refresh: false, signal: new AbortController().signal });
    first.abort();
    await cancelled;
    assert.equal((await waiting).number, 2);
  });
});

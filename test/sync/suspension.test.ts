import assert from 'node:assert/strict';
import { InputError } from '../../lib/errors.ts';
import { decideSuspension, newSuspension, type Suspension } from '../../lib/sync/suspension.ts';

const now = new Date('2026-03-01T10:00:00Z');
const suspended: Suspension = { by: 'Ada', why: 'database migration.', since: '2026-02-28T10:00:00.000Z' };
const run = { set: 'shop', action: 'sync' };

describe('a suspended set', () => {
  it('is not changed, and the message says by whom, since when and why', () => {
    const decision = decideSuspension(suspended, run, now);
    assert.equal(
      decision.go ? '' : decision.problem.message,
      "Set 'shop' is suspended by Ada since 2026-02-28T10:00:00.000Z: database migration. Nothing was changed. Run action resume to go on.",
    );
  });

  for (const action of ['sync', 'apply', 'rollback', 'destroy']) {
    it(`does not ${action}`, () => assert.equal(decideSuspension(suspended, { ...run, action }, now).go, false));
  }
  for (const action of ['plan', 'drift', 'status', 'resume', 'suspend', 'explain']) {
    it(`may be asked for ${action}`, () => assert.equal(decideSuspension(suspended, { ...run, action }, now).go, true));
  }

  it('goes on by itself at the very moment at which the suspension ends', () => {
    const until = { ...suspended, until: '2026-03-01T10:00:00.000Z' };
    assert.equal(decideSuspension(until, run, new Date(now.getTime() - 1)).go, false);
    const over = decideSuspension(until, run, now);
    assert.match(over.go ? (over.note ?? '') : '', /^Set 'shop' was suspended by Ada .* that is over\.$/);
  });

  it('stays suspended when somebody wrote an end that nobody can read', () => {
    const decision = decideSuspension({ ...suspended, until: 'next week' }, run, now);
    assert.match(decision.go ? '' : decision.problem.message, /until next week \(no time that can be read\)/);
  });

  it('is one only when the inventory says so', () =>
    assert.deepEqual(decideSuspension(undefined, run, now), { go: true }));
});

describe('action suspend', () => {
  const ask = { by: 'Ada', why: 'database migration', until: undefined };
  it('records who, why and since when', () => {
    assert.deepEqual(newSuspension(ask, now), {
      by: 'Ada',
      why: 'database migration',
      since: '2026-03-01T10:00:00.000Z',
    });
  });

  for (const [until, expected] of [
    ['3d', '2026-03-04T10:00:00.000Z'],
    ['90m', '2026-03-01T11:30:00.000Z'],
    ['2026-03-02T10:00:00Z', '2026-03-02T10:00:00.000Z'],
    ['2026-03-02T10:00+02:00', '2026-03-02T08:00:00.000Z'],
  ] as const) {
    it(`ends ${until} as ${expected}`, () => assert.equal(newSuspension({ ...ask, until }, now).until, expected));
  }

  it('needs a reason', () => {
    for (const why of [undefined, ' ']) {
      assert.throws(() => newSuspension({ ...ask, why }, now), {
        name: 'InputError',
        message: /`suspendReason` is empty/,
      });
    }
  });

  for (const until of [
    'tomorrow',
    '2026-03-02',
    '2026-03-02T10:00:00',
    '2026-02-28T10:00:00Z',
    '0h',
    '2026-13-02T10:00:00Z',
  ]) {
    it(`does not accept ${until} as an end`, () => {
      assert.throws(
        () => newSuspension({ ...ask, until }, now),
        (error) => error instanceof InputError && error.problems[0]?.input === 'suspendUntil',
      );
    });
  }
});

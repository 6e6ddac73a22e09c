import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describeProblem } from '../../../lib/errors.ts';
import { activeFreeze, activeFreezes } from '../../../lib/sync/freeze/active.ts';
import { decideFreeze } from '../../../lib/sync/freeze/decide.ts';
import { type FreezeWindow, scheduleOf } from '../../../lib/sync/freeze/windows.ts';
import { readProtection } from '../../../lib/sync/guardrails/read.ts';

interface Written {
  readonly cron?: string;
  readonly duration?: string;
  readonly timeZone?: string;
  readonly more?: string;
}

function text({ cron = '0 18 * * FRI', duration = '62h', timeZone = 'Europe/Berlin', more = '' }: Written): string {
  return `apiVersion: gitops.pipelines/v1
kind: FreezeWindows
windows:
  - name: weekend
    cron: "${cron}"
    duration: ${duration}
    timeZone: ${timeZone}
    reason: nobody is there.
${more}`;
}

function window(written: Written): FreezeWindow {
  const { windows, problems } = readProtection(text(written), 'freeze.yaml');
  assert.deepEqual(problems.map(describeProblem), []);
  return windows[0] as FreezeWindow;
}

const run = { environment: 'production', set: 'shop', action: 'sync' };
const hour = 3_600_000;

/** `[since, until]` of the window that is open, as ISO 8601; undefined when none is. */
function open(one: FreezeWindow, now: string | Date): [string, string | undefined] | undefined {
  const found = activeFreeze([one], new Date(now), run);
  return found && [found.since.toISOString(), found.until?.toISOString()];
}

describe('a freeze window', () => {
  describe('in an ordinary week', () => {
    // Friday 2026-01-16 18:00 in Berlin is 17:00 UTC.
    const weekend = window({});
    const span = ['2026-01-16T17:00:00.000Z', '2026-01-19T07:00:00.000Z'];
    it('is open from its first millisecond on', () =>
      assert.deepEqual(open(weekend, '2026-01-16T17:00:00.000Z'), span));
    it('is not open a millisecond before', () => assert.equal(open(weekend, '2026-01-16T16:59:59.999Z'), undefined));
    it('is open in its last millisecond', () => assert.deepEqual(open(weekend, '2026-01-19T06:59:59.999Z'), span));
    it('is over when its duration has passed', () =>
      assert.equal(open(weekend, '2026-01-19T07:00:00.000Z'), undefined));
  });

  // Source of the changes: IANA time zone database. Each case: zone, cron, duration, now, expected span.
  const cases: readonly (readonly [string, Written, string, readonly [string, string] | undefined])[] = [
    [
      'begins when the clocks have gone forward over its beginning',
      { cron: '30 2 * * *', duration: '2h' },
      '2026-03-29T01:00:00Z',
      ['2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00.000Z'],
    ],
    [
      'also when its beginnings are a list, of which only one falls into the gap',
      { cron: '30 2,14 * * *', duration: '2h' },
      '2026-03-29T01:30:00Z',
      ['2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00.000Z'],
    ],
    [
      'over the night in which the clocks go forward ends an hour later on the clock',
      { cron: '0 22 * * *', duration: '8h' },
      '2026-03-29T04:30:00Z',
      ['2026-03-28T21:00:00.000Z', '2026-03-29T05:00:00.000Z'],
    ],
    [
      'over the night in which the clocks go back ends an hour earlier on the clock',
      { cron: '0 22 * * *', duration: '8h' },
      '2026-10-25T03:59:00Z',
      ['2026-10-24T20:00:00.000Z', '2026-10-25T04:00:00.000Z'],
    ],
    [
      'that begins in the hour which comes twice begins the first time',
      { cron: '30 2 * * *', duration: '90m' },
      '2026-10-25T00:30:00Z',
      ['2026-10-25T00:30:00.000Z', '2026-10-25T02:00:00.000Z'],
    ],
    ['and not the second time', { cron: '30 2 * * *', duration: '30m' }, '2026-10-25T01:30:00Z', undefined],
    [
      'follows the clocks of New York, which change three weeks before those of Berlin',
      { cron: '0 9 * * *', duration: '1h', timeZone: 'America/New_York' },
      '2026-03-09T13:00:00Z',
      ['2026-03-09T13:00:00.000Z', '2026-03-09T14:00:00.000Z'],
    ],
    [
      'follows clocks that change by half an hour, as on Lord Howe Island',
      { cron: '15 2 * * *', duration: '1h', timeZone: 'Australia/Lord_Howe' },
      '2026-10-03T15:30:00Z',
      ['2026-10-03T15:30:00.000Z', '2026-10-03T16:30:00.000Z'],
    ],
    [
      'knows zones that are three quarters of an hour off',
      { cron: '0 12 * * *', duration: '1h', timeZone: 'Asia/Kathmandu' },
      '2026-01-01T06:15:00Z',
      ['2026-01-01T06:15:00.000Z', '2026-01-01T07:15:00.000Z'],
    ],
    [
      'at the turn of the year lasts into the next',
      { cron: '0 0 20 12 *', duration: '16d', timeZone: 'UTC' },
      '2027-01-04T23:00:00Z',
      ['2026-12-20T00:00:00.000Z', '2027-01-05T00:00:00.000Z'],
    ],
  ];
  for (const [title, written, now, expected] of cases) {
    it(title, () => assert.deepEqual(open(window(written), now), expected));
  }

  it('that begins anew before it ends is over when all of it is', () => {
    const days = window({ cron: '0 0 * * MON-FRI', duration: '1d', timeZone: 'UTC' });
    assert.deepEqual(open(days, '2026-01-13T12:00:00Z'), ['2026-01-13T00:00:00.000Z', '2026-01-17T00:00:00.000Z']);
  });

  it('that never ends is open without an end', () => {
    const always = window({ cron: '* * * * *', duration: '1h', timeZone: 'UTC' });
    const found = activeFreeze([always], new Date('2026-01-13T12:00:00Z'), run);
    assert.ok(found && found.until === undefined);
    const decision = decideFreeze([found], { breakGlassAllowed: true, by: 'Ada', now: new Date() });
    assert.match(
      decision.go ? '' : decision.problems.map(({ message }) => message).join(),
      /open with no end in sight/,
    );
  });

  const zone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Pacific/Chatham',
    'Africa/Casablanca',
    'Asia/Tehran',
  );

  /** Minutes since midnight, and the date, on the clocks of a zone. */
  function clock(timeZone: string): (at: number) => { readonly day: string; readonly minutes: number } {
    const format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    return (at) => {
      const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
      return {
        day: `${part['year']}-${part['month']}-${part['day']}`,
        minutes: Number(part['hour']) * 60 + Number(part['minute']),
      };
    };
  }

  it('every day begins at the first moment whose clock shows its time or, where that is left out, a later one', () => {
    const around = fc.constantFrom(
      '2026-03-08',
      '2026-03-29',
      '2026-04-05',
      '2026-10-04',
      '2026-10-25',
      '2026-11-01',
      '2026-07-15',
    );
    fc.assert(
      fc.property(
        zone,
        around,
        fc.integer({ min: 0, max: 287 }).map((fives) => 5 * fives),
        fc.integer({ min: -36, max: 36 }),
        (timeZone, date, time, shift) => {
          const now = Date.parse(`${date}T12:00:00Z`) + shift * hour;
          const one = window({ cron: `${time % 60} ${Math.floor(time / 60)} * * *`, duration: '1h', timeZone });
          const read = clock(timeZone);
          // The beginnings of the days around. All clocks change by whole five minutes.
          const begins: number[] = [];
          const seen = new Set<string>();
          for (let at = now - 50 * hour; at <= now; at += 5 * 60_000) {
            const { day, minutes } = read(at);
            if (minutes < time || seen.has(day)) continue;
            seen.add(day);
            begins.push(at);
          }
          // The first day that was looked at was looked at from its middle on.
          const last = begins.slice(1).at(-1);
          const expected = last !== undefined && now - last < hour ? last : undefined;
          const found = activeFreeze([one], new Date(now), run);
          assert.equal(found?.since.getTime(), expected, `${one.cron} ${timeZone} ${new Date(now).toISOString()}`);
        },
      ),
      { numRuns: 60 },
    );
  }).timeout(30_000);

  it('is open exactly when the schedule has a beginning within the last duration', () => {
    const cron = fc.constantFrom(
      '0 * * * *',
      '*/20 8-17 * * *',
      '0 22 * * 1-5',
      '30 2 * * 0',
      '0 0 1 * *',
      '15 1,2,3 * * *',
    );
    const now = fc.date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(zone, cron, fc.integer({ min: 1, max: 2000 }), now, (timeZone, expression, minutes, at) => {
        const one = window({ cron: expression, duration: `${minutes}m`, timeZone });
        const found = activeFreeze([one], at, run);
        const next = scheduleOf(one).nextRun(new Date(at.getTime() - minutes * 60_000));
        assert.equal(found !== undefined, next !== null && next <= at);
        if (found === undefined) return;
        assert.equal(scheduleOf(one).match(found.since) || timeZone !== 'UTC', true);
        assert.ok(found.since <= at && at.getTime() - found.since.getTime() < minutes * 60_000);
        assert.ok(found.until === undefined || found.until > at);
        if (found.until !== undefined) {
          assert.equal(
            activeFreeze([one], new Date(found.until.getTime() - 1), run)?.until?.getTime(),
            found.until.getTime(),
          );
          assert.equal(activeFreeze([one], found.until, run), undefined);
        }
      }),
      { numRuns: 100 },
    );
  }).timeout(30_000);

  it('concerns the sets, environments and actions that it names', () => {
    const now = new Date('2026-01-17T12:00:00Z');
    const some = window({ more: '    environments: [prod*]\n    sets: [shop]\n    actions: [sync, apply]\n' });
    const of = (more: object) => activeFreezes([some], now, { ...run, ...more }).length;
    assert.equal(of({}), 1);
    assert.equal(of({ environment: ' PRODUCTION ' }), 1);
    assert.equal(of({ environment: 'dev' }), 0);
    assert.equal(of({ set: 'shop-eu' }), 0);
    assert.equal(of({ action: 'rollback' }), 0);
  });

  it('never concerns actions that change nothing', () => {
    for (const action of ['plan', 'drift', 'status', 'suspend']) {
      assert.deepEqual(activeFreezes([window({})], new Date('2026-01-17T12:00:00Z'), { ...run, action }), []);
    }
  });

  const wrong: readonly (readonly [string, Written, RegExp])[] = [
    [
      'a cron with six fields',
      { cron: '0 0 18 * * FRI' },
      /^freeze\.yaml:5:5: `cron` .* requires exactly 5 parts.*Write five fields/,
    ],
    ['a day that does not exist', { cron: '0 0 31 2 *' }, /^freeze\.yaml:5:5: .*a day that no calendar has/],
    ['a minute that does not exist', { cron: '60 * * * *' }, /^freeze\.yaml:5:5: /],
    ['a field that depends on now', { cron: '? * * * *' }, /^freeze\.yaml:5:5: /],
    ['an unknown zone', { timeZone: 'Europe/Berln' }, /^freeze\.yaml:7:5: 'Europe\/Berln' is no time zone/],
    ['no duration', { duration: '0h' }, /^freeze\.yaml:6:5: `duration` must be from 1 minute/],
    ['a duration of years', { duration: '367d' }, /^freeze\.yaml:6:5: `duration` must be from 1 minute/],
    ['a duration without a unit', { duration: '90' }, /^freeze\.yaml:6:5: .*must be a time such as/],
    [
      'an action that changes nothing',
      { more: '    actions: [plan]\n' },
      /^freeze\.yaml:9:15: .*one of sync, apply, rollback, destroy/,
    ],
  ];
  for (const [what, written, expected] of wrong) {
    it(`does not accept ${what}`, () => {
      assert.match(readProtection(text(written), 'freeze.yaml').problems.map(describeProblem).join('\n'), expected);
    });
  }
});

describe('a run in a freeze window', () => {
  const now = new Date('2026-03-28T12:00:00Z');
  const freezes = activeFreezes([window({})], now, run);
  const ask = { breakGlassAllowed: true, by: 'Ada', now };
  const messages = (decision: ReturnType<typeof decideFreeze>) =>
    decision.go ? [] : decision.problems.map(describeProblem);

  it('goes on when there is none', () => assert.deepEqual(decideFreeze([], ask), { go: true }));

  it('stops, and says why and until when, by the clock of the zone and in UTC', () => {
    assert.deepEqual(messages(decideFreeze(freezes, { ...ask, breakGlassAllowed: false })), [
      "freeze.yaml:4:5: Freeze window 'weekend' is open until Mon, 2026-03-30 09:00 Europe/Berlin (2026-03-30T07:00:00Z): nobody is there. Nothing was changed.",
    ]);
  });

  it('is told of breakGlass where that is possible', () => {
    assert.match(messages(decideFreeze(freezes, ask)).join(), /give a reason in the input breakGlass/);
    assert.match(messages(decideFreeze(freezes, { ...ask, breakGlass: '  ' })).join(), /give a reason/);
  });

  it('goes on with a reason, and that is recorded', () => {
    const decision = decideFreeze(freezes, { ...ask, breakGlass: ' payments are down ', run: 'https://example.com/1' });
    assert.deepEqual(decision.go && decision.record, {
      reason: 'payments are down',
      by: 'Ada',
      at: '2026-03-28T12:00:00.000Z',
      run: 'https://example.com/1',
      windows: [{ name: 'weekend', file: 'freeze.yaml', until: '2026-03-30T07:00:00.000Z' }],
    });
  });

  it('stops in spite of a reason when guardrails do not allow it', () => {
    const decision = decideFreeze(freezes, { ...ask, breakGlassAllowed: false, breakGlass: 'payments are down' });
    assert.match(messages(decision).join('\n'), /guardrails does not allow the input breakGlass/);
  });

  it('stops in spite of a reason when one of the windows does not allow it', () => {
    const shut = window({ more: '    breakGlass: false\n' });
    const both = activeFreezes([window({}), shut], now, run);
    assert.match(messages(decideFreeze(both, { ...ask, breakGlass: 'x' })).join(), /cannot be opened by breakGlass/);
    assert.doesNotMatch(messages(decideFreeze(both, ask)).join(), /give a reason/);
  });
});

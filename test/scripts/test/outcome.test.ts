import assert from 'node:assert/strict';
import { faultsOf, type Outcome, report } from '../../../scripts/test/outcome.ts';

const suite = (change: Partial<Outcome>): Outcome => ({
  suite: 'unit',
  passed: 10,
  failed: 0,
  skipped: [],
  faults: [],
  seconds: 1.2,
  budgetSeconds: 60,
  ...change,
});

describe('The report of npm test', () => {
  it('ends with the number of tests that passed and failed in all suites', () => {
    const text = report([suite({}), suite({ suite: 'cluster', passed: 5, failed: 2 })]);
    assert.equal(text.split('\n').at(-1), '15 passed, 2 failed');
  });

  it('counts a suite that crashed or was too slow as one more failure, and says why', () => {
    const text = report([suite({ faults: ['it took 61 s, its budget is 60 s'] })]);
    assert.match(text, /^failed: suite unit: it took 61 s/m);
    assert.equal(text.split('\n').at(-1), '10 passed, 1 failed');
  });

  it('names every skipped test with its reason', () => {
    assert.match(
      report([suite({ skipped: [{ title: 'Helm renders', reason: 'no Go here' }] })]),
      /^skipped in unit: Helm renders \(no Go here\)$/m,
    );
  });

  it('shows a row of each suite with its time and its budget', () => {
    assert.equal(
      report([suite({ suite: 'checks', passed: 2, budgetSeconds: 60 }), suite({ passed: 1234, seconds: 59.6 })]),
      [
        'suite   passed  failed  skipped  time  budget',
        'checks       2       0        0   1 s    60 s',
        'unit      1234       0        0  60 s    60 s',
        '',
        '1236 passed, 0 failed',
      ].join('\n'),
    );
  });
});

describe('A suite', () => {
  const ended = (code: number | null, killed = false) => [{ code, killed }];

  it('is without fault when it ended by itself in time', () => assert.deepEqual(faultsOf(3, 0, ended(0), 10, 60), []));
  it('is without fault of its own when only tests failed', () =>
    assert.deepEqual(faultsOf(3, 1, ended(1), 10, 60), []));
  it('has crashed when it ended with another code than its tests explain', () => {
    assert.deepEqual(faultsOf(3, 0, ended(1), 10, 60), ['it did not end by itself with exit code 0']);
  });
  it('has crashed when it was killed', () => assert.equal(faultsOf(3, 1, ended(null, true), 130, 60).length, 2));
  it('fails when it ran no test', () => assert.deepEqual(faultsOf(0, 0, [], 0, 60), ['it ran no test']));
  it('fails when it is over its budget', () =>
    assert.deepEqual(faultsOf(3, 0, ended(0), 61, 60), ['it took 61 s, its budget is 60 s']));
});

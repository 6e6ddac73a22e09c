import assert from 'node:assert/strict';
import { glob } from 'tinyglobby';
import { runSuite } from '../../../scripts/test/run-suite.ts';
import { SUITES, type Suite, selectSuites, specFiles } from '../../../scripts/test/suites.ts';
import { REPOSITORY } from '../support.ts';

describe('A suite of mocha files', function () {
  this.timeout(20_000);
  // Their names keep them out of the suites of npm test.
  const suite = (file: string, budgetSeconds = 20): Suite => ({
    name: 'probe',
    budgetSeconds,
    needs: [],
    specs: [`test/scripts/fixtures/specs/${file}`],
  });
  const outcomeOf = (probe: Suite) => runSuite(probe, { root: REPOSITORY, env: process.env, quiet: true });

  it('reports what passed, failed and was skipped, and why', async () => {
    const { passed, failed, skipped, faults } = await outcomeOf(suite('mixed.spec.ts'));
    assert.deepEqual({ passed, failed, faults }, { passed: 2, failed: 1, faults: [] });
    assert.deepEqual(skipped, [
      { title: 'Mixed is skipped', reason: 'there is no moon' },
      { title: 'Mixed has no body', reason: 'no reason given' },
      { title: 'Hooked is skipped by a hook', reason: 'the tide is low' },
    ]);
  });

  it('fails when its process dies', async () => {
    const { passed, failed, faults } = await outcomeOf(suite('crash.spec.ts'));
    assert.deepEqual({ passed, failed }, { passed: 0, failed: 0 });
    assert.deepEqual(faults, ['it did not end by itself with exit code 0', 'it ran no test']);
  });

  it('fails when a test is left alone by .only', async () => {
    const { passed, faults } = await outcomeOf(suite('only.spec.ts'));
    assert.equal(passed, 0);
    assert.ok(faults.length > 0);
  });

  it('fails when its tests left something running', async () => {
    const { passed, faults } = await outcomeOf(suite('hang.spec.ts'));
    assert.equal(passed, 1);
    assert.deepEqual(faults, ['it did not end by itself with exit code 0']);
  });

  it('is killed when something keeps it alive far beyond its budget', async () => {
    const { faults } = await outcomeOf(suite('hang.spec.ts', 0.5));
    assert.match(faults.join('\n'), /did not end by itself[\s\S]*its budget is/);
  });
});

describe('The suites', () => {
  it('take each test file exactly once', async () => {
    const taken = (await Promise.all(SUITES.map((suite) => specFiles(suite, REPOSITORY)))).flat().sort();
    const all = await glob('test/**/*.test.ts', {
      cwd: REPOSITORY,
      ignore: ['test/**/fixtures/**'],
    });
    assert.deepEqual(taken, all.sort());
  });

  it('are chosen by name', () => {
    assert.deepEqual(
      selectSuites(['unit', 'checks']).map(({ name }) => name),
      ['checks', 'unit'],
    );
    assert.deepEqual(
      SUITES.filter((suite) => !selectSuites([]).includes(suite)).map(({ name }) => name),
      ['long'],
    );
    assert.deepEqual(
      selectSuites(['long']).map(({ name }) => name),
      ['long'],
    );
    assert.throws(() => selectSuites(['units']), /no suite units; there are checks, unit/);
  });
});

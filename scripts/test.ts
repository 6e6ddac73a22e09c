import { resolve } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { type Outcome, report } from './test/outcome.ts';
import { prepare } from './test/prepare.ts';
import { runSuite } from './test/run-suite.ts';
import { type Suite, selectSuites } from './test/suites.ts';

/**
 * `npm test`: every suite, or those that are named: `npm test -- unit cluster`.
 * The last line printed is `N passed, N failed`; the exit code is 1 when anything failed.
 */
const root = resolve(import.meta.dirname, '..');
const suites = selectSuites(process.argv.slice(2));
const shared = await prepare(root, suites, console.log);
const outcomes: Outcome[] = [];
try {
  for (const suite of suites) {
    console.log(`\n== ${suite.name} (budget ${suite.budgetSeconds} s)`);
    const missing = suite.needs.filter((need) => shared.failures.has(need));
    if (missing.length > 0) outcomes.push(unprepared(suite, missing));
    else outcomes.push(await runSuite(suite, { root, env: { ...process.env, ...shared.env } }));
  }
} finally {
  await shared.stop();
}
console.log(`\n${report(outcomes)}`);
process.exitCode = outcomes.every(({ failed, faults }) => failed === 0 && faults.length === 0) ? 0 : 1;

function unprepared(suite: Suite, missing: readonly Suite['needs'][number][]): Outcome {
  const faults = missing.map((need) => `no ${need}: ${messageOf(shared.failures.get(need))}`);
  for (const fault of faults) console.log(fault);
  return {
    suite: suite.name,
    passed: 0,
    failed: 0,
    skipped: [],
    faults,
    seconds: 0,
    budgetSeconds: suite.budgetSeconds,
  };
}

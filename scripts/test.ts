import { resolve } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { type Outcome, report } from './test/outcome.ts';
import { prepare, type Shared } from './test/prepare.ts';
import { runSuite } from './test/run-suite.ts';
import { type Suite, selectSuites } from './test/suites.ts';

/**
 * `npm test`: every suite, or those that are named: `npm test -- unit cluster`.
 * The last line printed is `N passed, N failed`; the exit code is 1 when anything failed.
 */
const root = resolve(import.meta.dirname, '..');
const suites = selectSuites(process.argv.slice(2));
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
  });
}

const outcomes: Outcome[] = [];
const shared = await prepare(root, suites, console.log);
for (const suite of suites) {
  if (interrupted) break;
  console.log(`\n== ${suite.name} (budget ${suite.budgetSeconds} s)`);
  outcomes.push(await outcomeOf(suite, shared));
}
await shared.stop().catch((error: unknown) => {
  outcomes.push(failure('clean-up', [messageOf(error)]));
});
if (interrupted) outcomes.push(failure('all', ['interrupted']));
console.log(`\n${report(outcomes)}`);
process.exitCode = outcomes.every(({ failed, faults }) => failed === 0 && faults.length === 0) ? 0 : 1;

async function outcomeOf(suite: Suite, { env, failures }: Shared): Promise<Outcome> {
  const faults = suite.needs
    .filter((need) => failures.has(need))
    .map((need) => `no ${need}: ${messageOf(failures.get(need))}`);
  if (faults.length === 0) return runSuite(suite, { root, env: { ...process.env, ...env } });
  for (const fault of faults) console.log(fault);
  return failure(suite.name, faults, suite.budgetSeconds);
}

function failure(suite: string, faults: readonly string[], budgetSeconds = 0): Outcome {
  return { suite, passed: 0, failed: 0, skipped: [], faults, seconds: 0, budgetSeconds };
}

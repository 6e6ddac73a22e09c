import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Mocha from 'mocha';
import type { MochaResult, Skipped } from './outcome.ts';

/*
 * Runs the given test files with the settings of .mocharc.json and writes their counts as JSON to --out:
 * node --import tsx scripts/test/run-mocha.ts --out FILE TEST...
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
if (values.out === undefined) throw new Error('--out is missing');

const mocha = new Mocha({ reporter: 'dot', timeout: 10_000, forbidOnly: true });
for (const file of positionals) mocha.addFile(resolve(file));
await mocha.loadFilesAsync();

const skipped: Skipped[] = [];
let passed = 0;
let failed = 0;
const runner = mocha.run(async () => {
  const result: MochaResult = { passed, failed, skipped };
  await writeFile(String(values.out), JSON.stringify(result));
  // As the mocha program does without --exit: what a test left open keeps the process alive, and the budget finds it out.
  process.exitCode = failed === 0 ? 0 : 1;
});
runner.on('pass', () => {
  passed += 1;
});
// A failing hook counts as a failed test: it takes the tests behind it down with it.
runner.on('fail', () => {
  failed += 1;
});
runner.on('pending', (test) => {
  const { skipReason } = test as Mocha.Test & { skipReason?: string };
  skipped.push({ title: test.fullTitle(), reason: skipReason ?? 'no reason given' });
});

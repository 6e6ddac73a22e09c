import { writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
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

/** For connections and processes that are on their way out when the last test is done. */
const GRACE_MS = 3000;

const skipped: Skipped[] = [];
let passed = 0;
let failed = 0;
const runner = mocha.run(async () => {
  const result: MochaResult = { passed, failed, skipped };
  await writeFile(String(values.out), JSON.stringify(result));
  process.exitCode = failed === 0 ? 0 : 1;
  setTimeout(tellWhatIsOpen, GRACE_MS).unref();
});
runner.on('pass', () => {
  passed += 1;
});
const milliseconds = new Map<string, number>();
runner.on('test end', ({ file = '', duration = 0 }) => {
  milliseconds.set(file, (milliseconds.get(file) ?? 0) + duration);
});
runner.on('end', () => {
  const slowest = [...milliseconds].sort(([, a], [, b]) => b - a).slice(0, 3);
  const texts = slowest.map(([file, time]) => `${relative(process.cwd(), file)} ${(time / 1000).toFixed(1)} s`);
  console.log(`slowest: ${texts.join(', ')}`);
});
// A failing hook counts as a failed test: it takes the tests behind it down with it.
runner.on('fail', () => {
  failed += 1;
});
runner.on('pending', (test) => {
  const { skipReason } = test as Mocha.Test & { skipReason?: string };
  skipped.push({ title: test.fullTitle(), reason: skipReason ?? 'no reason given' });
});

/** A test that left something running hides a leak of the product as well, so it does not pass. */
function tellWhatIsOpen(): void {
  const open = [...new Set(process.getActiveResourcesInfo())].join(', ');
  console.error(`The tests are over, and something they left behind keeps the process alive: ${open}`);
  process.exit(1);
}

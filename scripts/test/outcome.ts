/** What a suite came to. */
export interface Outcome {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly Skipped[];
  /** Why the suite failed beyond its tests: it crashed, it was too slow, it had no test. Each counts as one failed test. */
  readonly faults: readonly string[];
  readonly seconds: number;
  readonly budgetSeconds: number;
}

export interface Skipped {
  readonly title: string;
  readonly reason: string;
}

/** What the mocha process writes when it is done. */
export interface MochaResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly Skipped[];
}

/** How a child process ended. */
export interface Ending {
  readonly code: number | null;
  readonly killed: boolean;
}

/** Faults of a suite that the count of its tests does not tell. */
export function faultsOf(
  tests: number,
  failed: number,
  endings: readonly Ending[],
  seconds: number,
  budgetSeconds: number,
): string[] {
  const faults: string[] = [];
  const crashed = endings.some(({ code, killed }) => killed || (code !== 0 && failed === 0));
  if (crashed) faults.push('it did not end by itself with exit code 0');
  if (tests === 0) faults.push('it ran no test');
  if (seconds > budgetSeconds) faults.push(`it took ${seconds.toFixed(0)} s, its budget is ${budgetSeconds} s`);
  return faults;
}

/** The table of all suites, what was skipped and why, and as the last line `N passed, N failed`. */
export function report(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ suite, passed, failed, skipped, faults, seconds, budgetSeconds }) => [
    suite,
    String(passed),
    String(failed + faults.length),
    String(skipped.length),
    `${seconds.toFixed(0)} s`,
    `${budgetSeconds} s`,
  ]);
  const lines = table(['suite', 'passed', 'failed', 'skipped', 'time', 'budget'], rows);
  for (const { suite, skipped } of outcomes) {
    for (const { title, reason } of skipped) lines.push(`skipped in ${suite}: ${title} (${reason})`);
  }
  for (const { suite, faults } of outcomes) {
    for (const fault of faults) lines.push(`failed: suite ${suite}: ${fault}`);
  }
  const passed = sum(outcomes.map((outcome) => outcome.passed));
  const failed = sum(outcomes.map((outcome) => outcome.failed + outcome.faults.length));
  return [...lines, '', `${passed} passed, ${failed} failed`].join('\n');
}

function table(head: readonly string[], rows: readonly string[][]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  // Names to the left, numbers to the right.
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0);
  return all.map((row) => row.map(cell).join('  ').trimEnd());
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

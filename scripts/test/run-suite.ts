import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ending, faultsOf, type MochaResult, type Outcome } from './outcome.ts';
import { run } from './process.ts';
import { type Suite, specFiles } from './suites.ts';

/** A suite over its budget has failed already; at this multiple it hangs and is killed. */
const PATIENCE = 2;

export interface SuiteOptions {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** Default: the output of the tests is passed through. */
  readonly quiet?: boolean;
}

/** Runs a suite in processes of its own. Never throws for what a test does. */
export async function runSuite(suite: Suite, options: SuiteOptions): Promise<Outcome> {
  const start = performance.now();
  const { result, endings } =
    suite.commands === undefined ? await runSpecs(suite, options) : await runCommands(suite, suite.commands, options);
  const seconds = (performance.now() - start) / 1000;
  const { budgetSeconds } = suite;
  const tests = result.passed + result.failed + result.skipped.length;
  const faults = faultsOf(tests, result.failed, endings, seconds, budgetSeconds);
  return { suite: suite.name, ...result, faults, seconds, budgetSeconds };
}

interface Run {
  readonly result: MochaResult;
  readonly endings: readonly Ending[];
}

async function runCommands(
  suite: Suite,
  commands: NonNullable<Suite['commands']>,
  { root, env, quiet = false }: SuiteOptions,
): Promise<Run> {
  let passed = 0;
  let failed = 0;
  const endings: Ending[] = [];
  for (const { title, script } of commands) {
    const timeoutSeconds = suite.budgetSeconds * PATIENCE;
    const ending = await run('npm', ['run', '--silent', script], { cwd: root, env, timeoutSeconds, quiet });
    console.log(`${ending.code === 0 ? 'passed' : 'FAILED'}: ${title}`);
    if (ending.code === 0) passed += 1;
    else failed += 1;
    endings.push(ending);
  }
  return { result: { passed, failed, skipped: [] }, endings };
}

async function runSpecs(suite: Suite, { root, env, quiet = false }: SuiteOptions): Promise<Run> {
  const files = await specFiles(suite, root);
  if (files.length === 0) return { result: { passed: 0, failed: 0, skipped: [] }, endings: [] };
  const folder = await mkdtemp(join(tmpdir(), 'gitops-test-'));
  try {
    const out = join(folder, 'result.json');
    const args = ['--import', 'tsx', join(root, 'scripts/test/run-mocha.ts'), '--out', out, ...files];
    const timeoutSeconds = suite.budgetSeconds * PATIENCE;
    const ending = await run(process.execPath, args, { cwd: root, env, timeoutSeconds, quiet });
    return { result: await readResult(out), endings: [ending] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readResult(file: string): Promise<MochaResult> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // The process died before it could say anything; its ending tells of it.
    return { passed: 0, failed: 0, skipped: [] };
  }
}

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readCommandLine, UsageError, usage } from './command-line.ts';
import { runTask, type TaskRun } from './index.ts';

/** 0: the task succeeded, with or without issues. 1: it failed. 2: it could not be run. 3: the run broke a rule of the harness. */
async function main(): Promise<number> {
  const { options, resultFile, help } = await readCommandLine(process.argv.slice(2));
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const run = await runTask({
    ...options,
    expectViolations: true,
    signal: stop.signal,
    onLog: (line) => process.stdout.write(`${line}\n`),
  });
  if (resultFile !== undefined) await writeFile(resultFile, `${JSON.stringify(run, undefined, 2)}\n`);
  process.stderr.write(summary(run, resultFile));
  if (run.violations.length > 0) return 3;
  return run.result === 'Failed' ? 1 : 0;
}

function summary(run: TaskRun, resultFile: string | undefined): string {
  const canceled = run.canceled ? ', cancelled' : '';
  const lines = [
    `${run.task} ${run.version} on ${run.node.folder} (${run.host}): ${run.result}${canceled} after ${run.durationMs} ms`,
    ...run.violations.map((violation) => `broken rule ${violation.rule}: ${violation.message}`),
    ...[...run.summaries, ...run.attachments].map((file) => `uploaded ${file.type}: ${file.path}`),
    ...run.testResults.map((file) => `test results: ${file}`),
    ...(resultFile === undefined ? [] : [`result: ${path.resolve(resultFile)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

try {
  process.exitCode = await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n${error instanceof UsageError ? '\nSee --help.\n' : ''}`);
  process.exitCode = 2;
}

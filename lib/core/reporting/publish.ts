import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeProblem, messageOf, type Problem } from '../../errors.ts';
import type { Agent, TaskResult } from '../../ports/agent/agent.ts';
import { printable } from '../objects/value-text.ts';
import { describeTarget } from '../plan/change.ts';
import { outcomes, type RunResult } from '../plan/result.ts';
import { jsonReport } from './json.ts';
import { junitReport, testRunTitle } from './junit.ts';
import { logBlocks } from './log-table.ts';
import { markdownSummary } from './markdown.ts';
import { plural, resultFileName } from './text.ts';

export interface PublishOptions {
  /** Where the files go; made when absent. Default: a new folder in the agent's temporary one, so that no two steps share it. */
  readonly folder?: string;
  /** The task's result, when the inputs want another than the outcome's own: `failOnDrift`. */
  readonly taskResult?: TaskResult;
}

export const attachmentType = 'gitops.result';

/** The agent keeps the first ten issues of each kind; completing as failed adds one more error. */
const maxErrors = 9;
const maxWarnings = 10;

/**
 * Hands a result to everybody who may ask for it: the log, the run's issues, the summary page, the Tests tab, the attachment that the
 * results tab reads, the output variables, and the task's result. The files stay until the agent empties its temporary folder after
 * the job, because it uploads them later. A report that cannot be written costs a warning, never the outcome.
 */
export async function publishReports(
  agent: Agent,
  result: RunResult,
  options: PublishOptions = {},
): Promise<{ resultFile: string | undefined }> {
  for (const block of logBlocks(result)) {
    agent.log.section(block.title);
    for (const line of block.lines) agent.log.info(line);
  }
  const resultFile = await publishFiles(agent, result, options.folder);
  for (const [name, value] of outputs(result)) agent.setOutput(name, value);
  if (resultFile !== undefined) agent.setOutput('resultFile', resultFile);
  raiseIssues(result.warnings, maxWarnings, 'warning', agent);
  raiseIssues(errorsOf(result), maxErrors, 'error', agent);
  agent.complete(options.taskResult ?? outcomes[result.outcome], printable(result.summary));
  return { resultFile };
}

async function publishFiles(agent: Agent, result: RunResult, folder: string | undefined): Promise<string | undefined> {
  try {
    const target = await makeFolder(agent.tempDirectory, folder);
    const resultFile = await writeReport(target, resultFileName, jsonReport(result));
    agent.attach(attachmentType, resultFileName, resultFile);
    agent.addSummary(await writeReport(target, 'gitops-summary.md', markdownSummary(result)));
    const junit = junitReport(result);
    if (junit !== undefined) {
      agent.publishTestResults(await writeReport(target, 'gitops-junit.xml', junit), testRunTitle(result));
    }
    return resultFile;
  } catch (error) {
    agent.log.warning(`The reports could not be written: ${messageOf(error)}. The result itself stands.`);
    return undefined;
  }
}

async function makeFolder(tempDirectory: string, folder: string | undefined): Promise<string> {
  if (folder === undefined) return await mkdtemp(join(tempDirectory, 'gitops-sync-'));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Other users of the machine may not read it: what is not secret may still be private. */
async function writeReport(folder: string, name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

function outputs(result: RunResult): [string, string][] {
  const { counts } = result;
  return [
    ['outcome', result.outcome],
    ['created', String(counts.created)],
    ['configured', String(counts.configured)],
    ['unchanged', String(counts.unchanged)],
    ['pruned', String(counts.pruned)],
    ['failed', String(counts.failed)],
    ['planDigest', result.plan?.digest ?? ''],
  ];
}

/** The run's errors, and what failed with an object as far as no error says so already. */
function errorsOf(result: RunResult): Problem[] {
  const told = result.errors.map((problem) => problem.message);
  const failed = result.changes
    .filter((change) => change.state === 'failed')
    .flatMap((change): Problem[] => {
      const message = change.message ?? change.reason ?? 'failed';
      if (told.some((text) => text.includes(message))) return [];
      return [
        {
          message: `${describeTarget(change.target)}: ${message}`,
          ...(change.origin === undefined ? {} : { at: change.origin }),
        },
      ];
    });
  return [...result.errors, ...failed];
}

function raiseIssues(problems: readonly Problem[], max: number, kind: 'warning' | 'error', agent: Agent): void {
  for (const problem of problems.slice(0, max)) {
    agent.log[kind](problem.message, { ...problem.at, ...(problem.code === undefined ? {} : { code: problem.code }) });
  }
  const rest = problems.slice(max);
  if (rest.length === 0) return;
  agent.log.info(`And ${plural(rest.length, `more ${kind}`)}:`);
  for (const problem of rest) agent.log.info(`  ${printable(describeProblem(problem))}`);
}

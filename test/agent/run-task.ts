import { readFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { type Job, prepareJob } from './job.ts';
import { mask } from './masking.ts';
import type { RunOptions } from './options.ts';
import { type AgentResult, taskResult } from './result.ts';
import { defaultAllowedCommands } from './rules/command-rules.ts';
import { findViolations } from './rules/index.ts';
import {
  createRunFolder,
  describeChanges,
  findLeftovers,
  folderDigests,
  type RunFolder,
  removeRunFolder,
} from './run-folder.ts';
import { defaultTimeoutMs, runProcess } from './run-process.ts';
import type { RunRecord } from './run-record.ts';
import { fileDigest, type Step, type Upload } from './step.ts';
import { readTaskDefinition, type TaskDefinition } from './task-definition.ts';
import { HarnessViolation, type TaskRun, type UploadedFile } from './task-run.ts';
import { defaultVsix, findTaskFolder, unpackVsix } from './unpack.ts';

/**
 * Runs a task as an agent's job runs it and tells what came of it. A task that fails is a result; a run that breaks a rule of
 * the harness is rejected with a HarnessViolation, and wrong options with an Error.
 */
export async function runTask(options: RunOptions): Promise<TaskRun> {
  const taskFolder = await locateTask(options);
  const definition = await readTaskDefinition(taskFolder);
  const keep = options.keepAgentFolder === true;
  const folder = await createRunFolder({
    taskFolder,
    definition,
    release: (options.host ?? 'build') !== 'build',
    ...(keep && options.outputDirectory !== undefined ? { parent: options.outputDirectory } : {}),
  });
  try {
    const run = await runInFolder(options, definition, folder);
    if (run.violations.length > 0 && options.expectViolations !== true) throw new HarnessViolation(run);
    return run;
  } finally {
    await removeRunFolder(folder, keep);
  }
}

async function locateTask(options: RunOptions): Promise<string> {
  if (options.taskFolder !== undefined) return options.taskFolder;
  if (options.task === undefined) throw new Error('Name a task of the VSIX, or the folder of a task.');
  return findTaskFolder(await unpackVsix(options.vsix ?? (await defaultVsix())), options.task);
}

async function runInFolder(options: RunOptions, definition: TaskDefinition, folder: RunFolder): Promise<TaskRun> {
  const job = await prepareJob(options, definition, folder);
  const before = await folderDigests(folder.task);
  const unstarted = recordOf(job);
  // The server does not queue a job whose required inputs are missing.
  const refused = findViolations(unstarted, options.without).length > 0;
  const started = performance.now();
  const ended = refused ? undefined : await runProcess(job);
  const accounted = job.step.uploads.map((upload) => upload.source);
  const record = {
    ...unstarted,
    ...(ended === undefined ? {} : { lines: ended.lines, commands: ended.commands, process: ended.outcome }),
    uploads: job.step.uploads.map(inspectUpload),
    leftovers: await findLeftovers(folder, accounted, options.allowLeftovers ?? []),
    taskFolderChanges: describeChanges(before, await folderDigests(folder.task)),
    timedOutAfterMs: ended?.timedOut === true ? (options.timeoutMs ?? defaultTimeoutMs) : undefined,
  };
  const violations = findViolations(record, options.without).map((violation) => ({
    ...violation,
    message: job.step.options.masker.mask(violation.message),
  }));
  if (options.outputDirectory === undefined && job.step.uploads.length === 0) await rmdir(job.outputDirectory);
  return resultOf(job, record, {
    agentResult: refused ? 'Failed' : (job.step.result ?? 'Succeeded'),
    canceled: ended?.canceled ?? false,
    durationMs: Math.round(performance.now() - started),
    violations,
  });
}

function inspectUpload(upload: Upload): RunRecord['uploads'][number] {
  const digest = fileDigest(upload.source);
  return {
    ...upload,
    state: digest === undefined ? 'gone' : digest === upload.digest ? 'same' : 'changed',
    text: readFileSync(upload.copy, 'utf8'),
  };
}

function recordOf(job: Job): RunRecord {
  return {
    lines: [],
    commands: [],
    inputProblems: job.inputs.problems,
    log: job.step.log,
    knownSecrets: job.knownSecrets,
    registeredSecrets: job.step.registeredSecrets,
    setVariables: job.step.setVariables,
    uploads: [],
    leftovers: [],
    taskFolderChanges: [],
    process: undefined,
    timedOutAfterMs: undefined,
    fixtureMarkers: job.options.fixtureMarkers ?? [],
    allowedCommands: job.options.allowedCommands ?? defaultAllowedCommands,
  };
}

function resultOf(
  job: Job,
  record: RunRecord,
  end: Pick<TaskRun, 'canceled' | 'durationMs' | 'violations'> & { readonly agentResult: AgentResult },
): TaskRun {
  const { definition, step, handler } = job;
  const { Major, Minor, Patch } = definition.version;
  const uploaded = (kinds: readonly Upload['kind'][]): UploadedFile[] =>
    step.uploads
      .filter((upload) => kinds.includes(upload.kind))
      .map((upload) => ({ type: upload.type, name: upload.name, path: upload.copy }));
  return {
    task: definition.name,
    version: `${Major}.${Minor}.${Patch}`,
    result: taskResult(end.agentResult),
    agentResult: end.agentResult,
    canceled: end.canceled,
    exitCode: record.process?.exitCode ?? null,
    issues: step.issues,
    issueCounts: step.issueCounts,
    variables: variableValues(step, false),
    outputVariables: variableValues(step, true),
    attachments: uploaded(['attachment', 'file']),
    summaries: uploaded(['summary']),
    testResults: uploaded(['testResults']).map((file) => file.path),
    progress: step.progress,
    log: step.log.join('\n'),
    durationMs: end.durationMs,
    host: step.options.host,
    node: { handler: handler.handler, folder: handler.folder, program: job.program },
    signals: record.process?.signals ?? [],
    violations: end.violations,
    outputDirectory: job.outputDirectory,
  };
}

function variableValues(step: Step, output: boolean): Record<string, string> {
  return Object.fromEntries(
    step.setVariables
      .filter((variable) => variable.output === output)
      .map((variable) => [variable.name, variable.secret ? mask : variable.value]),
  );
}

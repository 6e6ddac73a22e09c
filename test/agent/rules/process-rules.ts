import type { Rule } from './rule.ts';

export const processRules = [
  {
    name: 'required-input',
    description: 'Every required input that is shown has a value.',
    check: (run) =>
      run.inputProblems.filter((problem) => problem.rule === 'required-input').map((problem) => problem.message),
  },
  {
    name: 'unknown-input',
    description: 'Every given input is declared, by its name or an alias.',
    check: (run) =>
      run.inputProblems.filter((problem) => problem.rule === 'unknown-input').map((problem) => problem.message),
  },
  {
    name: 'not-utf8',
    description: 'What the task writes is UTF-8.',
    check: (run) =>
      run.lines
        .filter((line) => !line.validUtf8)
        .map((line) => `A line of ${line.stream} is not UTF-8: ${JSON.stringify(line.text)}`),
  },
  {
    name: 'exit-code',
    description: 'The process ends with exit code 0; a failure is told by task.complete.',
    check: ({ process }) => {
      if (process === undefined || process.exitCode === undefined || process.exitCode === 0) return [];
      // The agent's own signals are another rule's matter.
      if (process.signals.includes('SIGTERM')) return [];
      const how = process.signal === undefined ? '' : ` (${process.signal})`;
      return [`The process ended with exit code ${process.exitCode}${how}.`];
    },
  },
  {
    name: 'ignored-cancellation',
    description: 'A cancelled task ends by itself before SIGTERM.',
    check: ({ process }) =>
      process?.signals.includes('SIGTERM') === true
        ? [`The task did not end after SIGINT; the agent sent ${process.signals.slice(1).join(', then ')}.`]
        : [],
  },
  {
    name: 'timed-out',
    description: 'The task ends in the time that it is given.',
    check: ({ timedOutAfterMs }) =>
      timedOutAfterMs === undefined ? [] : [`The task still ran after ${timedOutAfterMs} ms and was cancelled.`],
  },
  {
    name: 'orphan-process',
    description: 'No process outlives the task.',
    check: ({ process }) =>
      (process?.orphans ?? []).map((orphan) => `A process outlived the task: ${orphan.commandLine} (${orphan.pid})`),
  },
  {
    name: 'leftover-file',
    description: "Nothing stays in the temp folders but files that are queued for upload and task-lib's own.",
    check: (run) => run.leftovers.map((file) => `Left in the temp folder: ${file}`),
  },
  {
    name: 'upload-changed',
    description: 'A file that was queued for upload is still there, and the same, when the task has ended.',
    check: (run) =>
      run.uploads
        .filter((upload) => upload.state !== 'same')
        .map(
          (upload) =>
            `The file "${upload.source}" was queued for upload and then ${upload.state === 'gone' ? 'removed' : 'changed'}.`,
        ),
  },
  {
    name: 'task-folder-changed',
    description: 'The task writes nothing into its own folder, which the agent keeps for later jobs.',
    check: (run) => run.taskFolderChanges.map((change) => `The task's own folder changed: ${change}`),
  },
] as const satisfies readonly Rule[];

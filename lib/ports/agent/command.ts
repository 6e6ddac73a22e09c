import { TaskCommand } from 'azure-pipelines-task-lib/taskcommand.js';

/** The agent's commands that this product uses, and no other. Contract: azure-pipelines-agent `docs/preview/logging-commands`. */
export type CommandName =
  | 'task.addattachment'
  | 'task.complete'
  | 'task.debug'
  | 'task.logissue'
  | 'task.setprogress'
  | 'task.setsecret'
  | 'task.setvariable'
  | 'task.uploadsummary'
  | 'results.publish';

/** One line for the agent. Values and data are escaped, so that they end neither the command nor the line; empty values are left out. */
export function formatCommand(
  name: CommandName,
  properties: Readonly<Record<string, string | number | undefined>>,
  data: string,
): string {
  return new TaskCommand(name, properties, data).toString();
}

/** What the agent accepts as the type or name of an attachment, on every platform: .NET's `Path.GetInvalidFileNameChars`. */
export function attachmentName(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
  return text.replace(/[\u0000-\u001f"<>|:*?\\/]/g, '-') || '-';
}

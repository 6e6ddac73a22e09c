import type { TaskManifest } from './task-manifest.ts';

/** Where a task keeps its English texts, relative to its folder; the agent's culture picks the folder beside it. */
export const STRINGS_FILE = 'Strings/resources.resjson/en-US/resources.resjson';

/**
 * The text of `resources.resjson` for a task.json: what translators start from. Keys are those that the service and
 * azure-pipelines-task-lib look up (`loc.friendlyName`, `loc.input.label.<name>`, ...).
 */
export function stringsOf(task: TaskManifest): string {
  const strings: Record<string, string> = {
    'loc.friendlyName': task.friendlyName,
    'loc.helpMarkDown': task.helpMarkDown,
    'loc.description': task.description,
    'loc.instanceNameFormat': task.instanceNameFormat,
    'loc.releaseNotes': task.releaseNotes,
  };
  for (const group of task.groups ?? []) strings[`loc.group.displayName.${group.name}`] = group.displayName;
  for (const input of task.inputs) {
    strings[`loc.input.label.${input.name}`] = input.label;
    strings[`loc.input.help.${input.name}`] = input.helpMarkDown;
  }
  for (const [key, message] of Object.entries(task.messages ?? {})) strings[`loc.messages.${key}`] = message;
  return `${JSON.stringify(strings, null, 2)}\n`;
}

import type { CommandOutcome } from '../command-record.ts';
import { findMarker } from '../marker-search.ts';
import { quote, type Rule } from './rule.ts';

/** What the product has reason to send. */
export const defaultAllowedCommands: readonly string[] = [
  'task.debug',
  'task.logissue',
  'task.setvariable',
  'task.setsecret',
  'task.setprogress',
  'task.complete',
  'task.addattachment',
  'task.uploadsummary',
  'results.publish',
];

/** What the product has reason to write as `##[...]` at the start of a line. */
const allowedFormatting = ['section', 'group', 'endgroup', 'command', 'debug', 'warning', 'error'];

const markers = ['##vso[', '##['];

export const commandRules = [
  {
    name: 'marker-inside-line',
    description:
      'A command or a formatting marker stands at the start of a line, never inside one, where only data can have put it.',
    check: (run) =>
      run.lines
        .filter((line) => markers.some((marker) => findMarker(line.text, marker, 1) !== undefined))
        .map((line) => `A marker stands inside a line of ${line.stream}: ${quote(line.text)}`),
  },
  {
    name: 'marker-from-data',
    description: 'No marker that the test put into its data is obeyed or shown as formatting.',
    check: (run) =>
      run.lines
        .filter((line) => run.fixtureMarkers.some((marker) => comesFrom(line.text, marker)))
        .map((line) => `A marker of the test's data reached the agent: ${quote(line.text)}`),
  },
  {
    name: 'unexpected-command',
    description: 'Only commands that the task has reason to send.',
    check: (run) =>
      run.commands
        .filter((command) => command.outcome !== 'malformed' && command.outcome !== 'unknown')
        .filter((command) => !run.allowedCommands.includes(command.name))
        .map((command) => `The task has no reason to send ${command.name}: ${quote(command.line)}`),
  },
  {
    name: 'unexpected-formatting',
    description: `Only the formatting ${allowedFormatting.map((tag) => `[${tag}]`).join(', ')} after ## at the start of a line.`,
    check: (run) =>
      run.lines
        .filter((line) => line.text.startsWith('##['))
        .filter((line) => !allowedFormatting.includes(/^##\[(\w*)\]/.exec(line.text)?.[1] ?? ''))
        .map((line) => `The log shows no such formatting: ${quote(line.text)}`),
  },
  outcomeRule('malformed-command', 'malformed', 'Every line with ##vso is a command.'),
  outcomeRule('unknown-command', 'unknown', 'Every command is one that the agent knows.'),
  outcomeRule('failed-command', 'failed', 'Every command does what it says; one that fails makes the step fail.'),
  outcomeRule('upload-missing', 'missing-file', 'A file that is queued for upload exists at that moment.'),
  outcomeRule('restricted-command', 'restricted', 'No command that restrictions.commands of task.json blocks.'),
  outcomeRule(
    'restricted-variable',
    'blocked-variable',
    'No variable that restrictions.settableVariables of task.json blocks.',
  ),
  outcomeRule('read-only-variable', 'read-only-variable', 'No variable that the agent owns is set.'),
] as const satisfies readonly Rule[];

/** Text with `##` is looked for as it is, any other in the header of what the agent would obey or format. */
function comesFrom(line: string, marker: string): boolean {
  if (marker.includes('##')) return line.includes(marker);
  const header = /##(?:vso)?\[([^\]]*)\]/.exec(line)?.[1];
  return header?.includes(marker) === true;
}

function outcomeRule<const N extends string>(name: N, outcome: CommandOutcome, description: string) {
  return {
    name,
    description,
    check: (run) =>
      run.commands
        .filter((command) => command.outcome === outcome)
        .map((command) => `${command.detail}: ${quote(command.line)}`),
  } as const satisfies Rule;
}

import type { CommandHandler } from './command-handlers/command-handler.ts';
import { commandAreas } from './command-handlers/index.ts';
import { type AgentCommand, parseCommand, unescapeValue } from './command-parser.ts';
import { CommandError, type CommandOutcome, type CommandRecord } from './command-record.ts';
import { findMarker } from './marker-search.ts';
import { isCommandAllowed } from './restrictions.ts';
import type { Step } from './step.ts';

/**
 * Obeys or prints a line of output (agent: WorkerCommandManager.TryProcessCommand). What the agent only warns of is a warning
 * here, what makes it fail the step is an error and a failed step; the record says which it was.
 */
export function processLine(step: Step, line: string): CommandRecord | undefined {
  const decodePercents = step.options.variables.flag('DECODE_PERCENTS') ?? true;
  const command = parseCommand(line, { decodePercents });
  if (command === undefined) {
    const malformed = findMarker(line, '##vso') !== undefined;
    if (malformed) step.warning(`'${line}' contains logging command keyword '##vso', but it's not a legal command.`);
    step.write(line);
    return malformed ? record(line, '', 'malformed', 'not a legal command') : undefined;
  }

  const area = commandAreas.get(command.area.toLowerCase());
  const handler = area === undefined ? undefined : findHandler(area.events, command.event);
  const name = `${command.area.toLowerCase()}.${handler?.name ?? command.event.toLowerCase()}`;
  if (area === undefined) {
    step.warning(`Can't find command extension for ##vso[${command.area}.command].`);
    return record(line, name, 'unknown', `the agent has no area "${command.area}"`);
  }
  if (!area.hosts.includes(step.options.host)) {
    const detail = `${command.area} commands are not supported in a ${step.options.host}`;
    step.error(`${detail}.`);
    step.complete('Failed');
    // The agent takes such a line for text.
    step.write(line);
    return record(line, name, 'failed', detail);
  }
  const [outcome, detail] =
    handler === undefined
      ? fail(step, command, line, new CommandError(`${command.area} has no command "${command.event}".`, 'unknown'))
      : run(step, command, line, handler.handler);
  if (name !== 'task.debug') step.debug(`Processed: ${unescapeValue(line, decodePercents)}`);
  return record(line, name, outcome, detail);
}

function findHandler(
  events: Readonly<Record<string, CommandHandler>>,
  event: string,
): { name: string; handler: CommandHandler } | undefined {
  const wanted = event.toLowerCase();
  for (const [name, handler] of Object.entries(events)) {
    if (name === wanted || handler.aliases?.includes(wanted)) return { name, handler };
  }
  return undefined;
}

function run(step: Step, command: AgentCommand, line: string, handler: CommandHandler): [CommandOutcome, string] {
  if (!isCommandAllowed(step.options.restrictions, handler.allowedWhenRestricted)) {
    const detail = `##vso[${command.area}.${command.event}] is not allowed in this step due to policy restrictions.`;
    step.warning(detail);
    return ['restricted', detail];
  }
  try {
    handler.run(step, command);
    return ['done', ''];
  } catch (error) {
    return fail(step, command, line, error);
  }
}

function fail(step: Step, command: AgentCommand, line: string, error: unknown): [CommandOutcome, string] {
  const detail = error instanceof Error ? error.message : String(error);
  const outcome = error instanceof CommandError ? error.outcome : 'failed';
  if (outcome === 'blocked-variable') {
    step.warning(detail);
    return [outcome, detail];
  }
  step.error(`Unable to process command '${line}' successfully.`);
  step.error(detail);
  step.complete('Failed');
  return [outcome, `${command.area}.${command.event}: ${detail}`];
}

function record(line: string, name: string, outcome: CommandOutcome, detail: string): CommandRecord {
  return { line, name, outcome, detail };
}

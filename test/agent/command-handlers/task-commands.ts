import path from 'node:path';
import type { AgentCommand } from '../command-parser.ts';
import { CommandError } from '../command-record.ts';
import { isVariableSettable } from '../restrictions.ts';
import { agentResults } from '../result.ts';
import type { Step, Upload } from '../step.ts';
import { allHosts, type CommandArea, type CommandHandler } from './command-handler.ts';
import { issueOf, shownIssue } from './issue.ts';

export const summaryType = 'Distributedtask.Core.Summary';
export const fileType = 'Distributedtask.Core.FileAttachment';

/** The area `task` (agent: TaskCommandExtension.cs). */
export const taskCommands: CommandArea = {
  hosts: allHosts,
  events: {
    logissue: { ...always(logIssue), aliases: ['issue'] },
    setvariable: always(setVariable),
    settaskvariable: always(setTaskVariable),
    setsecret: always((step, command) => step.registerSecret(command.data)),
    setprogress: always(setProgress),
    complete: always(complete),
    debug: always((step, command) => step.debug(command.data)),
    logdetail: always(logDetail),
    prependpath: always(prependPath),
    uploadsummary: unrestricted((step, command) => upload(step, 'summary', summaryType, command.data)),
    uploadfile: unrestricted((step, command) => upload(step, 'file', fileType, command.data)),
    addattachment: unrestricted(addAttachment),
    setendpoint: unrestricted(setEndpoint),
  },
};

function always(run: CommandHandler['run']): CommandHandler {
  return { allowedWhenRestricted: true, run };
}

function unrestricted(run: CommandHandler['run']): CommandHandler {
  return { allowedWhenRestricted: false, run };
}

function logIssue(step: Step, command: AgentCommand): void {
  const issue = issueOf(command, step.options);
  if (issue === undefined) step.warning("Can't create TaskIssue from logging event.");
  else step.addIssue(issue, shownIssue(issue));
}

function setVariable(step: Step, command: AgentCommand): void {
  const name = required(command, 'variable');
  const secret = flag(command, 'issecret');
  if (step.options.variables.isReadOnly(name)) {
    throw new CommandError(`The variable "${name}" belongs to the agent and is read-only.`, 'read-only-variable');
  }
  if (secret) refuseMultilineSecret(step, command.data);
  if (!isVariableSettable(step.options.restrictions, name)) {
    // The agent has registered a secret before it looks at the restrictions.
    if (secret) step.registerSecret(command.data);
    throw new CommandError(
      `Setting variable "${name}" has been disabled by the task or build definition.`,
      'blocked-variable',
    );
  }
  step.setVariable(
    { name, value: command.data, secret, output: flag(command, 'isoutput') },
    { readOnly: flag(command, 'isreadonly'), preserveCase: flag(command, 'preservecase') },
  );
}

function setTaskVariable(step: Step, command: AgentCommand): void {
  const name = required(command, 'variable');
  const secret = flag(command, 'issecret');
  if (step.taskVariables.isReadOnly(name)) {
    throw new CommandError(`The task variable "${name}" is read-only.`, 'read-only-variable');
  }
  if (secret) {
    refuseMultilineSecret(step, command.data);
    step.registerSecret(command.data);
  }
  step.taskVariables.set(name, command.data, {
    secret,
    readOnly: flag(command, 'isreadonly'),
    preserveCase: flag(command, 'preservecase'),
  });
}

function refuseMultilineSecret(step: Step, value: string): void {
  if (!value.includes('\n') || step.options.variables.flag('SYSTEM_UNSAFEALLOWMULTILINESECRET') === true) return;
  throw new CommandError('Secrets cannot contain multiple lines.');
}

function setProgress(step: Step, command: AgentCommand): void {
  const value = command.properties.get('value') ?? '';
  const percent = /^\s*[+-]?\d+\s*$/.test(value) ? Math.min(Math.max(Number(value), 0), 100) : 0;
  step.setProgress(percent, command.data);
}

function complete(step: Step, command: AgentCommand): void {
  const text = required(command, 'result');
  // The agent compares with regard to case: `Cancelled`, as azure-pipelines-task-lib spells it, is none of its words.
  const result = agentResults.find((candidate) => candidate === text);
  if (result === undefined)
    throw new CommandError(`"${text}" is no result; the agent knows ${agentResults.join(', ')}.`);
  step.complete(result);
  step.setProgress(100, command.data);
  if (/^(?:1|true|\$true)$/i.test(command.properties.get('done') ?? '')) step.forceCompleted = true;
}

function logDetail(_step: Step, command: AgentCommand): void {
  required(command, 'id');
}

function prependPath(step: Step, command: AgentCommand): void {
  if (!isVariableSettable(step.options.restrictions, 'PATH')) {
    throw new CommandError(
      'Setting variable "PATH" has been disabled by the task or build definition.',
      'blocked-variable',
    );
  }
  if (command.data === '') throw new CommandError('prependpath needs a folder.');
  step.prependedPaths.push(command.data);
}

function upload(step: Step, kind: Upload['kind'], type: string, file: string): void {
  if (file === '') throw new CommandError('Cannot upload: the path of the file is empty.', 'missing-file');
  step.queueUpload(kind, type, path.basename(file), file);
}

function addAttachment(step: Step, command: AgentCommand): void {
  const type = required(command, 'type');
  const name = required(command, 'name');
  for (const [what, value] of [
    ['Type', type],
    ['Name', name],
  ] as const) {
    // Path.GetInvalidFileNameChars() on Linux.
    if (/[/\0]/.test(value)) throw new CommandError(`${what} contains invalid characters: "${value}".`);
  }
  step.queueUpload('attachment', type, name, command.data);
}

function setEndpoint(step: Step, command: AgentCommand): void {
  if (command.data === '') throw new CommandError('setendpoint needs a value.');
  const field = required(command, 'field').toLowerCase();
  if (field === 'authparameter') step.registerSecret(command.data);
  required(command, 'id');
  if (field !== 'url') required(command, 'key');
}

/** A property that the agent insists on. */
export function required(command: AgentCommand, property: string): string {
  const value = command.properties.get(property);
  if (value === undefined || value === '') {
    throw new CommandError(`${command.area}.${command.event} needs the property "${property}".`);
  }
  return value;
}

/** .NET's Boolean.TryParse. */
function flag(command: AgentCommand, property: string): boolean {
  return command.properties.get(property)?.trim().toLowerCase() === 'true';
}

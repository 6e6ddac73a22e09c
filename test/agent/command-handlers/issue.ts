import { existsSync } from 'node:fs';
import path from 'node:path';
import type { AgentCommand } from '../command-parser.ts';
import { CommandError } from '../command-record.ts';
import type { Issue, StepOptions } from '../step.ts';

/**
 * The issue that task.logissue makes; undefined without a type, which the agent only warns of. In a build the path of an
 * existing file of the checkout becomes relative to it; a release has no sources to map it to and keeps it.
 */
export function issueOf(command: AgentCommand, step: Pick<StepOptions, 'repositoryPath'>): Issue | undefined {
  const type = command.properties.get('type');
  if (type === undefined) return undefined;
  const kind = type.toLowerCase();
  if (kind !== 'error' && kind !== 'warning') {
    throw new CommandError(`issue type ${type} is not an expected issue type.`);
  }
  const code = command.properties.get('code');
  const file = command.properties.get('sourcepath');
  return {
    type: kind,
    message: command.data,
    ...(code === undefined ? {} : { code }),
    ...(file === undefined ? {} : { sourcePath: relativeSource(file, step.repositoryPath) }),
    ...numberProperty(command, 'linenumber', 'line'),
    ...numberProperty(command, 'columnnumber', 'column'),
  };
}

/** With a place, the log shows it as compilers do: `file(line,column): type code: message`. */
export function shownIssue(issue: Issue): string {
  if (issue.sourcePath === undefined) return issue.message;
  return `${issue.sourcePath}(${issue.line ?? ''},${issue.column ?? ''}): ${issue.type} ${issue.code ?? ''}: ${issue.message}`;
}

function relativeSource(file: string, repositoryPath: string | undefined): string {
  if (repositoryPath === undefined || !existsSync(file)) return file;
  const relative = path.relative(repositoryPath, path.resolve(file));
  return relative.startsWith('..') ? file : relative;
}

function numberProperty<K extends string>(command: AgentCommand, property: string, key: K): Partial<Record<K, number>> {
  const value = command.properties.get(property);
  return value !== undefined && /^\d+$/.test(value) ? ({ [key]: Number(value) } as Record<K, number>) : {};
}

import { resolve } from 'node:path';
import { describeProblem, type Place } from '../../errors.ts';
import type { IssuePlace, Log } from './agent.ts';
import { formatCommand } from './command.ts';
import type { Output } from './output.ts';

/** The agent keeps this many errors and as many warnings of a step for the run's page (azure-pipelines-agent `ExecutionContext`). */
const KEPT_ISSUES = 10;

/** Characters of an issue on the run's page; the rest stands in the log. The service's own limit is not documented. */
const MAX_ISSUE_LENGTH = 4_000;

export interface PipelinesLogOptions {
  readonly output: Output;
  /** `System.Debug`. The agent drops debug lines otherwise; not to send them saves time. */
  readonly debug: boolean;
  /** The folder that issues' files are relative to; undefined in a classic release, where the agent can relate no file to a repository. */
  readonly sourceRoot: string | undefined;
}

export interface PipelinesLog extends Log {
  /** Says once how many issues the run's page does not show. */
  finish(): void;
}

/** A log in the agent's own notation: https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands */
export function createPipelinesLog({ output, debug, sourceRoot }: PipelinesLogOptions): PipelinesLog {
  const counts = { error: 0, warning: 0 };
  let groupIsOpen = false;
  let saidHowMany = false;

  function issue(type: 'error' | 'warning', text: string, at: IssuePlace = {}): void {
    counts[type] += 1;
    const place = isHarmless(at.file) ? annotated(at, sourceRoot) : undefined;
    const code = at.code === undefined ? undefined : oneLine(output.harmless(at.code));
    const message = place === undefined ? described(text, at) : text;
    if (counts[type] > KEPT_ISSUES) {
      output.print(described(text, at), 'stdout', (line) => `##[${type}]${line}`);
      return;
    }
    const harmless = output.harmless(message);
    const shown = harmless.length > MAX_ISSUE_LENGTH ? `${cut(harmless)} ... (all of it is in the log)` : harmless;
    output.obeyed(formatCommand('task.logissue', { type, ...place, code }, shown));
    if (shown !== harmless) output.print(message);
  }

  /** The agent repeats the path in the line that it prints, so a file with a hostile name is only told through the filter. */
  function isHarmless(file: string | undefined): boolean {
    return file === undefined || output.harmless(file) === file;
  }

  function endGroup(): void {
    if (groupIsOpen) output.obeyed('##[endgroup]');
    groupIsOpen = false;
  }

  return {
    info: (text) => output.print(text),
    debug(text) {
      if (debug) output.obeyed(formatCommand('task.debug', {}, output.harmless(text)));
    },
    warning: (text, at) => issue('warning', text, at),
    error: (text, at) => issue('error', text, at),
    section: (title) => output.print(title, 'stdout', (line) => `##[section]${line}`),
    group(title) {
      endGroup();
      groupIsOpen = true;
      output.obeyed(`##[group]${oneLine(output.harmless(title))}`);
    },
    endGroup,
    finish() {
      endGroup();
      if (saidHowMany) return;
      saidHowMany = true;
      for (const type of ['error', 'warning'] as const) {
        const more = counts[type] - KEPT_ISSUES;
        if (more > 0) {
          output.print(`The run's page shows the first ${KEPT_ISSUES} ${type}s; ${more} more stand only in this log.`);
        }
      }
    },
  };
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}

function cut(text: string): string {
  return text.slice(0, MAX_ISSUE_LENGTH).replace(/[\ud800-\udbff]$/, '');
}

/**
 * The file as the agent maps it to the repository: an absolute path of this machine. With it the agent writes `file(line,column): error
 * code: message`; a file without a line would become `file(,)`, so it is told in the message instead.
 */
function annotated(at: IssuePlace, sourceRoot: string | undefined): Record<string, string | number> | undefined {
  if (sourceRoot === undefined || at.file === undefined || at.line === undefined) return undefined;
  return { sourcepath: resolve(sourceRoot, at.file), linenumber: at.line, columnnumber: at.column ?? 1 };
}

/** `file:line:column: message`, when the file is known. */
export function described(text: string, at: IssuePlace): string {
  return at.file === undefined ? text : describeProblem({ message: text, at: at as Place });
}

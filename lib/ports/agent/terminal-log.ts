import type { IssuePlace, Log } from './agent.ts';
import type { Output } from './output.ts';
import { described } from './pipelines-log.ts';

export interface TerminalLogOptions {
  readonly output: Output;
  readonly debug: boolean;
  readonly colours: boolean;
}

const COLOURS = { bold: 1, dim: 2, red: 31, yellow: 33, cyan: 36 };

/** A log for people at a terminal. Issues go to stderr, so that they are seen when the rest is redirected. */
export function createTerminalLog({ output, debug, colours }: TerminalLogOptions): Log {
  const paint =
    (colour: keyof typeof COLOURS) =>
    (line: string): string =>
      colours ? `\u001b[${COLOURS[colour]}m${line}\u001b[0m` : line;

  function issue(type: 'error' | 'warning', text: string, at: IssuePlace = {}): void {
    const code = at.code === undefined ? '' : ` [${at.code}]`;
    output.print(described(`${type}: ${text}${code}`, at), 'stderr', paint(type === 'error' ? 'red' : 'yellow'));
  }

  return {
    info: (text) => output.print(text),
    debug(text) {
      if (debug) output.print(text, 'stdout', paint('dim'));
    },
    warning: (text, at) => issue('warning', text, at),
    error: (text, at) => issue('error', text, at),
    section: (title) => output.print(title, 'stdout', paint('cyan')),
    group: (title) => output.print(title, 'stdout', paint('bold')),
    endGroup: () => undefined,
  };
}

/**
 * Colours for a terminal that shows them, unless the user said otherwise (https://no-color.org, and FORCE_COLOR as Node reads it).
 */
export function wantsColours(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTerminal && env['TERM'] !== 'dumb';
}

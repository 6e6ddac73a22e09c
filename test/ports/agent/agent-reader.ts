/**
 * The agent's side of a task's output, written from the description of its line protocol and not from our code: lines end at LF, CR LF or
 * CR; the first marker in a line begins a command, found by comparing as .NET's culture-sensitive IndexOf does, for which ICU's collation
 * stands here; case is ignored although the agent is not known to.
 */
export interface ReadCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

export interface Reading {
  readonly commands: readonly ReadCommand[];
  /** Lines that are shown. */
  readonly shown: readonly string[];
  /** Lines for which the agent would warn: a marker that is no command. */
  readonly suspicious: readonly string[];
}

const collation = new Intl.Collator('en', { sensitivity: 'variant' });
/** No more ignorable characters between two letters are tried than this; the tests put in fewer. */
const LONGEST = 24;

export function readAsAgent(output: string): Reading {
  const commands: ReadCommand[] = [];
  const shown: string[] = [];
  const suspicious: string[] = [];
  for (const line of output.split(/\r\n|\n|\r/)) {
    const marker = find(line, '##vso[');
    const command = marker === undefined ? undefined : parse(line.slice(marker.end));
    if (command !== undefined) commands.push(command);
    else {
      shown.push(line);
      if (find(line, '##vso') !== undefined) suspicious.push(line);
    }
  }
  return { commands, shown, suspicious };
}

/** The first place where some stretch of the line compares equal to the text. */
export function find(line: string, text: string): { readonly start: number; readonly end: number } | undefined {
  const lower = line.toLowerCase();
  for (let start = lower.indexOf('#'); start >= 0; start = lower.indexOf('#', start + 1)) {
    for (let end = start + text.length; end <= Math.min(lower.length, start + LONGEST); end += 1) {
      if (lower[end - 1] === text.at(-1) && collation.compare(lower.slice(start, end), text) === 0)
        return { start, end };
    }
  }
  return undefined;
}

function parse(rest: string): ReadCommand | undefined {
  const end = rest.indexOf(']');
  if (end < 0) return undefined;
  const info = rest.slice(0, end);
  const space = info.indexOf(' ');
  const name = space < 0 ? info : info.slice(0, space);
  if (name.split('.').filter((part) => part !== '').length !== 2) return undefined;
  const properties: Record<string, string> = {};
  for (const pair of space < 0 ? [] : info.slice(space + 1).split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && at < pair.length - 1) properties[pair.slice(0, at).toLowerCase()] = unescaped(pair.slice(at + 1));
  }
  return { name, properties, data: unescaped(rest.slice(end + 1)) };
}

function unescaped(text: string): string {
  return text
    .replaceAll('%3B', ';')
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%5D', ']')
    .replaceAll('%AZP25', '%');
}

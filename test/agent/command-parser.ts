/**
 * The agent's line protocol `##vso[area.event name=value;...]data`
 * (microsoft/azure-pipelines-agent: Command.cs, CommandStringConvertor.cs).
 */
import { findMarker } from './marker-search.ts';

export interface AgentCommand {
  readonly area: string;
  readonly event: string;
  /** Unescaped values by lower-case name: the agent compares names without regard to case. */
  readonly properties: ReadonlyMap<string, string>;
  readonly data: string;
}

export interface ParseOptions {
  /** The variable DECODE_PERCENTS; false leaves `%AZP25` as it is. Default: true. */
  readonly decodePercents?: boolean;
}

const prefix = '##vso[';

/**
 * The command that the agent finds in a line of output, or undefined when it takes the line as text. As in the agent the
 * prefix may stand anywhere in the line, and the header ends at the first `]` after it.
 */
export function parseCommand(line: string, options: ParseOptions = {}): AgentCommand | undefined {
  const start = findMarker(line, prefix);
  if (start === undefined) return undefined;
  const end = line.indexOf(']', start);
  if (end < 0) return undefined;

  const header = line.slice(start + prefix.length, end);
  const space = header.indexOf(' ');
  const name = space < 0 ? header : header.slice(0, space);
  const [area, event, ...rest] = name.split('.').filter((part) => part !== '');
  if (area === undefined || event === undefined || rest.length > 0) return undefined;

  const decodePercents = options.decodePercents ?? true;
  return {
    area,
    event,
    // A header that begins with a space has no name before it, so it never comes to properties.
    properties: space > 0 ? parseProperties(header.slice(space + 1), decodePercents) : new Map(),
    data: unescapeValue(line.slice(end + 1), decodePercents),
  };
}

function parseProperties(text: string, decodePercents: boolean): Map<string, string> {
  const properties = new Map<string, string>();
  for (const property of text.split(';')) {
    // .NET's Split(['='], 2, RemoveEmptyEntries): leading equal signs vanish, of the value too, and an empty side is no property.
    const [, name, value] = /^=*([^=]+)=+(.+)$/s.exec(property) ?? [];
    if (name === undefined || value === undefined) continue;
    properties.set(name.toLowerCase(), unescapeValue(value, decodePercents));
  }
  return properties;
}

/** `%` last, so that an escaped `%0A` does not turn into a line break. */
export function unescapeValue(text: string, decodePercents = true): string {
  const unescaped = text.replaceAll('%3B', ';').replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%5D', ']');
  return decodePercents ? unescaped.replaceAll('%AZP25', '%') : unescaped;
}

/** The agent's own way to write a value; `%` first. */
export function escapeValue(text: string, decodePercents = true): string {
  const percents = decodePercents ? text.replaceAll('%', '%AZP25') : text;
  return percents.replaceAll(';', '%3B').replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll(']', '%5D');
}

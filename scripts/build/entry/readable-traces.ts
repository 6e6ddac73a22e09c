import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * First import of every packed task. The agent starts node without --enable-source-maps, and process.setSourceMapsEnabled()
 * would come too late for the file that calls it. So a stack is translated when somebody reads it, by the .map beside the
 * bundle; a run without errors pays nothing.
 */
const folder = dirname(fileURLToPath(import.meta.url));
const maps = new Map<string, SourceMap | undefined>();

Error.prepareStackTrace = (error, frames) =>
  [headline(error), ...frames.map((frame) => `    at ${readable(frame)}`)].join('\n');

function headline(error: Error): string {
  try {
    return String(error);
  } catch {
    return '<error>';
  }
}

function readable(frame: NodeJS.CallSite): string {
  const text = frame.toString();
  const file = frame.getFileName();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (!file?.startsWith('file:') || line === null || column === null) return text;
  try {
    const entry = mapOf(fileURLToPath(file))?.findEntry(line - 1, column - 1);
    if (entry === undefined || !('originalSource' in entry)) return text;
    return text.replace(
      `${file}:${line}:${column}`,
      `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`,
    );
  } catch {
    // A trace in bundle positions is better than an error about an error.
    return text;
  }
}

function mapOf(file: string): SourceMap | undefined {
  if (dirname(file) !== folder) return undefined;
  const name = basename(file);
  if (!maps.has(name)) {
    // Noted before the file is read, so that an error in here does not come back for its own trace.
    maps.set(name, undefined);
    maps.set(name, new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8'))));
  }
  return maps.get(name);
}

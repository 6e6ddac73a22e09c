/** ICU's comparison, which .NET's culture-sensitive one is made of. */
const collation = new Intl.Collator('en', { sensitivity: 'variant' });

const weightless = new Map<string, boolean>();

/**
 * The first place where a line holds a text, as the agent finds `##vso` (Command.cs, WorkerCommandManager.cs): by .NET's culture-sensitive
 * `IndexOf`, which skips characters without weight, such as zero-width and control characters. Case counts.
 */
export function findMarker(line: string, marker: string, from = 0): number | undefined {
  const first = marker.charAt(0);
  for (let start = line.indexOf(first, from); start >= 0; start = line.indexOf(first, start + 1)) {
    if (standsAt(line, start, marker)) return start;
  }
  return undefined;
}

function standsAt(line: string, start: number, marker: string): boolean {
  let at = start;
  for (const character of marker) {
    while (at < line.length && line[at] !== character && isWeightless(line, at)) at += widthOf(line, at);
    if (line[at] !== character) return false;
    at += 1;
  }
  return true;
}

function isWeightless(line: string, at: number): boolean {
  const character = String.fromCodePoint(line.codePointAt(at) ?? 0);
  let known = weightless.get(character);
  if (known === undefined) {
    known = collation.compare(character, '') === 0;
    weightless.set(character, known);
  }
  return known;
}

function widthOf(line: string, at: number): number {
  return (line.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what is taken out
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]+/g;
const LONGEST_LINE = 1_000;

/** Messages of controllers and kubelets as one line of bearable length. */
export function oneLine(text: string, longest = 400): string {
  const line = text.replace(CONTROL, ' ').replace(/\s+/g, ' ').trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}

/** The lines of a log, without what would move a terminal's cursor; the last ones when there are more than asked for. */
export function logLines(text: string, most: number): string[] {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.replace(CONTROL, ' ').slice(0, LONGEST_LINE).trimEnd());
  while (lines.at(-1) === '') lines.pop();
  return lines.slice(-most);
}

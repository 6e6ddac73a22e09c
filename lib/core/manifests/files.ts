import { readFile, stat } from 'node:fs/promises';
import { messageOf, type Problem } from '../../errors.ts';
import type { Checkout, UserPath } from './paths.ts';
import { throwIfCancelled } from './tools.ts';
import { decodeText } from './yaml/decode.ts';
import { countSeparators, maxSeparatorsOfAll } from './yaml/size.ts';

/** All manifests of a run together; far more than any cluster takes, and what a small agent can still hold. */
const maxTotalBytes = 50 * 1024 * 1024;

export interface TextFile {
  readonly file: UserPath;
  readonly text: string;
}

/** Reads text files up to a total size. What cannot be read is a problem. */
export async function readTextFiles(
  files: readonly UserPath[],
  checkout: Checkout,
  signal: AbortSignal,
  problems: Problem[],
): Promise<TextFile[]> {
  const texts: TextFile[] = [];
  let bytes = 0;
  let separators = 0;
  for (const file of files) {
    throwIfCancelled(signal);
    bytes += (await stat(checkout.absolute(file)).catch(() => undefined))?.size ?? 0;
    const text = bytes > maxTotalBytes ? undefined : await readText(file, checkout, problems);
    separators += text === undefined ? 0 : countSeparators(text);
    if (bytes > maxTotalBytes || separators > maxSeparatorsOfAll) {
      problems.push({
        message: `The manifests are larger than ${maxTotalBytes / (1024 * 1024)} MiB in all, or hold millions of values; this file is one too many. Name fewer files in \`manifests\`, or take large ones out with \`!path\`.`,
        at: { file },
        input: 'manifests',
        code: 'too-large',
      });
      // Reading the others would only take the memory that this is to spare.
      return [];
    }
    if (text !== undefined) texts.push({ file, text });
  }
  return texts;
}

async function readText(file: UserPath, checkout: Checkout, problems: Problem[]): Promise<string | undefined> {
  try {
    const decoded = decodeText(await readFile(checkout.absolute(file)), file);
    if ('text' in decoded) return decoded.text;
    problems.push(decoded.problem);
  } catch (error) {
    problems.push({ message: `The file cannot be read: ${messageOf(error)}`, at: { file }, code: 'unreadable' });
  }
  return undefined;
}

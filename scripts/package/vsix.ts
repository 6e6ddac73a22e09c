import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Entry, open, type ZipFile } from 'yauzl';
import type { Problem } from '../../lib/errors.ts';

/** Azure DevOps Server takes 25 MiB by default, older ones choke earlier; a small package is also what agents download faster. */
export const VSIX_LIMIT = 10_000_000;

/** What tfx adds by itself. */
const TFX_FILES = ['[Content_Types].xml', 'extension.vsixmanifest', 'extension.vsomanifest'];

/** The names of the files in a VSIX, as the package spells them. */
export async function vsixFiles(file: string): Promise<string[]> {
  const zip = await promisify<string, { lazyEntries: boolean }, ZipFile>(open)(file, { lazyEntries: true });
  return new Promise((resolve, reject) => {
    const names: string[] = [];
    zip.on('entry', (entry: Entry) => {
      if (!entry.fileName.endsWith('/')) names.push(entry.fileName);
      zip.readEntry();
    });
    zip.on('end', () => resolve(names));
    zip.on('error', reject);
    zip.readEntry();
  });
}

/** A package holds what was staged and nothing else, each name once whatever its case, and stays small. */
export async function checkVsix(file: string, expected: readonly string[], limit = VSIX_LIMIT): Promise<Problem[]> {
  const problems: Problem[] = [];
  const report = (message: string) => problems.push({ message, at: { file }, code: 'vsix' });
  const found = await vsixFiles(file);
  const wanted = [...expected, ...TFX_FILES];
  for (const name of found.filter((name) => !wanted.includes(name))) report(`${name} does not belong into the package`);
  for (const name of wanted.filter((name) => !found.includes(name))) report(`${name} is missing in the package`);
  const lower = found.map((name) => name.toLowerCase());
  for (const name of lower.filter((name, index) => lower.indexOf(name) !== index))
    report(`${name} is in the package twice`);
  const { size } = await stat(file);
  if (size > limit) report(`${size} bytes are more than ${limit}`);
  return problems;
}

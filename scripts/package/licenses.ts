import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, type Problem } from '../../lib/errors.ts';
import type { BundledPackage } from '../build/packages.ts';

/** SPDX identifiers that allow redistribution in a bundle on no other condition than naming them. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);

export interface LicensedPackage extends BundledPackage {
  readonly license: string;
  /** The licence as the package ships it, and its NOTICE file if it has one. */
  readonly licenseText: string;
}

/** @throws InputError for every package whose licence is unknown, not permissive, or without text. */
export function withLicenses(packages: readonly BundledPackage[], root: string): LicensedPackage[] {
  const problems: Problem[] = [];
  const licensed: LicensedPackage[] = [];
  for (const bundled of packages) {
    const at = { file: bundled.folder };
    const { license } = bundled;
    if (license === undefined || !PERMISSIVE.has(license)) {
      problems.push({
        message: `the licence '${license ?? '(none)'}' is not known to be permissive`,
        at,
        code: 'license',
      });
      continue;
    }
    const licenseText = textOf(join(root, bundled.path));
    if (licenseText === undefined)
      problems.push({ message: `there is no text of the licence ${license}`, at, code: 'license' });
    else licensed.push({ ...bundled, license, licenseText });
  }
  if (problems.length > 0) throw new InputError(problems);
  return licensed;
}

/** Texts from the package's own files, or from the licence section that some have in their README instead. */
function textOf(folder: string): string | undefined {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const read = (file: string) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim();
  const licenses = files
    .filter((file) => /^(un)?licen[cs]e(\.(md|txt))?$|^copying(\.(md|txt))?$/i.test(file))
    .map(read);
  const notices = files.filter((file) => /^notice(\.(md|txt))?$/i.test(file)).map(read);
  if (licenses.length === 0) {
    const readme = files.find((file) => /^readme(\.md)?$/i.test(file));
    const section = readme === undefined ? undefined : /^#+\s*licen[cs]e\s*\n([\s\S]*)$/im.exec(read(readme))?.[1];
    // A mere "MIT" is no text; these words or a condition on redistribution are in every licence of the list.
    if (section !== undefined && /permission is hereby granted|redistribution and use/i.test(section))
      licenses.push(section.trim());
  }
  const texts = licenses.filter((text) => text !== '');
  return texts.length === 0 ? undefined : [...texts, ...notices].join('\n\n');
}

import type { LicensedPackage } from './licenses.ts';

const RULE = '-'.repeat(80);

/** The text of THIRD-PARTY-NOTICES.txt: each package that is really in a bundle, with its licence. */
export function thirdPartyNotices(packages: readonly LicensedPackage[]): string {
  const header = `This extension contains the following ${packages.length} third-party packages.`;
  const entries = packages.map(
    ({ name, version, license, licenseText }) => `${RULE}\n${name} ${version} (${license})\n\n${licenseText}\n`,
  );
  return `${header}\n\n${entries.join('\n')}`;
}

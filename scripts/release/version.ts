import { inc } from 'semver';

export type BumpLevel = 'patch' | 'minor' | 'major';

/** The text of a JSON file with another `version` on its top level; every other byte stays. */
export function setVersion(text: string, version: string): string {
  const next = text.replace(/^( {2}"version": )"[^"]*"/m, `$1${JSON.stringify(version)}`);
  if ((JSON.parse(next) as { version?: string }).version !== version)
    throw new Error('There is no "version" on the top level');
  return next;
}

/** The text of a task.json with its version raised; every other byte stays. */
export function bumpTask(text: string, level: BumpLevel): string {
  const { Major, Minor, Patch } = (JSON.parse(text) as { version: Record<'Major' | 'Minor' | 'Patch', number> })
    .version;
  const [major, minor, patch] = String(inc(`${Major}.${Minor}.${Patch}`, level)).split('.');
  const block = /"version": \{[^}]*\}/.exec(text)?.[0];
  if (block === undefined) throw new Error('There is no block "version"');
  const next = block
    .replace(/("Major": )\d+/, `$1${major}`)
    .replace(/("Minor": )\d+/, `$1${minor}`)
    .replace(/("Patch": )\d+/, `$1${patch}`);
  return text.replace(block, next);
}

/** Whether a changelog in the form of Keep a Changelog has a dated heading for a version. */
export function isInChangelog(changelog: string, version: string): boolean {
  return new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d{2}-\\d{2}$`, 'm').test(changelog);
}

import { ConflictError, type GitOpsError, NotPermittedError, RefusedError } from '../../errors.ts';
import type { GitResult } from './git-program.ts';
import { shortBranch } from './names.ts';
import { type RemoteAccess, secretsOf } from './network-config.ts';
import { remoteError } from './remote.ts';
import { parseRemoteUrl, withoutCredentials } from './remote-url.ts';

/**
 * Whether a push failed only because another one came first: git itself saw that the branch has moved, or the server saw it when it
 * compared. TF401028 is Azure Repos' word for the latter.
 */
export function isRace(result: GitResult): boolean {
  const rejected = rejection(result);
  return (
    rejected !== undefined &&
    !/TF402455|TF401027|hook declined/i.test(rejected) &&
    /fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|incorrect old value|TF401028|reference already exists/i.test(
      rejected,
    )
  );
}

/** Turns a failed push into one of our errors, with the way to put it right. No message holds a credential. */
export function pushError(access: RemoteAccess, result: GitResult, ref: string): GitOpsError {
  const said = withoutCredentials(`${result.stderr}\n${result.stdout}`, secretsOf(access));
  const branch = shortBranch(ref);
  const where = parseRemoteUrl(access.url).display;
  const line = (code: string) =>
    said
      .match(new RegExp(`${code}:[^\\n]*`))?.[0]
      .replace(/\)?\s*$/, '')
      .replace(/\.$/, '') ?? code;
  if (/TF402455/.test(said)) {
    return new ConflictError(
      `The branch ${branch} of ${where} takes no pushes: ${line('TF402455')}. A branch policy wants a pull request there. Name another branch, or take the policy off this one.`,
    );
  }
  if (/TF401027/.test(said)) {
    const named = /Git '(\w+)' permission/.exec(said)?.[1];
    const identity = /identity '([^']+)'/.exec(said)?.[1];
    const who =
      identity === undefined ? 'the build identity (<project> Build Service)' : `the build identity ${identity}`;
    const needed = named === 'CreateBranch' ? '"Create branch"' : '"Contribute" (and "Create branch" for a new branch)';
    return new NotPermittedError(
      `Git may not push to the branch ${branch} of ${where}: ${line('TF401027')}. Give ${who} the permission ${needed} on the repository: Project settings, Repositories, Security. A Deny anywhere wins over it.`,
    );
  }
  const rejected = rejection(result);
  if (rejected !== undefined) {
    const reason = withoutCredentials(rejected, secretsOf(access));
    // What a server's own rule says comes as lines of `remote:`.
    const rule = [...said.matchAll(/^remote:\s*(.*\S)\s*$/gm)]
      .map(([, text]) => text)
      .join(' ')
      .slice(0, 500);
    return new RefusedError(
      `The server of ${where} refused the push to the branch ${branch}: ${reason}${rule === '' ? '' : `; it says: ${rule}`}.`,
      0,
    );
  }
  const failed = remoteError(access, result);
  if (!(failed instanceof NotPermittedError)) return failed;
  return new NotPermittedError(
    `${failed.message.replace(/^Git may not read/, `Git may not push to the branch ${branch} of`)} Pushing needs the permission "Contribute", and "Create branch" for a new branch.`,
  );
}

/** The reason in `git push --porcelain`'s line of a refused ref: `!<tab>from:to<tab>[rejected] (fetch first)`. */
function rejection(result: GitResult): string | undefined {
  const line = result.stdout.split('\n').find((one) => one.startsWith('!\t'));
  return line?.split('\t').slice(2).join(' ').trim();
}

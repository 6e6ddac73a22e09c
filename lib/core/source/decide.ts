import { ConflictError, GitOpsError, InputError, type Problem } from '../../errors.ts';
import type { Host } from '../../ports/agent/agent.ts';
import { branchRef, shortBranch } from '../../ports/git/names.ts';
import { parseRemoteUrl } from '../../ports/git/remote-url.ts';

/** What was deployed last, as the target's record says. */
export interface DeployedSource {
  /** A commit id, or a changeset number for TFVC. */
  readonly commit: string;
  readonly ref?: string;
  /** The repository's address without credentials. */
  readonly repository?: string;
}

/** How the commit to deploy stands to the deployed one. `diverged`: neither contains the other. */
export type Relation = 'same' | 'newer' | 'older' | 'diverged' | 'unknown';

/**
 * The branch whose commits may reach the target.
 *
 * @param input the input `protectedBranch`
 * @param remoteDefault the default branch as the remote, or Azure Repos, names it (`refs/heads/main`)
 * @param hasRemote false for a repository without any remote: there `main` counts
 */
export function protectedRef(input: string | undefined, remoteDefault: string | undefined, hasRemote: boolean): string {
  if (input !== undefined) return branchRef(input);
  if (!hasRemote) return 'refs/heads/main';
  if (remoteDefault !== undefined) return remoteDefault;
  throw new InputError({
    message:
      'The default branch of the repository could not be read, so it is not known which commits may be deployed. Set the input protectedBranch, for example to main.',
    input: 'protectedBranch',
  });
}

/** Refuses what a pull request's run checks out: its merge commit exists before anybody has agreed to it. */
export function refusePullRequest(host: Pick<Host, 'pullRequestId' | 'repository'>): void {
  const ref = host.repository?.ref ?? '';
  const id = /^refs\/pull\/(\d+)\//.exec(ref)?.[1] ?? host.pullRequestId;
  if (id === undefined) return;
  throw new InputError({
    message: `This run builds pull request ${id}, which is not merged yet${ref === '' ? '' : ` (${ref})`}. Run action plan on pull requests and deploy from the protected branch; for development only, set allowUnmerged.`,
    input: 'allowUnmerged',
    code: 'unmerged',
  });
}

/** The refusal of a commit that the protected branch does not contain. */
export function unmergedError(commit: string, branch: string, repository: string, ref: string | undefined): InputError {
  const from = ref === undefined ? '' : ` (${ref})`;
  return new InputError({
    message: `Commit ${short(commit)}${from} is not in the branch ${branch} of ${repository}, and only what was merged there may be deployed. Merge it first, or set the input protectedBranch to the branch that this target follows; for development only, set allowUnmerged.`,
    input: 'protectedBranch',
    code: 'unmerged',
  });
}

/** The refusal when nobody could tell whether the protected branch contains the commit. */
export function undecidableError(commit: string, branch: string, reasons: readonly string[]): InputError {
  return new InputError({
    message: `It could not be found out whether the branch ${branch} contains commit ${short(commit)}, so it is not deployed. ${reasonsText(reasons)} Put it right by one of: fetchDepth: 0 and persistCredentials: true on the checkout step; the permission Read on the repository for the build identity.`,
    code: 'undecidable',
  });
}

/**
 * Decides whether the commit may replace the deployed one. Returns a warning to print, or nothing; throws ConflictError with outcome
 * `olderCommit`. Going back is what a redeployed classic release does, so the message names the input that allows it.
 */
export function decideOrder(question: {
  readonly commit: string;
  readonly deployed: DeployedSource;
  readonly relation: Relation;
  readonly allowOlder: boolean;
  readonly allowUnmerged: boolean;
  readonly hostType: Host['type'];
  /** Why the relation is unknown. */
  readonly reasons?: readonly string[];
}): string | undefined {
  const { relation, allowOlder, commit, deployed } = question;
  if (relation === 'same' || relation === 'newer') return undefined;
  const now = short(commit);
  const then = `${short(deployed.commit)}${deployed.ref === undefined ? '' : ` from ${shortBranch(deployed.ref)}`}`;
  const what = {
    older: `Commit ${now} is older than the deployed one, ${then}.`,
    diverged: `Commit ${now} does not contain the deployed one, ${then}, nor the other way round: what that one brought would go away.`,
    unknown: `It could not be found out whether commit ${now} is older than the deployed one, ${then}; its history was rewritten, or it lies in another repository. ${reasonsText(question.reasons ?? [])}`,
  }[relation].trim();
  if (allowOlder) return `${what} It is deployed because allowOlder is set.`;
  if (relation === 'diverged' && question.allowUnmerged) return `${what} It is deployed because allowUnmerged is set.`;
  const how =
    question.hostType === 'release'
      ? 'If this release is redeployed to roll back, set the input allowOlder to true for it.'
      : 'If you mean to go back, set the input allowOlder to true for this run, or revert the change in Git, which also keeps the next run from bringing it again.';
  const problem: Problem = { message: `${what} ${how}`, input: 'allowOlder', code: 'older-commit' };
  throw new ConflictError(problem, 'olderCommit');
}

/** The codes of the refusals that an action which changes nothing only reports. */
const REFUSALS: readonly (string | undefined)[] = ['unmerged', 'undecidable', 'dirty-checkout', 'older-commit'];

/** Whether an error says that this source may not be deployed, other than that it could not be understood. */
export function isRefusal(error: unknown): error is GitOpsError {
  return error instanceof GitOpsError && error.problems.some((problem) => REFUSALS.includes(problem.code));
}

/** Where the commits of the protected branch are read from. */
export type RemoteChoice =
  | { readonly kind: 'remote'; readonly url: string; readonly ofHost: boolean }
  | { readonly kind: 'none' };

/**
 * Chooses the address that decides. What the run says of its repository wins over the checkout's own configuration, which any earlier step
 * can write; where both speak of the checkout that the agent made and differ, it is refused.
 *
 * @param origin the address that the checkout's configuration has
 * @param hostUrl the address of the repository that the run was started for
 * @param ownCheckout whether the folder is the one into which the agent checked that repository out
 */
export function chooseRemote(
  origin: string | undefined,
  hostUrl: string | undefined,
  ownCheckout: boolean,
): RemoteChoice {
  if (origin === undefined) {
    return hostUrl !== undefined && ownCheckout ? { kind: 'remote', url: hostUrl, ofHost: true } : { kind: 'none' };
  }
  if (hostUrl === undefined) return { kind: 'remote', url: origin, ofHost: false };
  const a = parseRemoteUrl(origin);
  const b = parseRemoteUrl(hostUrl);
  if (a.key === b.key) return { kind: 'remote', url: origin, ofHost: true };
  if (!ownCheckout) return { kind: 'remote', url: origin, ofHost: false };
  throw new InputError(
    `The remote of the checkout, ${a.display}, is not the repository of this run, ${b.display}. A step before this one changed it; put it back: git remote set-url origin ${b.display}`,
  );
}

/** `3f2a91c0d1` of a commit id; anything else stays whole. */
export function short(commit: string): string {
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit.slice(0, 10) : commit;
}

function reasonsText(reasons: readonly string[]): string {
  return reasons.length === 0 ? '' : `Tried: ${reasons.map((reason) => reason.replace(/\.$/, '')).join('; ')}.`;
}

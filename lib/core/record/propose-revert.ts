import { CancelledError, GitOpsError, messageOf } from '../../errors.ts';
import type { RepositoryAddress } from '../../ports/azure-devops/azure-repos.ts';
import type { PullRequests } from '../../ports/azure-devops/pull-requests.ts';
import { branchRef, shortBranch } from '../../ports/git/names.ts';
import type { RemoteAccess } from '../../ports/git/network-config.ts';
import { readRemote } from '../../ports/git/remote.ts';
import { parseRemoteUrl } from '../../ports/git/remote-url.ts';
import { firstParent, revertInIndex } from '../../ports/git/revert.ts';
import { type CommitPerson, type ScratchRepository, scratchRepository } from '../../ports/git/scratch.ts';
import { code, text } from '../reporting/markdown.ts';

export interface RevertProposal {
  readonly access: RemoteAccess;
  /** The repository in Azure Repos and a client for it; without them the branch is pushed and no pull request is opened. */
  readonly azure?: RepositoryAddress;
  readonly pullRequests?: PullRequests;
  /** The commit that was rolled back. */
  readonly commit: string;
  /** The commit that runs now. Default: the first parent of `commit`. */
  readonly backTo?: string;
  /** What the set reads of the repository, from its top with forward slashes: nothing else is reverted. Default: everything. */
  readonly paths?: readonly string[];
  /** The branch that is deployed from. */
  readonly targetBranch: string;
  readonly set: { readonly name: string; readonly environment: string };
  /** What became of the commit, e.g. `healthFailed`. */
  readonly outcome: string;
  /** One sentence about it; it may hold foreign text. */
  readonly reason: string;
  readonly runUrl?: string;
  readonly author?: CommitPerson;
}

export type ProposedRevert =
  | {
      readonly proposed: true;
      readonly branch: string;
      readonly pullRequest?: { readonly id: number; readonly url: string };
      /** What happened, for the log: one sentence. */
      readonly message: string;
    }
  | { readonly proposed: false; readonly message: string };

const COMMITTER: CommitPerson = { name: 'GitOps for Azure Pipelines', email: 'gitops@pipelines.invalid' };
/** Of one commit: sets that read different parts of the repository, or go back to different commits, have reverts of their own. */
const MOST_BRANCHES = 20;

/**
 * Proposes in Git what a rollback did in the cluster: a branch `gitops/revert-<commit>` from the head of the deployed branch, and where it is
 * Azure Repos a pull request. Nothing is ever pushed to the deployed branch. A proposal that is there already is answered, and one that
 * people abandoned is not made again. What could not be done is told, not thrown; only a cancellation is.
 */
export async function proposeRevert(proposal: RevertProposal): Promise<ProposedRevert> {
  try {
    const made = await revertBranch(proposal);
    return made.branch === undefined ? { proposed: false, message: made.message } : await request(proposal, made);
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof GitOpsError)) throw error;
    return {
      proposed: false,
      message: `No revert of ${short(proposal.commit)} could be proposed: ${messageOf(error)}`,
    };
  }
}

type Branch =
  | { readonly branch: string; readonly isNew: boolean; readonly subject: string; readonly files: readonly string[] }
  | { readonly branch?: undefined; readonly message: string };

/** The branch with the revert: one that an earlier run pushed for the same, else a new one. */
async function revertBranch(proposal: RevertProposal): Promise<Branch> {
  const { access, commit, backTo, paths } = proposal;
  const target = branchRef(proposal.targetBranch);
  const names = Array.from(
    { length: MOST_BRANCHES },
    (_, at) => `gitops/revert-${short(commit)}${at === 0 ? '' : `-${at + 1}`}`,
  );
  const scratch = await scratchRepository(access);
  try {
    const [head = ''] = await scratch.fetch([target]);
    await scratch.fetch([commit], { depth: 2 });
    // Before anything else is fetched, which could cut the history at this very commit.
    const base = backTo ?? (await firstParent(scratch, commit));
    if (backTo !== undefined) await scratch.fetch([backTo]);
    const subject = await subjectOf(scratch, commit);
    const message = commitMessage(proposal, subject);
    const { commits } = await readRemote(
      access,
      names.map((name) => branchRef(name)),
    );
    const taken = names.filter((name) => commits.has(branchRef(name)));
    for (const branch of taken) {
      const [there = ''] = await scratch.fetch([branchRef(branch)]);
      if ((await trailersOf(scratch, there)) === trailers(proposal))
        return { branch, isNew: false, subject, files: [] };
    }
    const branch = names.find((name) => !taken.includes(name));
    if (branch === undefined)
      return { message: `There are ${MOST_BRANCHES} branches like ${names[0]} already; no revert is proposed.` };
    const range = { head, commit, backTo: base, ...(paths === undefined ? {} : { paths }) };
    const tree = await revertInIndex(scratch, range);
    if (tree.state === 'nothing') {
      return {
        message: `${shortBranch(target)} has none of the changes of ${short(commit)} any more: there is nothing to revert.`,
      };
    }
    if (tree.state === 'conflict') {
      return {
        message: `Later commits of ${shortBranch(target)} changed what ${short(commit)} changed (${some(tree.files)}), so its revert has to be made by hand: git revert ${short(commit)}.`,
      };
    }
    const author = proposal.author ?? COMMITTER;
    const made = await scratch.commit({ parent: head, message, author, committer: COMMITTER });
    const { pushed } = await scratch.push(made, branchRef(branch));
    // Another set's run, or this one's other attempt, was first; it proposes the same.
    return pushed
      ? { branch, isNew: true, subject, files: tree.files }
      : { message: `Another run is proposing the revert of ${short(commit)} in ${branch}.` };
  } finally {
    await scratch.dispose();
  }
}

async function request(proposal: RevertProposal, made: Branch & { readonly branch: string }): Promise<ProposedRevert> {
  const { azure, pullRequests, commit } = proposal;
  const { branch } = made;
  const target = shortBranch(branchRef(proposal.targetBranch));
  const pushed = made.isNew
    ? `The revert of ${short(commit)} was pushed as the branch ${branch}`
    : `The branch ${branch} with the revert of ${short(commit)} is there already`;
  if (azure === undefined || pullRequests === undefined) {
    const where = parseRemoteUrl(proposal.access.url).display;
    return { proposed: true, branch, message: `${pushed} of ${where}; open a pull request from it into ${target}.` };
  }
  const [source, into] = [branchRef(branch), branchRef(target)];
  try {
    const before = made.isNew ? undefined : await pullRequests.latest(azure, source, into);
    if (before?.status === 'abandoned' || before?.status === 'completed') {
      const became = before.status === 'abandoned' ? 'was abandoned' : 'was completed';
      return {
        proposed: false,
        message: `Pull request ${before.id} with the revert of ${short(commit)} ${became}; it is not opened again.`,
      };
    }
    const { opened, pullRequest } = await pullRequests.open(azure, {
      sourceRef: source,
      targetRef: into,
      title: title(commit, made.subject),
      description: description(proposal, made),
    });
    return {
      proposed: true,
      branch,
      pullRequest: { id: pullRequest.id, url: pullRequest.url },
      message: `Pull request ${pullRequest.id} ${opened ? 'was opened' : 'is open already'}: it reverts ${short(commit)} in ${target}, ${pullRequest.url}`,
    };
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof GitOpsError)) throw error;
    return { proposed: true, branch, message: `${pushed}, but no pull request could be opened: ${messageOf(error)}` };
  }
}

function title(commit: string, subject: string): string {
  return `Revert ${short(commit)}${subject === '' ? '' : ` "${subject}"`}`;
}

/** Markdown. Foreign text is escaped; links are addresses that the run has of itself. */
function description(proposal: RevertProposal, { files = [] }: { readonly files?: readonly string[] }): string {
  const { set, commit, backTo, outcome, reason, runUrl } = proposal;
  const run =
    runUrl === undefined
      ? 'The run'
      : `[The run](${runUrl
          .replace(/[()\s]/g, encodeURIComponent)
          .replace(/\(/g, '%28')
          .replace(/\)/g, '%29')})`;
  const now = backTo === undefined ? 'the commit before it' : `commit ${code(short(backTo))}`;
  return [
    `${run} that deployed commit ${code(short(commit))} to ${code(`${set.environment}/${set.name}`)} ended as ${code(outcome)}: ${text(reason)}`,
    '',
    `The target went back to ${now}. This takes the change back in Git as well, so that Git says what runs. Until one of them changes, the commit is held and not deployed again by itself.`,
    ...(files.length === 0
      ? []
      : [
          '',
          `Reverted: ${files.slice(0, 20).map(code).join(', ')}${files.length > 20 ? ` and ${files.length - 20} more` : ''}`,
        ]),
  ].join('\n');
}

function commitMessage(proposal: RevertProposal, subject: string): string {
  const run = proposal.runUrl === undefined ? '' : `GitOps-Run: ${proposal.runUrl}\n`;
  return `${title(proposal.commit, subject)}\n\nIt was rolled back in ${oneLine(proposal.set.environment)}/${oneLine(proposal.set.name)}: ${oneLine(proposal.outcome)}.\n\n${trailers(proposal)}\n${run}`;
}

/** What makes two reverts the same; by it a later run knows the branch of an earlier one. */
function trailers({ commit, backTo, paths, set }: RevertProposal): string {
  return [
    `GitOps-Reverts: ${commit}`,
    ...(backTo === undefined ? [] : [`GitOps-Back-To: ${backTo}`]),
    ...(paths === undefined
      ? []
      : [`GitOps-Environment: ${oneLine(set.environment)}`, `GitOps-Set: ${oneLine(set.name)}`]),
  ].join('\n');
}

async function trailersOf(scratch: ScratchRepository, commit: string): Promise<string> {
  const { stdout } = await scratch.git(['log', '-1', '-s', '--format=%B', commit]);
  return stdout
    .split('\n')
    .filter((line) => /^GitOps-(?:Reverts|Back-To|Environment|Set): /.test(line))
    .join('\n');
}

async function subjectOf(scratch: ScratchRepository, commit: string): Promise<string> {
  return oneLine((await scratch.git(['log', '-1', '-s', '--format=%s', commit])).stdout).slice(0, 200);
}

function some(files: readonly string[]): string {
  return `${files.slice(0, 3).join(', ')}${files.length > 3 ? ' and others' : ''}`;
}

function short(commit: string): string {
  return commit.slice(0, 10);
}

function oneLine(line: string): string {
  return line.replace(/\s+/g, ' ').trim();
}

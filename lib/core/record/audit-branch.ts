import { GitOpsError, InputError, messageOf } from '../../errors.ts';
import { appendFile } from '../../ports/git/append-file.ts';
import { branchRef, shortBranch } from '../../ports/git/names.ts';
import type { RemoteAccess } from '../../ports/git/network-config.ts';
import { parseRemoteUrl } from '../../ports/git/remote-url.ts';
import type { CommitPerson } from '../../ports/git/scratch.ts';
import { type RunRecord, recordText } from './run-record.ts';

/** The input of the task that names the branch. */
export const AUDIT_BRANCH_INPUT = 'auditBranch';

/** An address under a name that can never be registered (RFC 2606), so that no mail ever goes anywhere. */
const COMMITTER: CommitPerson = { name: 'GitOps for Azure Pipelines', email: 'gitops@pipelines.invalid' };

export interface AuditOptions {
  readonly record: RunRecord;
  /** The repository that keeps the records; by default of the caller, the one that is deployed from. */
  readonly access: RemoteAccess;
  /** The input `auditBranch`. */
  readonly branch: string;
  /** The branch that is deployed from, which must not be the audit branch: each run would start the next. */
  readonly protectedBranch?: string;
  /** Git's committer, for repositories with a policy about e-mail addresses. */
  readonly committer?: CommitPerson;
  /** How often a race with other runs is run; default 10. */
  readonly tries?: number;
}

/** Where a record was kept, or why not. */
export type AuditResult =
  | { readonly kept: true; readonly branch: string; readonly commit: string; readonly path: string }
  | { readonly kept: false; readonly branch: string; readonly warning: string };

/**
 * Throws InputError when the audit branch is not a branch's name or is the one that is deployed from. To be called before anything is
 * changed, so that a wrong input costs no record.
 */
export function checkAuditBranch(branch: string, protectedBranch: string | undefined): void {
  const ref = branchRef(branch, AUDIT_BRANCH_INPUT);
  if (protectedBranch === undefined || branchRef(protectedBranch) !== ref) return;
  throw new InputError({
    message: `Input ${AUDIT_BRANCH_INPUT}: ${shortBranch(ref)} is the branch that is deployed from, so each run's record would start another run. Name a branch of its own, for example gitops/audit.`,
    input: AUDIT_BRANCH_INPUT,
  });
}

/**
 * Appends the record of a run to the audit branch. What goes wrong is told in the result and not thrown: the deployment has happened, and
 * no missing record undoes it.
 */
export async function keepRecord(options: AuditOptions): Promise<AuditResult> {
  const { record, access, branch } = options;
  try {
    checkAuditBranch(branch, options.protectedBranch);
    const { commit, path } = await appendFile({
      access,
      branch,
      input: AUDIT_BRANCH_INPUT,
      path: recordPath(record),
      text: recordText(record),
      message: recordMessage(record),
      author: authorOf(record, options.committer ?? COMMITTER),
      committer: options.committer ?? COMMITTER,
      ...(options.tries === undefined ? {} : { tries: options.tries }),
    });
    return { kept: true, branch, commit, path };
  } catch (error) {
    if (!(error instanceof GitOpsError)) throw error;
    const where = parseRemoteUrl(access.url).display;
    return {
      kept: false,
      branch,
      warning: `THE RECORD OF THIS RUN WAS NOT KEPT in the branch ${branch} of ${where}: ${messageOf(error)} What was deployed stays; the record is in the JSON result of this run as long as the run is retained.`,
    };
  }
}

/** `production/shop/2026/11/20261123T194652Z-build-4711.1.json`: environment, set, time of the start, run and attempt. Pure. */
export function recordPath(record: RunRecord): string {
  const { set, startedAt, run } = record;
  const [year = '0000', month = '00'] = startedAt.split('-');
  const time = startedAt.replace(/\.\d+/, '').replace(/[-:]/g, '');
  const attempt = run.attempt === undefined ? '' : `.${run.attempt}`;
  const name = run.id === undefined ? run.type : `${run.type}-${run.id}${attempt}`;
  return [set.environment, set.name, year, month, `${time}-${name}.json`].map(pathPart).join('/');
}

/** Pure. `[skip ci]` keeps Azure Pipelines from starting runs for the branch. */
export function recordMessage(record: RunRecord): string {
  const { set, source, run, requester } = record;
  const commit = source === undefined ? '' : ` of ${source.commit.slice(0, 10)}`;
  const trailers = [
    `GitOps-Environment: ${oneLine(set.environment)}`,
    `GitOps-Set: ${oneLine(set.name)}`,
    ...(source === undefined ? [] : [`GitOps-Commit: ${oneLine(source.commit)}`]),
    ...(record.planDigest === undefined ? [] : [`GitOps-Plan: ${oneLine(record.planDigest)}`]),
    ...(requester === undefined ? [] : [`GitOps-Requester: ${oneLine(requester.name)}`]),
    ...record.approvals.approvers.map(({ name }) => `GitOps-Approver: ${oneLine(name)}`),
    ...(run.url === undefined ? [] : [`GitOps-Run: ${oneLine(run.url)}`]),
  ];
  const subject = `${record.action}${commit} to ${set.environment}/${set.name}: ${record.outcome}`;
  return `${oneLine(subject)} [skip ci]\n\n${trailers.join('\n')}\n`;
}

/** Git's author is who asked for the run, as far as that is known. */
function authorOf({ requester }: RunRecord, otherwise: CommitPerson): CommitPerson {
  if (requester === undefined) return otherwise;
  const email = requester.uniqueName?.includes('@') === true ? requester.uniqueName : otherwise.email;
  return { name: requester.name, email };
}

/** Fit for a folder on every system, and never two names for one: what is not plain is percent-encoded. */
function pathPart(text: string): string {
  const encoded = [...text]
    .map((character) => (/[A-Za-z0-9._-]/.test(character) ? character : encode(character)))
    .join('');
  // `.`, `..` and `.git` mean something else to Git, names that end in a dot cannot be checked out on Windows.
  return encoded.replace(/^\.|\.$/g, '%2E') || '%00';
}

function encode(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

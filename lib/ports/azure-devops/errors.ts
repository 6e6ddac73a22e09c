import {
  ConflictError,
  type GitOpsError,
  messageOf,
  NotPermittedError,
  RefusedError,
  UnreachableError,
} from '../../errors.ts';
import { withoutCredentials } from '../git/remote-url.ts';
import { HttpAnswer } from './http-answer.ts';

/** What was tried, for the message of its failure. */
export interface Attempt {
  /** Completes "Azure DevOps did not ...", e.g. `post the commit status`. */
  readonly what: string;
  /** On what, e.g. `repository shop of project web`. */
  readonly where: string;
  /** The smallest permission that allows it, as the security page names it. */
  readonly permission: string;
  /** On what it is given, and where; by default a repository's. */
  readonly securityPage?: string;
  readonly token: string;
}

/** The names on the security page of a repository by those in the service's messages. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  GenericRead: 'Read',
  GenericContribute: 'Contribute',
  CreateBranch: 'Create branch',
  CreateTag: 'Create tag',
  PullRequestContribute: 'Contribute to pull requests',
};

const SCOPE =
  'The job may also be limited to its own project or to the repositories it names: see "Limit job authorization scope" and "Protect access to repositories" in the settings of Pipelines.';

/** Turns a failure of the client into one of our errors, with the way to put it right. No message holds the token. */
export function serviceError(error: unknown, attempt: Attempt): GitOpsError {
  const clean = (text: string) => withoutCredentials(text, [attempt.token]).trim();
  const failed = `Azure DevOps did not ${attempt.what} (${attempt.where})`;
  if (!(error instanceof HttpAnswer)) {
    return new UnreachableError(`${failed}: no answer came, ${clean(messageOf(error))}.`, { cause: error });
  }
  const said = error.message === '' ? `HTTP ${error.status}` : `HTTP ${error.status}, ${clean(error.message)}`;
  const message = `${failed}: ${said.replace(/\.$/, '')}.`;
  // 203 and a redirect both bring the sign-in page.
  if (error.status === 401 || error.status === 203 || (error.status >= 300 && error.status < 400)) {
    return new NotPermittedError(
      `${message} The token of this job was not accepted. A job that runs longer than its token needs a new run.`,
    );
  }
  if (error.status === 403) return new NotPermittedError(`${message} ${permissionHint(error, attempt)}`);
  if (error.status === 404) {
    return new RefusedError(`${message} It does not exist, or the build identity may not see it. ${SCOPE}`, 404);
  }
  if (error.status === 409) return new ConflictError(message);
  return new RefusedError(message, error.status);
}

function permissionHint(error: HttpAnswer, attempt: Attempt): string {
  const { permission, securityPage = 'the repository: Project settings, Repositories, Security' } = attempt;
  if (/VS800075/.test(error.message)) return SCOPE;
  const named = /Git '(\w+)' permission/.exec(error.message)?.[1];
  const identity = /identity '([^']+)'/.exec(error.message)?.[1];
  const needed = named === undefined ? permission : (PERMISSIONS[named] ?? named);
  const who =
    identity === undefined ? 'the build identity (<project> Build Service)' : `the build identity ${identity}`;
  return `Give ${who} the permission "${needed}" on ${securityPage}. A Deny anywhere wins over it.`;
}

import type { ObjectId } from '../objects/kubernetes-object.ts';
import { objectText } from './object-query.ts';
import type { Person } from './people.ts';
import type { Approver, Reviewer } from './run-record.ts';

/** Something that was found out, or why it was not. */
export type Fact<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly because: string };

/** What the inventory says of an object's last change. */
export interface ChangedObject extends ObjectId {
  readonly changed?: ChangeOfObject;
}

export interface ChangeOfObject {
  readonly commit: string;
  /** ISO 8601. */
  readonly at?: string;
  /** A page that shows the run. */
  readonly run?: string;
  /** Who asked for the run. */
  readonly requester?: string;
}

/** What Git and Azure DevOps say of that change. */
export interface SourceFacts {
  readonly commit: Fact<{ readonly author: string; readonly date: string; readonly subject: string }>;
  /** Undefined value: the commit came by no pull request. */
  readonly pullRequest: Fact<
    | {
        readonly id: number;
        readonly title: string;
        readonly url: string;
        readonly author?: Person;
        readonly reviewers: readonly Reviewer[];
      }
    | undefined
  >;
  /** Of the stage that deployed it. */
  readonly approvers: Fact<readonly Approver[]>;
}

/** One line of an explanation. Text that comes from elsewhere is one line and otherwise as it came: print it through the log's filter. */
export interface ExplainedFact {
  readonly label: string;
  readonly text: string;
  readonly known: boolean;
}

export interface Explanation {
  /** `deployment.apps/shop/web` */
  readonly object: string;
  readonly facts: readonly ExplainedFact[];
}

/** Tells who and what last changed an object. What could not be found out is said as such, with the reason. Pure. */
export function explainObject(entry: ChangedObject, source: SourceFacts): Explanation {
  const { changed } = entry;
  if (changed === undefined) {
    const because =
      'the record of this object was made before commits were recorded with objects, or the object was never applied; the next change of it is recorded';
    return { object: objectText(entry), facts: [unknown('commit', because)] };
  }
  const { commit, pullRequest, approvers } = source;
  const request = pullRequest.known ? pullRequest.value : undefined;
  return {
    object: objectText(entry),
    facts: [
      fact('commit', changed.commit),
      ...(commit.known
        ? [fact('subject', commit.value.subject), fact('author', `${commit.value.author}, ${commit.value.date}`)]
        : [unknown('author', commit.because)]),
      pullRequest.known
        ? fact(
            'pull request',
            request === undefined ? 'none: the commit was pushed' : `${request.id} "${request.title}", ${request.url}`,
          )
        : unknown('pull request', pullRequest.because),
      ...(request === undefined
        ? []
        : [
            fact('opened by', request.author?.name ?? 'nobody who is named'),
            fact('reviewers', people(request.reviewers.map(reviewerText))),
          ]),
      approvers.known
        ? fact('stage approved by', people(approvers.value.map(approverText)))
        : unknown('stage approved by', approvers.because),
      changed.run === undefined ? unknown('run', 'it was no pipeline run') : fact('run', changed.run),
      changed.requester === undefined
        ? unknown('requested by', 'it is not recorded')
        : fact('requested by', changed.requester),
      changed.at === undefined ? unknown('changed at', 'it is not recorded') : fact('changed at', changed.at),
    ],
  };
}

/** Aligned lines for a log. */
export function explanationText({ object, facts }: Explanation): string[] {
  const width = Math.max(...facts.map(({ label }) => label.length));
  return [object, ...facts.map(({ label, text }) => `  ${label.padEnd(width)}  ${text}`)];
}

/** Rows of a table for a summary; escape them as all foreign text. */
export function explanationRows({ facts }: Explanation): (readonly [string, string])[] {
  return facts.map(({ label, text }) => [label, text]);
}

function fact(label: string, text: string): ExplainedFact {
  return { label, text: text.replace(/\s+/g, ' ').trim(), known: true };
}

function unknown(label: string, because: string): ExplainedFact {
  return { label, text: `not known: ${because.replace(/\s+/g, ' ').trim()}`, known: false };
}

const VOTE_TEXTS: Readonly<Record<Reviewer['vote'], string>> = {
  approved: 'approved',
  approvedWithSuggestions: 'approved with suggestions',
  none: 'did not vote',
  waitingForAuthor: 'waits for the author',
  rejected: 'rejected',
};

function reviewerText({ name, vote }: Reviewer): string {
  return `${name} (${VOTE_TEXTS[vote]})`;
}

function approverText({ name, at }: Approver): string {
  return at === undefined ? name : `${name}, ${at}`;
}

function people(texts: readonly string[]): string {
  return texts.length === 0 ? 'nobody' : texts.join('; ');
}

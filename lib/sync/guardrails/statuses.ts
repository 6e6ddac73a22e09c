import type { Place, Problem } from '../../errors.ts';
import type { RequiredStatus } from './guardrails.ts';

/** A status of the commit, as the service says it. */
export interface SeenStatus {
  readonly genre?: string | undefined;
  readonly name: string;
  readonly state: string;
  readonly author: { readonly id?: string | undefined; readonly uniqueName?: string | undefined };
  /** When it was posted, ISO 8601. */
  readonly at: string;
}

/**
 * Believes a status only from an expected author: of each required one the newest by such an author must have succeeded. Whatever others
 * posted under the same name neither helps nor harms. Pure.
 */
export function judgeStatuses(
  required: readonly RequiredStatus[],
  seen: readonly SeenStatus[] | { readonly unreadable: string },
  by: { readonly rule: string; readonly at: Place },
): Problem[] {
  return required.flatMap((wanted): Problem[] => {
    const flaw = 'unreadable' in seen ? `the statuses cannot be read: ${seen.unreadable}` : flawOf(wanted, seen);
    if (flaw === undefined) return [];
    const message = `Rule '${by.rule}' needs the commit status ${wanted.genre}/${wanted.name}: ${flaw}`;
    return [{ message: `${message.replace(/\.$/, '')}.`, at: by.at, code: 'guardrail-status' }];
  });
}

function flawOf(wanted: RequiredStatus, seen: readonly SeenStatus[]): string | undefined {
  const named = seen.filter(({ genre, name }) => (genre ?? '') === wanted.genre && name === wanted.name);
  const believed = named.filter(({ author }) => isExpected(author, wanted.authors));
  const latest = Math.max(...believed.map(({ at }) => Date.parse(at)));
  const last = believed.filter(({ at }) => !(Date.parse(at) < latest));
  // Of several at one moment nobody can tell the order.
  const newest = last.find(({ state }) => state !== 'succeeded') ?? last[0];
  if (newest !== undefined) return newest.state === 'succeeded' ? undefined : `it is ${newest.state}`;
  const [stranger] = named;
  return stranger === undefined
    ? 'the commit has none'
    : `it was posted by ${stranger.author.uniqueName ?? stranger.author.id ?? 'nobody known'}, who is not among the expected authors`;
}

/** Never by the name that is shown: everybody chooses that for himself. */
function isExpected({ id, uniqueName }: SeenStatus['author'], authors: readonly string[]): boolean {
  const names = [id, uniqueName].filter((name) => name !== undefined && name !== '').map((name) => name?.toLowerCase());
  return authors.some((author) => names.includes(author.toLowerCase()));
}

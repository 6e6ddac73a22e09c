import { InputError } from '../../errors.ts';

/** The genre of every status that the product posts: what a branch policy or a gate looks for together with the name. */
export const STATUS_GENRE = 'gitops';

/**
 * Azure Repos states no limit for a status name in its specification; beyond this a list of statuses is unreadable, and a name must never
 * be cut, because a gate would then look for another one.
 */
export const STATUS_NAME_LIMIT = 255;

/**
 * The name of the status that GitOpsSync posts on a commit: `sync/<environment>/<set>`.
 *
 * The parts are kept apart by `/`, so a part's own `/`, `%` and everything but letters, digits, space and `-._~+@:()` is percent-encoded
 * (UTF-8): two different pairs never share a name, and names can be compared byte for byte.
 *
 * Throws InputError when a part is empty or the name is longer than 255 characters.
 */
export function syncStatusName(environment: string, syncSet: string): string {
  const parts = [part(environment, 'environment'), part(syncSet, 'syncSet')];
  const name = ['sync', ...parts].join('/');
  if (name.length > STATUS_NAME_LIMIT) {
    throw new InputError({
      message: `The inputs environment and syncSet give a commit status with a name of ${name.length} characters; at most ${STATUS_NAME_LIMIT} are allowed. Shorten environment.`,
      input: 'environment',
    });
  }
  return name;
}

function part(text: string, input: string): string {
  const trimmed = text.trim();
  if (trimmed === '') {
    throw new InputError({ message: `Input ${input} is empty; the name of the commit status needs it.`, input });
  }
  if (/\p{Surrogate}/u.test(trimmed)) {
    throw new InputError({ message: `Input ${input} holds half a character (an unpaired surrogate).`, input });
  }
  return trimmed.replace(/[^A-Za-z0-9 \-._~+@:()]/gu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

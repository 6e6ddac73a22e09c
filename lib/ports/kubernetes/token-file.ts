import { readFile } from 'node:fs/promises';
import { InputError, messageOf } from '../../errors.ts';
import type { TokenSource } from './access.ts';
import { inSentence } from './wording.ts';

/** How long a token that was read from a file is used: client-go reads such files again every minute. */
const rereadAfter = 60_000;

/**
 * A bearer token in a file that somebody else renews, such as the kubelet. When the file cannot be read for a while, the last
 * token goes on being used. `where` completes "The token file ... of".
 */
export function tokenFile(
  file: string,
  options: { readonly where: string; readonly maskSecret: (value: string) => void },
): TokenSource {
  return {
    async token() {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        throw new InputError(
          `The token file ${file} of ${inSentence(options.where)} cannot be read: ${messageOf(error)}.`,
          {
            cause: error,
          },
        );
      });
      const value = text.trim();
      options.maskSecret(value);
      if (!isBearerToken(value)) {
        throw new InputError(
          `The token file ${file} of ${inSentence(options.where)} holds no token, or text that is none.`,
        );
      }
      return { value, renewAt: new Date(Date.now() + rereadAfter) };
    },
  };
}

/** What can stand in an Authorization header: one word of printable ASCII. */
export function isBearerToken(value: string): boolean {
  return /^[\x21-\x7e]+$/.test(value);
}

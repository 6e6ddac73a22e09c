import { InputError } from '../../errors.ts';
import type { ClusterAccess } from './access.ts';

/** Throws InputError for an address to which nothing can, or should, be sent. */
export function checkAddress({ server, identity }: ClusterAccess): void {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.username || url?.password) {
    // It is printed in every message and kept in results.
    throw new InputError(`The cluster's address contains a user name or password. Take it out (${identity}).`);
  }
  if (!/^https?:\/\/[^\s?#]+$/.test(server) || url === undefined) {
    throw new InputError(
      `The cluster's address '${server}' is not an https:// address (${identity}). It looks like https://host:6443.`,
    );
  }
}

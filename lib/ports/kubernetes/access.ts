import { type CredentialRequest, keepUntilExpiry, type Lifetime } from './credential-cache.ts';

/**
 * How to reach a cluster and who we are there. One source for each way in: service connection, kubeconfig, the Pod's own
 * account; a cloud's port can provide a `TokenSource` to the same seam.
 */
export interface ClusterAccess {
  /** `https://host:port`, with a path when the cluster stands behind a gateway; without a slash at the end. */
  readonly server: string;
  /** Who we are, as far as it is known without asking: `service account token`, `client certificate`, `user ci`. */
  readonly identity: string;
  readonly ca?: string;
  /** The name that the server's certificate must carry, when it is not the host of `server`. */
  readonly serverName?: string;
  readonly skipTlsVerify: boolean;
  /** The cluster's own proxy from a kubeconfig (`proxy-url`); it goes before the agent's. */
  readonly proxyUrl?: string;
  /** The namespace that a kubeconfig's context or the Pod's account names. */
  readonly namespace?: string;
  /** Headers of `Impersonate-User` and its relatives, when a kubeconfig's user acts as another. */
  readonly impersonation?: Readonly<Record<string, string | string[]>>;
  /** What proves who we are. `refresh` asks for a new one after the server refused the last one. */
  credentials(options: CredentialRequest): Promise<ClusterCredentials>;
}

export interface ClusterCredentials extends Lifetime {
  /** The value of the Authorization header. */
  readonly authorization?: string;
  /** PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** A bearer token that renews itself. Implementations mask every token before they return it. */
export interface TokenSource {
  token(options: CredentialRequest): Promise<Lifetime & { readonly value: string }>;
}

/** Credentials from a token source, kept until five minutes before they expire. */
export function bearerCredentials(source: TokenSource): ClusterAccess['credentials'] {
  return keepUntilExpiry(async (request) => {
    const token = await source.token(request);
    return {
      authorization: `Bearer ${token.value}`,
      ...(token.expiresAt && { expiresAt: token.expiresAt }),
      ...(token.renewAt && { renewAt: token.renewAt }),
    };
  }, 5 * 60_000);
}

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
  /** What proves who we are. `refresh` asks for a new one after the server refused the last one. */
  credentials(options: { refresh: boolean; signal?: AbortSignal }): Promise<ClusterCredentials>;
}

export interface ClusterCredentials {
  /** The value of the Authorization header. */
  readonly authorization?: string;
  /** PEM. */
  readonly cert?: string;
  readonly key?: string;
  readonly expiresAt?: Date;
}

/** A bearer token that renews itself. Implementations mask every token before they return it. */
export interface TokenSource {
  token(options: {
    refresh: boolean;
    signal?: AbortSignal;
  }): Promise<{ readonly value: string; readonly expiresAt?: Date }>;
}

/** Credentials from a token source, kept until five minutes before they expire. */
export function bearerCredentials(source: TokenSource): ClusterAccess['credentials'] {
  let held: Promise<{ readonly value: string; readonly expiresAt?: Date }> | undefined;
  let expiresAt = Number.POSITIVE_INFINITY;
  const renewalMargin = 5 * 60_000;
  return async (options) => {
    if (held === undefined || options.refresh || Date.now() > expiresAt - renewalMargin) {
      const asked = source.token(options);
      held = asked;
      // A failure must not be kept, or every later request would repeat it.
      asked.catch(() => {
        if (held === asked) held = undefined;
      });
    }
    const token = await held;
    expiresAt = token.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    return { authorization: `Bearer ${token.value}`, ...(token.expiresAt && { expiresAt: token.expiresAt }) };
  };
}

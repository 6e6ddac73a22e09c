/** One kind that the server serves, in one version. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The part of the URL: `deployments`. */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** What the server serves. */
export interface ApiCatalog {
  /** The kind in exactly this version; undefined when the server does not serve it. */
  find(apiVersion: string, kind: string): ApiResource | undefined;
  /** The kind in the version that the server prefers. */
  preferred(group: string, kind: string): ApiResource | undefined;
  /** All, in the preferred version of each. */
  all(): readonly ApiResource[];
  /** `v1`, `apps/v1`, `apps/v1/Deployment`, ...: what helm calls API versions. */
  apiVersions(): readonly string[];
  /** `metrics.k8s.io/v1beta1`: group versions whose own server does not answer now. That `find` does not know a kind of these proves nothing. */
  unavailable?(): readonly string[];
}

import type { ApiResource } from '../../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../../ports/kubernetes/kubernetes-error.ts';
import { resourcePath } from '../../ports/kubernetes/paths.ts';
import type { SyncSet } from '../sync-set.ts';

/** The requests that a lock needs. Throws as the client does; the signal ends a request with CancelledError. */
export interface LeaseApi {
  read(signal?: AbortSignal): Promise<Json | undefined>;
  create(lease: Json, signal?: AbortSignal): Promise<Json>;
  /** Guarded by the resourceVersion in the body: 409 when somebody wrote meanwhile. */
  replace(lease: Json, signal?: AbortSignal): Promise<Json>;
  /** Guarded in the same way. */
  remove(lease: Json, signal?: AbortSignal): Promise<void>;
}

const leases: ApiResource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  verbs: [],
};

/** The Lease `gitops-sync-<set>` in the namespace of the inventory. */
export function leaseApi(client: KubernetesClient, set: SyncSet): LeaseApi {
  const collection = resourcePath(leases, set.namespace);
  const path = resourcePath(leases, set.namespace, set.parentName);
  const optional = (signal?: AbortSignal) => (signal === undefined ? {} : { signal });
  return {
    read: async (signal) => {
      try {
        return await client.request({ method: 'GET', path, ...optional(signal) });
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
    create: (lease, signal) => client.request({ method: 'POST', path: collection, body: lease, ...optional(signal) }),
    replace: (lease, signal) => client.request({ method: 'PUT', path, body: lease, ...optional(signal) }),
    remove: async ({ metadata }, signal) => {
      const preconditions = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
      try {
        await client.request({ method: 'DELETE', path, body, ...optional(signal) });
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
      }
    },
  };
}

import { randomBytes } from 'node:crypto';
import { NotPermittedError } from '../errors.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import { setLabel } from './inventory.ts';
import type { SyncSet } from './sync-set.ts';

const secrets: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  verbs: [],
};
const dataKey = 'hmac-sha256';

/**
 * The key under which digests of Secrets are stored in the inventory. It lies in a Secret beside it, so that who may read the
 * ConfigMap cannot try values. Undefined when there is none and `create` is not given, or when we may not.
 */
export async function digestKey(
  client: KubernetesClient,
  set: SyncSet,
  options: { readonly create: boolean; readonly maskSecret: (value: string) => void },
): Promise<Buffer | undefined> {
  const name = `${set.parentName}-key`;
  try {
    const found = await client.get(secrets, set.namespace, name);
    if (found !== undefined) return keyIn(found['data']?.[dataKey], options.maskSecret);
    if (!options.create) return undefined;
    const key = randomBytes(32).toString('base64');
    options.maskSecret(key);
    const made = await client.create(secrets, set.namespace, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name, namespace: set.namespace, labels: { [setLabel]: set.name } },
      data: { [dataKey]: key },
    });
    return keyIn(made['data']?.[dataKey], options.maskSecret);
  } catch (error) {
    if (error instanceof NotPermittedError || statusOf(error) === 404) return undefined;
    // Another run made it a moment ago.
    if (statusOf(error) === 409) return digestKey(client, set, { ...options, create: false });
    throw error;
  }
}

/** Removes the key with the set. */
export async function deleteDigestKey(client: KubernetesClient, set: SyncSet): Promise<void> {
  try {
    await client.delete(secrets, set.namespace, `${set.parentName}-key`);
  } catch (error) {
    if (!(error instanceof NotPermittedError)) throw error;
  }
}

function keyIn(value: unknown, maskSecret: (value: string) => void): Buffer | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  maskSecret(value);
  return Buffer.from(value, 'base64');
}

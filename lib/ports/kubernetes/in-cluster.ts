import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../../errors.ts';
import type { ClusterAccess } from './access.ts';
import { bearerCredentials } from './access.ts';
import { tokenFile } from './token-file.ts';

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The service account of the Pod that the agent runs in. The kubelet rewrites the token's file before it expires, so the file
 * is read again every minute. `folder` is for tests.
 */
export async function accessFromPod(options: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly maskSecret: (value: string) => void;
  readonly folder?: string;
}): Promise<ClusterAccess> {
  const folder = options.folder ?? accountFolder;
  const host = options.environment['KUBERNETES_SERVICE_HOST'];
  const port = options.environment['KUBERNETES_SERVICE_PORT'] || '443';
  const identity = 'the service account of the Pod that the agent runs in';
  const ca = await readFile(path.join(folder, 'ca.crt'), 'utf8').catch(() => undefined);
  const source = tokenFile(path.join(folder, 'token'), { where: identity, maskSecret: options.maskSecret });
  const token = await source.token({ refresh: false }).catch(() => undefined);
  if (!host || ca === undefined || token === undefined) {
    throw new InputError({
      input: 'connectionType',
      message: `connectionType is inCluster, but this agent does not run in a Pod with a service account: ${
        host ? `${folder} has no ${ca === undefined ? 'ca.crt' : 'token'}` : 'KUBERNETES_SERVICE_HOST is not set'
      }. Use a kubernetesServiceConnection, or run the job on an agent in the cluster (automountServiceAccountToken must not be false).`,
    });
  }
  const namespace = (await readFile(path.join(folder, 'namespace'), 'utf8').catch(() => '')).trim();
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    identity,
    ca,
    skipTlsVerify: false,
    ...(namespace && { namespace }),
    credentials: bearerCredentials(source),
  };
}

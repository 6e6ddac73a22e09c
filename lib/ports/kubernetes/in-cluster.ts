import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../../errors.ts';
import type { ClusterAccess } from './access.ts';
import { bearerCredentials } from './access.ts';

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
  const port = options.environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const tokenFile = path.join(folder, 'token');
  const ca = await readFile(path.join(folder, 'ca.crt'), 'utf8').catch(() => undefined);
  if (host === undefined || ca === undefined) {
    throw new InputError({
      input: 'connectionType',
      message:
        'connectionType is inCluster, but this agent does not run in a Pod with a service account: KUBERNETES_SERVICE_HOST or the account’s files are missing. Use a kubernetesServiceConnection, or run the job on an agent in the cluster.',
    });
  }
  const namespace = await readFile(path.join(folder, 'namespace'), 'utf8').catch(() => undefined);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    identity: 'service account of the Pod that the agent runs in',
    ca,
    skipTlsVerify: false,
    ...(namespace && { namespace: namespace.trim() }),
    credentials: bearerCredentials({
      token: async () => {
        const value = (await readFile(tokenFile, 'utf8')).trim();
        options.maskSecret(value);
        // Read again after one minute: the margin of bearerCredentials is five.
        return { value, expiresAt: new Date(Date.now() + 6 * 60_000) };
      },
    }),
  };
}

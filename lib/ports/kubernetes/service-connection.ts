import { InputError } from '../../errors.ts';
import type { ServiceConnection } from '../agent/agent.ts';
import type { ClusterAccess } from './access.ts';
import { bearerCredentials } from './access.ts';
import { isBearerToken } from './token-file.ts';
import { inSentence } from './wording.ts';

export interface ServiceConnectionOptions {
  readonly maskSecret: (value: string) => void;
  /** The input that names the connection; the agent tells the connection's id only. Default: kubernetesServiceConnection. */
  readonly input?: string;
}

/**
 * A Kubernetes service connection. `authorizationType` is `Kubeconfig` (or missing: connections older than the field),
 * `ServiceAccount`, or `AzureSubscription`, for which Azure DevOps made a service account. Source: kubernetes-common of
 * microsoft/azure-pipelines-tasks.
 */
export async function accessFromServiceConnection(
  connection: ServiceConnection,
  options: ServiceConnectionOptions,
): Promise<ClusterAccess> {
  const type = connection.data('authorizationType') ?? 'Kubeconfig';
  const skipTlsVerify = connection.data('acceptUntrustedCerts')?.toLowerCase() === 'true';
  const where = nameOf(connection, options);
  switch (type.toLowerCase()) {
    case 'kubeconfig':
      return fromKubeconfig(connection, { where, skipTlsVerify, maskSecret: options.maskSecret });
    case 'serviceaccount':
    case 'azuresubscription':
      return fromServiceAccount(connection, { where, skipTlsVerify, maskSecret: options.maskSecret });
    default:
      throw new InputError(
        `${where} has the authorization type '${type}'. Supported are KubeConfig, Service Account and Azure Subscription; make the connection anew with one of these.`,
      );
  }
}

interface Reading {
  readonly where: string;
  readonly skipTlsVerify: boolean;
  readonly maskSecret: (value: string) => void;
}

async function fromKubeconfig(connection: ServiceConnection, reading: Reading): Promise<ClusterAccess> {
  const { where, skipTlsVerify, maskSecret } = reading;
  const text = connection.parameter('kubeconfig');
  if (text === undefined || text.trim() === '') {
    throw new InputError(`${where} holds no kubeconfig. Edit it and paste one.`);
  }
  const { accessFromKubeconfigText } = await import('./kubeconfig.ts');
  const context = connection.parameter('clusterContext') ?? connection.data('clusterContext');
  const access = accessFromKubeconfigText(text, { where, ...(context && { context }), maskSecret });
  return skipTlsVerify ? { ...access, skipTlsVerify } : access;
}

function fromServiceAccount(connection: ServiceConnection, reading: Reading): ClusterAccess {
  const { where, skipTlsVerify, maskSecret } = reading;
  const encoded = connection.parameter('apiToken')?.trim();
  if (!encoded) {
    throw new InputError(`${where} holds no token. Edit it and paste the service account's Secret as JSON.`);
  }
  maskSecret(encoded);
  const decoded = Buffer.from(encoded, 'base64').toString('utf8').trim();
  // Pasted by hand, so it may be the bare token instead of its base64.
  const value = isBearerToken(decoded) ? decoded : encoded;
  maskSecret(value);
  if (!isBearerToken(value)) {
    throw new InputError(`${where} holds something else than a token. Edit it and paste the service account's Secret.`);
  }
  const server = connection.url.trim().replace(/\/+$/, '');
  if (server === '') throw new InputError(`${where} has no server URL. Edit it and set the API server's address.`);
  const ca = certificateAuthority(connection.parameter('serviceAccountCertificate')?.trim(), where);
  return {
    server,
    identity: `the service account of ${inSentence(where)}`,
    ...(ca && { ca }),
    skipTlsVerify,
    credentials: bearerCredentials({ token: async () => ({ value }) }),
  };
}

function certificateAuthority(text: string | undefined, where: string): string | undefined {
  if (!text) return undefined;
  const pem = text.startsWith('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new InputError(
    `${where} holds a certificate (ca.crt) that is not PEM in base64. Edit it and paste the service account's Secret.`,
  );
}

/** An author knows the connection's name; its id tells nobody anything. */
function nameOf(connection: ServiceConnection, options: ServiceConnectionOptions): string {
  if (connection.name !== undefined) return `The service connection '${connection.name}'`;
  return `The service connection of the input ${options.input ?? 'kubernetesServiceConnection'}`;
}

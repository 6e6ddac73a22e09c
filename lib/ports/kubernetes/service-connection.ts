import { InputError } from '../../errors.ts';
import type { ServiceConnection } from '../agent/agent.ts';
import type { ClusterAccess } from './access.ts';
import { bearerCredentials } from './access.ts';

/**
 * A Kubernetes service connection. `authorizationType` is `Kubeconfig` (or missing: connections older than the field),
 * `ServiceAccount`, or `AzureSubscription`, for which Azure DevOps made a service account. Source: kubernetes-common of
 * microsoft/azure-pipelines-tasks.
 */
export async function accessFromServiceConnection(
  connection: ServiceConnection,
  options: { readonly maskSecret: (value: string) => void },
): Promise<ClusterAccess> {
  const type = connection.data('authorizationType') ?? 'Kubeconfig';
  const skipTlsVerify = connection.data('acceptUntrustedCerts')?.toLowerCase() === 'true';
  switch (type.toLowerCase()) {
    case 'kubeconfig':
      return fromKubeconfig(connection, skipTlsVerify, options.maskSecret);
    case 'serviceaccount':
    case 'azuresubscription':
      return fromServiceAccount(connection, skipTlsVerify, options.maskSecret);
    default:
      throw new InputError(
        `The service connection ${nameOf(connection)} has the authorization type '${type}'. Supported are KubeConfig, Service Account and Azure Subscription; make the connection anew with one of these.`,
      );
  }
}

async function fromKubeconfig(
  connection: ServiceConnection,
  skipTlsVerify: boolean,
  maskSecret: (value: string) => void,
): Promise<ClusterAccess> {
  const text = connection.parameter('kubeconfig');
  if (text === undefined || text.trim() === '') {
    throw new InputError(`The service connection ${nameOf(connection)} holds no kubeconfig. Edit it and paste one.`);
  }
  const { accessFromKubeconfigText } = await import('./kubeconfig.ts');
  const context = connection.parameter('clusterContext') ?? connection.data('clusterContext');
  const access = accessFromKubeconfigText(text, {
    where: `the service connection ${nameOf(connection)}`,
    ...(context !== undefined && context !== '' && { context }),
    maskSecret,
  });
  return skipTlsVerify ? { ...access, skipTlsVerify } : access;
}

function fromServiceAccount(
  connection: ServiceConnection,
  skipTlsVerify: boolean,
  maskSecret: (value: string) => void,
): ClusterAccess {
  const encoded = connection.parameter('apiToken');
  if (encoded === undefined || encoded === '') {
    throw new InputError(
      `The service connection ${nameOf(connection)} holds no token. Edit it and paste the service account's Secret as JSON.`,
    );
  }
  const token = Buffer.from(encoded, 'base64').toString('utf8').trim();
  // Pasted by hand, so it may be the bare token instead of its base64.
  const value = /^[\x21-\x7e]+$/.test(token) ? token : encoded.trim();
  maskSecret(encoded);
  maskSecret(value);
  const certificate = connection.parameter('serviceAccountCertificate');
  return {
    server: connection.url.replace(/\/+$/, ''),
    identity: `service account of the connection ${nameOf(connection)}`,
    ...(certificate && { ca: Buffer.from(certificate, 'base64').toString('utf8') }),
    skipTlsVerify,
    credentials: bearerCredentials({ token: async () => ({ value }) }),
  };
}

function nameOf(connection: ServiceConnection): string {
  return `'${connection.name ?? connection.id}'`;
}

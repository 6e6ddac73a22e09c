import { InputError } from '../errors.ts';
import type { Agent } from '../ports/agent/agent.ts';
import type { ClusterAccess } from '../ports/kubernetes/access.ts';
import type { SyncOptions } from './options.ts';

/** The cluster that the inputs name. Each way in is loaded only when it is used. */
export async function clusterAccess(agent: Agent, options: SyncOptions): Promise<ClusterAccess> {
  const maskSecret = (value: string) => agent.maskSecret(value);
  switch (options.connectionType) {
    case 'kubernetesServiceConnection': {
      const { accessFromServiceConnection } = await import('../ports/kubernetes/service-connection.ts');
      const id = options.kubernetesServiceConnection;
      if (id === undefined)
        throw new InputError({
          input: 'kubernetesServiceConnection',
          message: 'Input `kubernetesServiceConnection` is empty.',
        });
      return accessFromServiceConnection(agent.connection(id), { maskSecret });
    }
    case 'kubeconfig': {
      const { accessFromKubeconfigFile } = await import('../ports/kubernetes/kubeconfig.ts');
      return accessFromKubeconfigFile({
        environment: process.env,
        maskSecret,
        ...(options.kubeconfig !== undefined && { file: options.kubeconfig }),
        ...(options.kubeContext !== undefined && { context: options.kubeContext }),
      });
    }
    case 'inCluster': {
      const { accessFromPod } = await import('../ports/kubernetes/in-cluster.ts');
      return accessFromPod({ environment: process.env, maskSecret });
    }
  }
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { dump, load } from 'js-yaml';
import type { Connection } from './endpoints.ts';

interface Named {
  readonly name: string;
}

export interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters?: (Named & { cluster: Record<string, unknown> })[];
  readonly contexts?: (Named & { context: { cluster: string; user?: string } })[];
  readonly users?: (Named & { user: Record<string, unknown> })[];
}

const fileFields = ['certificate-authority', 'client-certificate', 'client-key'] as const;

/**
 * A Kubernetes service connection made of a kubeconfig file, as a user makes it by pasting the file's text. Files that it
 * refers to are put into the text, because a service connection holds text only.
 */
export async function kubeconfigConnection(file: string): Promise<Connection> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(`A connection is given as the path of a kubeconfig, and ${file} cannot be read.`, { cause: error });
  });
  const config = load(text) as Kubeconfig | null;
  const name = config?.['current-context'];
  const context = config?.contexts?.find((candidate) => candidate.name === name)?.context;
  const server = config?.clusters?.find((candidate) => candidate.name === context?.cluster)?.cluster['server'];
  if (typeof server !== 'string') {
    throw new Error(`${file} is no kubeconfig with a current-context whose cluster has a server.`);
  }
  return {
    type: 'kubernetes',
    url: server,
    scheme: 'Kubernetes',
    // No clusterContext: the text has its current-context, and the agent would mask the context's name wherever it occurs.
    parameters: { kubeconfig: await inlineFiles(config as Kubeconfig, text, path.dirname(file)) },
    data: { authorizationType: 'Kubeconfig', acceptUntrustedCerts: 'false' },
  };
}

async function inlineFiles(config: Kubeconfig, text: string, folder: string): Promise<string> {
  let changed = false;
  for (const entry of [
    ...(config.clusters ?? []).map((item) => item.cluster),
    ...(config.users ?? []).map((item) => item.user),
  ]) {
    for (const field of fileFields) {
      const reference = entry[field];
      if (typeof reference !== 'string') continue;
      entry[`${field}-data`] = (await readFile(path.resolve(folder, reference))).toString('base64');
      delete entry[field];
      changed = true;
    }
    const tokenFile = entry['tokenFile'];
    if (typeof tokenFile === 'string') {
      entry['token'] = (await readFile(path.resolve(folder, tokenFile), 'utf8')).trim();
      delete entry['tokenFile'];
      changed = true;
    }
  }
  return changed ? dump(config) : text;
}

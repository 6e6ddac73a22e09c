import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { InputError, messageOf } from '../../errors.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';
import { execCredentials } from './exec-credential.ts';

/**
 * Kubeconfigs, read by @kubernetes/client-node. Import this file lazily: the package is large and most runs do without it.
 */
export interface KubeconfigOptions {
  /** How messages name the kubeconfig: `the file ~/.kube/config`. */
  readonly where: string;
  /** Default: the current context. */
  readonly context?: string;
  readonly maskSecret: (value: string) => void;
  /** Relative paths in the kubeconfig start here. */
  readonly folder?: string;
}

/** The kubeconfig that `kubectl` would take: the given path, else KUBECONFIG, else `~/.kube/config`. */
export async function accessFromKubeconfigFile(options: {
  readonly file?: string;
  readonly context?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly maskSecret: (value: string) => void;
}): Promise<ClusterAccess> {
  const files = options.file ? [options.file] : kubectlDefaults(options.environment);
  const present = files.filter((file) => existsSync(file));
  if (present.length === 0) {
    throw new InputError({
      input: 'kubeconfig',
      message: `No kubeconfig: ${files.join(', ')} does not exist. Set the input kubeconfig to a file on the agent, or use a kubernetesServiceConnection.`,
    });
  }
  if (present.length > 1) {
    throw new InputError({
      input: 'kubeconfig',
      message: `KUBECONFIG names several files (${present.join(', ')}). Set the input kubeconfig to the one to use.`,
    });
  }
  const file = present[0] as string;
  const text = await readFile(file, 'utf8');
  return accessFromKubeconfigText(text, {
    where: `the kubeconfig ${file}`,
    ...(options.context && { context: options.context }),
    maskSecret: options.maskSecret,
    folder: path.dirname(path.resolve(file)),
  });
}

function kubectlDefaults(environment: Readonly<Record<string, string | undefined>>): string[] {
  const listed = (environment['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  return listed.length > 0 ? listed : [path.join(environment['HOME'] ?? os.homedir(), '.kube', 'config')];
}

/** The access that a kubeconfig's text describes. Throws InputError that names `where` when it cannot be used. */
export function accessFromKubeconfigText(text: string, options: KubeconfigOptions): ClusterAccess {
  const config = new KubeConfig();
  try {
    config.loadFromString(text);
  } catch (error) {
    throw new InputError(`${options.where} is not a kubeconfig: ${firstLine(messageOf(error))}`, { cause: error });
  }
  const contextName = options.context ?? soleContext(config);
  const context = config.getContexts().find((candidate) => candidate.name === contextName);
  if (context === undefined) {
    const known = config.getContexts().map((candidate) => candidate.name);
    throw new InputError({
      input: 'kubeContext',
      message: `${options.where} has no context '${contextName ?? ''}'. It has: ${known.join(', ') || 'none'}.`,
    });
  }
  config.setCurrentContext(context.name);
  if (options.folder) config.makePathsAbsolute(options.folder);
  const cluster = config.getCurrentCluster();
  if (!cluster?.server) {
    throw new InputError(
      `${options.where}: the cluster '${context.cluster}' of context '${context.name}' has no server.`,
    );
  }
  const user = config.getCurrentUser();
  maskUser(user, options.maskSecret);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    identity: `user '${context.user}' of ${options.where}`,
    ...authority(cluster),
    ...(cluster.tlsServerName && { serverName: cluster.tlsServerName }),
    ...(cluster.proxyUrl && { proxyUrl: cluster.proxyUrl }),
    ...(context.namespace && { namespace: context.namespace }),
    skipTlsVerify: cluster.skipTLSVerify === true,
    credentials: credentialsOf(config, cluster, user, options),
  };
}

/** A kubeconfig that Azure DevOps generated names no current context; one alone is meant. */
function soleContext(config: KubeConfig): string | undefined {
  if (config.getCurrentContext()) return config.getCurrentContext();
  const contexts = config.getContexts();
  return contexts.length === 1 ? contexts[0]?.name : undefined;
}

function authority(cluster: Cluster): { ca?: string } {
  if (!cluster.caData && !cluster.caFile) return {};
  const opts: { ca?: unknown } = {};
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, { name: 'none' });
  // The package reads the file or decodes the data; done here once, so that a missing file is told at the start.
  (config as unknown as { applyHTTPSOptions(o: object): void }).applyHTTPSOptions(opts);
  return opts.ca ? { ca: String(opts.ca) } : {};
}

function credentialsOf(
  config: KubeConfig,
  cluster: Cluster,
  user: User | null,
  options: KubeconfigOptions,
): ClusterAccess['credentials'] {
  const exec = user?.exec ?? user?.authProvider?.config?.exec;
  if (user && exec) {
    return execCredentials(exec, {
      where: options.where,
      cluster: { server: cluster.server, ...authority(cluster), skipTlsVerify: cluster.skipTLSVerify === true },
      maskSecret: options.maskSecret,
      ...(options.folder && { folder: options.folder }),
    });
  }
  return async () => {
    const https: { headers?: Record<string, string>; cert?: unknown; key?: unknown; auth?: string } = {};
    await config.applyToHTTPSOptions(https as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
    const authorization =
      https.headers?.['Authorization'] ??
      (https.auth === undefined ? undefined : `Basic ${Buffer.from(https.auth).toString('base64')}`);
    if (authorization) options.maskSecret(authorization.replace(/^\S+ /, ''));
    if (https.key) options.maskSecret(String(https.key));
    const credentials: ClusterCredentials = {
      ...(authorization && { authorization }),
      ...(https.cert ? { cert: String(https.cert) } : {}),
      ...(https.key ? { key: String(https.key) } : {}),
    };
    return credentials;
  };
}

function maskUser(user: User | null, maskSecret: (value: string) => void): void {
  if (user === null) return;
  for (const value of [user.token, user.password, user.keyData]) if (value) maskSecret(value);
  if (user.keyData) maskSecret(Buffer.from(user.keyData, 'base64').toString('utf8'));
  for (const variable of user.exec?.env ?? []) if (typeof variable?.value === 'string') maskSecret(variable.value);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

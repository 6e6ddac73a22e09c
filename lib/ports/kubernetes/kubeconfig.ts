import { type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InputError, messageOf } from '../../errors.ts';
import type { ClusterAccess } from './access.ts';
import { type Fields, largestKubeconfig, selectContext } from './kubeconfig-document.ts';
import { embedded } from './kubeconfig-files.ts';
import { impersonationOf, userCredentials } from './kubeconfig-user.ts';
import { inSentence } from './wording.ts';

/**
 * Kubeconfigs as client-go reads them. The package @kubernetes/client-node is not used for it: it knows neither `tokenFile`, nor
 * `as-groups`, nor the exec plugins' cluster configuration, runs removed auth providers, and prefers files to embedded data.
 * Import this file lazily: most runs do without it.
 */
export interface KubeconfigOptions {
  /** How messages name the kubeconfig: `the file ~/.kube/config`. */
  readonly where: string;
  /** Default: the current context. */
  readonly context?: string;
  readonly maskSecret: (value: string) => void;
  /** Relative paths in the kubeconfig start here. Without it they are refused. */
  readonly folder?: string;
  /** What credential plugins see, and whose PATH they are looked up on. Default: that of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** The kubeconfig that `kubectl` would take: the given path, else KUBECONFIG, else `~/.kube/config`. */
export async function accessFromKubeconfigFile(options: {
  readonly file?: string;
  readonly context?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly maskSecret: (value: string) => void;
}): Promise<ClusterAccess> {
  const files = options.file ? [options.file] : kubectlDefaults(options.environment);
  const present = files.filter((file) => statOf(file) !== undefined);
  const [file] = present;
  if (file === undefined) {
    throw inputProblem(
      `No kubeconfig: ${files.join(', ')} does not exist. Set the input kubeconfig to a file on the agent, or use a kubernetesServiceConnection.`,
    );
  }
  if (present.length > 1) {
    throw inputProblem(
      `KUBECONFIG names several files (${present.join(', ')}). Set the input kubeconfig to the one to use.`,
    );
  }
  const text = await readText(file);
  return accessFromKubeconfigText(text, {
    where: `The kubeconfig ${file}`,
    ...(options.context && { context: options.context }),
    maskSecret: options.maskSecret,
    folder: path.dirname(path.resolve(file)),
    environment: { ...process.env, ...options.environment },
  });
}

async function readText(file: string): Promise<string> {
  const stats = statOf(file);
  if (stats?.isDirectory()) throw inputProblem(`The kubeconfig ${file} is a folder. Name the file in it.`);
  if ((stats?.size ?? 0) > largestKubeconfig) {
    throw inputProblem(`The kubeconfig ${file} is larger than ${largestKubeconfig / 1024 / 1024} MB: no kubeconfig.`);
  }
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw inputProblem(`The kubeconfig ${file} cannot be read: ${messageOf(error)}.`, error);
  }
}

function inputProblem(message: string, cause?: unknown): InputError {
  return new InputError({ input: 'kubeconfig', message }, cause === undefined ? {} : { cause });
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw inputProblem(`The kubeconfig ${file} cannot be read: ${messageOf(error)}.`, error);
  }
}

function kubectlDefaults(environment: Readonly<Record<string, string | undefined>>): string[] {
  const listed = (environment['KUBECONFIG'] ?? '').split(path.delimiter).filter((file) => file !== '');
  return listed.length > 0 ? listed : [path.join(environment['HOME'] ?? os.homedir(), '.kube', 'config')];
}

/** The access that a kubeconfig's text describes. Throws InputError that names `where` when it cannot be used. */
export function accessFromKubeconfigText(text: string, options: KubeconfigOptions): ClusterAccess {
  const { cluster, user, userName, namespace } = selectContext(text, options.where, options.context);
  const settings = clusterSettings(cluster, options);
  const impersonation = user && impersonationOf(user);
  const acting = impersonation === undefined ? '' : `, acting as '${String(impersonation['Impersonate-User'])}'`;
  return {
    ...settings,
    identity: `user '${userName}' of ${inSentence(options.where)}${acting}`,
    ...(namespace && { namespace }),
    ...(impersonation && { impersonation }),
    credentials: userCredentials(user, {
      where: options.where,
      maskSecret: options.maskSecret,
      environment: options.environment ?? process.env,
      ...(options.folder !== undefined && { folder: options.folder }),
      cluster: { ...settings, extensions: cluster.named('extensions'), raw: cluster },
    }),
  };
}

function clusterSettings(cluster: Fields, options: KubeconfigOptions) {
  const ca = embedded(cluster, 'certificate-authority', options.folder);
  const serverName = cluster.text('tls-server-name');
  const proxyUrl = cluster.text('proxy-url');
  if (proxyUrl !== undefined) checkProxy(proxyUrl, cluster, options.maskSecret);
  return {
    server: cluster.required('server').replace(/\/+$/, ''),
    ...(ca && { ca }),
    ...(serverName && { serverName }),
    ...(proxyUrl && { proxyUrl }),
    skipTlsVerify: cluster.flag('insecure-skip-tls-verify'),
  };
}

function checkProxy(text: string, cluster: Fields, maskSecret: (value: string) => void): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.password) {
    maskSecret(url.password);
    maskSecret(decodeURIComponent(url.password));
  }
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new InputError(`${cluster.label('proxy-url')} is not the address of an http:// or https:// proxy.`);
  }
}

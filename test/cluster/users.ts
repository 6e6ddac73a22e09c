import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Somebody whom the API server knows and who may do nothing until a test's RoleBinding says so. */
export interface ClusterUser {
  readonly name: string;
  readonly token: string;
  /** Path of a kubeconfig that has this token and nothing else. */
  readonly kubeconfig: string;
}

export interface KubeconfigContent {
  readonly cluster: string;
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly user: string;
  readonly token: string;
}

/** Writes a kubeconfig (as JSON, which is YAML) that only its owner may read. */
export function writeKubeconfig(path: string, content: KubeconfigContent): void {
  const ca = Buffer.from(content.ca).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: content.cluster, cluster: { server: content.server, 'certificate-authority-data': ca } }],
    users: [{ name: content.user, user: { token: content.token } }],
    contexts: [{ name: content.cluster, context: { cluster: content.cluster, user: content.user } }],
    'current-context': content.cluster,
  };
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
}

/**
 * A token of a test user, which the fake node's token review accepts: node/serve.go reads the same form.
 * Any process that can read the cluster's folder can make one, so suites that share a cluster need no common pool.
 */
export function makeToken(folder: string, name: string, groups: readonly string[], lifetimeMs: number): string {
  const secret = readFileSync(join(folder, 'token-secret'));
  const identity = { name, groups, expires: Date.now() + lifetimeMs };
  const payload = Buffer.from(JSON.stringify(identity)).toString('base64url');
  return `test.${payload}.${createHmac('sha256', secret).update(payload).digest('base64url')}`;
}

export function makeUser(
  folder: string,
  content: Pick<KubeconfigContent, 'server' | 'ca'>,
  name: string,
  groups: readonly string[],
  lifetimeMs: number,
): ClusterUser {
  const token = makeToken(folder, name, groups, lifetimeMs);
  const kubeconfig = join(folder, 'users', `${randomUUID()}.kubeconfig`);
  writeKubeconfig(kubeconfig, { ...content, cluster: 'test', user: name, token });
  return { name, token, kubeconfig };
}

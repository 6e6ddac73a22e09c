/**
 * A real Kubernetes control plane for tests: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and a fake
 * node (node/README.md) as plain processes on loopback, no Docker. See README.md.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ClusterClient } from './client.ts';
import { auditLogOf, type ControlPlaneOptions, serverCertificate } from './control-plane.ts';
import { readRecord } from './directories.ts';
import { startPrograms } from './start.ts';
import { type ClusterUser, makeUser } from './users.ts';

export { type Answer, ClusterClient, hasCondition, type KubernetesJson } from './client.ts';
export { kubernetesVersion } from './programs.ts';
export type { ClusterUser } from './users.ts';

export interface ClusterOptions extends ControlPlaneOptions {
  /** Default: made up. */
  readonly name?: string;
}

export interface Cluster {
  readonly name: string;
  /** `https://127.0.0.1:<port>` */
  readonly server: string;
  /** PEM of the API server's certificate authority. */
  readonly ca: string;
  readonly caFile: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** The administrator's token. */
  readonly token: string;
  /** Folder with one log file a program. */
  readonly logs: string;
  /** JSON lines, one a request; there when started with `audit`. */
  readonly auditLog: string | undefined;
  /** Requests as the administrator, or with another token. */
  client(token?: string): ClusterClient;
  /**
   * A user of this name and these groups (`system:authenticated` comes by itself) who may do nothing that RBAC does not
   * grant: a test makes the Role and binds it. Service accounts are users named `system:serviceaccount:<ns>:<name>`.
   * `lifetimeMs`, by default a day, may be short or negative: then the server answers 401 (a token once seen is
   * remembered for 5 s).
   */
  user(name: string, groups?: readonly string[], lifetimeMs?: number): ClusterUser;
  /** Stops the API server, so that connections are refused; everything else keeps running. Not on a shared cluster. */
  stopApiServer(): Promise<void>;
  /** Starts it again on the same port, with the same data and certificate. */
  startApiServer(): Promise<void>;
  restartApiServer(): Promise<void>;
  /** Ends all its processes and removes its folder. Nothing happens to a cluster that another process started. */
  stop(): Promise<void>;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Starts a cluster that ends with this process, however that ends. About 10 s and 700 MB; several at once are fine. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const started = await startPrograms(options);
  return {
    ...face(started.folder, started),
    auditLog: options.audit ? auditLogOf(started.folder) : undefined,
    stopApiServer: started.stopApiServer,
    startApiServer: started.startApiServer,
    restartApiServer: async () => {
      await started.stopApiServer();
      await started.startApiServer();
    },
    stop: started.stop,
  };
}

let shared: Promise<Cluster> | undefined;

/**
 * The cluster that suites share, each with namespaces of its own: the running one whose administrator's kubeconfig
 * GITOPS_TEST_KUBECONFIG names, else one for this process, started at the first call.
 */
export function sharedCluster(): Promise<Cluster> {
  const running = process.env['GITOPS_TEST_KUBECONFIG'];
  shared ??= running ? Promise.resolve(runningCluster(running)) : startCluster();
  return shared;
}

/** A cluster that another process started, by its administrator's kubeconfig. */
export function runningCluster(kubeconfig: string): Cluster {
  const folder = dirname(kubeconfig);
  const record = readRecord(folder);
  if (record === undefined) {
    throw new Error(`${kubeconfig} is no kubeconfig of a test cluster. \`npm run cluster -- kubeconfig\` prints one.`);
  }
  const refuse = async () => {
    throw new Error('This cluster is shared with others: start one with startCluster() to stop its API server.');
  };
  const ca = readFileSync(serverCertificate(folder), 'utf8');
  return {
    ...face(folder, { name: record.name, server: record.server, token: record.token, ca, kubeconfig }),
    auditLog: record.auditLog,
    stopApiServer: refuse,
    startApiServer: refuse,
    restartApiServer: refuse,
    stop: async () => undefined,
  };
}

function face(folder: string, cluster: Pick<Cluster, 'name' | 'server' | 'ca' | 'kubeconfig' | 'token'>) {
  const { name, server, ca, kubeconfig, token } = cluster;
  return {
    name,
    server,
    ca,
    caFile: serverCertificate(folder),
    kubeconfig,
    token,
    logs: join(folder, 'logs'),
    client: (other = token) => new ClusterClient(server, ca, other),
    user: (user: string, groups: readonly string[] = [], lifetimeMs = dayMs) =>
      makeUser(folder, { server, ca }, user, groups, lifetimeMs),
  };
}

/**
 * Runs `act` with a new namespace and asks for its deletion afterwards, without waiting: a namespace with Pods takes
 * a while to go, and nobody uses its name again.
 */
export async function withNamespace<T>(
  cluster: Cluster,
  act: (namespace: string) => Promise<T>,
  labels: Readonly<Record<string, string>> = {},
): Promise<T> {
  const client = cluster.client();
  const name = `test-${randomBytes(5).toString('hex')}`;
  try {
    await client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    return await act(name);
  } finally {
    await client.delete(`/api/v1/namespaces/${name}`).finally(() => client.close());
  }
}

/** The arguments of each program and the files they read: no process is started here. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeKubeconfig } from './users.ts';

export interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
  readonly node: number;
}

export interface ControlPlaneOptions {
  /** Write a JSON audit log of every request, metadata only. */
  readonly audit?: boolean;
  /** More arguments for kube-apiserver, e.g. `--authentication-config=...`. */
  readonly apiServerArguments?: readonly string[];
}

/** The tokens that the API server reads from a file; those of restricted users are made later, see users.ts. */
export interface SystemTokens {
  readonly admin: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly node: string;
}

export function makeTokens(): SystemTokens {
  const token = () => randomBytes(24).toString('hex');
  return { admin: token(), controllerManager: token(), scheduler: token(), node: token() };
}

/** The certificate that kube-apiserver makes for itself, with the authority that signed it. */
export function serverCertificate(folder: string): string {
  return join(folder, 'certificates', 'apiserver.crt');
}

export function auditLogOf(folder: string): string {
  return join(folder, 'logs', 'audit.jsonl');
}

export function etcdArguments(folder: string, ports: Ports): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    '--name=test',
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

/** Writes what the programs read before the API server has a certificate. */
export function writeControlPlaneFiles(folder: string, ports: Ports, tokens: SystemTokens): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  write('certificates/service-account.key', keys.privateKey);
  write('certificates/service-account.pub', keys.publicKey);
  write('token-secret', randomBytes(32).toString('hex'));
  const line = (token: string, user: string) => `${token},${user},${user},"system:masters"\n`;
  write(
    'tokens.csv',
    line(tokens.admin, 'admin') +
      line(tokens.controllerManager, 'system:kube-controller-manager') +
      line(tokens.scheduler, 'system:kube-scheduler') +
      line(tokens.node, 'system:node:node-1'),
  );
  // The fake node knows the test users' tokens: the API server asks it by TokenReview, as one asks Microsoft Entra.
  const review = { server: `https://127.0.0.1:${ports.node}/authenticate`, 'insecure-skip-tls-verify': true };
  write(
    'token-review.kubeconfig',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'reviewer', cluster: review }],
      users: [{ name: 'api-server', user: {} }],
      contexts: [{ name: 'review', context: { cluster: 'reviewer', user: 'api-server' } }],
      'current-context': 'review',
    }),
  );
  write(
    'audit-policy.json',
    JSON.stringify({
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived'],
      rules: [{ level: 'Metadata' }],
    }),
  );
}

export function apiServerArguments(folder: string, ports: Ports, options: ControlPlaneOptions): string[] {
  const certificates = join(folder, 'certificates');
  const audit = [`--audit-log-path=${auditLogOf(folder)}`, `--audit-policy-file=${join(folder, 'audit-policy.json')}`];
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--secure-port=${ports.apiServer}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    // Endpoints may not be loopback addresses: without this the server logs a refusal every few seconds.
    '--endpoint-reconciler-type=none',
    `--cert-dir=${certificates}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(certificates, 'service-account.pub')}`,
    `--service-account-signing-key-file=${join(certificates, 'service-account.key')}`,
    '--service-cluster-ip-range=10.0.0.0/16',
    '--authorization-mode=RBAC',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    `--authentication-token-webhook-config-file=${join(folder, 'token-review.kubeconfig')}`,
    '--authentication-token-webhook-version=v1',
    '--authentication-token-webhook-cache-ttl=5s',
    '--allow-privileged=true',
    '--disable-admission-plugins=ServiceAccount',
    ...(options.audit ? audit : []),
    ...(options.apiServerArguments ?? []),
  ];
}

/** Writes the kubeconfigs of the programs that talk to the API server, and the administrator's; gives the latter's path. */
export function writeSystemKubeconfigs(folder: string, server: string, ca: string, tokens: SystemTokens): string {
  const path = (name: string) => join(folder, `${name}.kubeconfig`);
  const write = (name: string, user: string, token: string) =>
    writeKubeconfig(path(name), { cluster: 'test', server, ca, user, token });
  write('controller-manager', 'system:kube-controller-manager', tokens.controllerManager);
  write('scheduler', 'system:kube-scheduler', tokens.scheduler);
  write('node', 'system:node:node-1', tokens.node);
  writeFileSync(
    join(folder, 'scheduler.json'),
    JSON.stringify({
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      leaderElection: { leaderElect: false },
      clientConnection: { kubeconfig: path('scheduler'), qps: 500, burst: 1000 },
    }),
    { mode: 0o600 },
  );
  write('admin', 'admin', tokens.admin);
  return path('admin');
}

export function controllerManagerArguments(folder: string): string[] {
  return [
    `--kubeconfig=${join(folder, 'controller-manager.kubeconfig')}`,
    `--service-account-private-key-file=${join(folder, 'certificates', 'service-account.key')}`,
    `--root-ca-file=${serverCertificate(folder)}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    // A machine that was busy or asleep must not make the only node unhealthy.
    '--node-monitor-grace-period=10m',
  ];
}

export function schedulerArguments(folder: string): string[] {
  return [`--config=${join(folder, 'scheduler.json')}`, '--secure-port=0'];
}

export function nodeArguments(folder: string, ports: Ports): string[] {
  return [
    `-kubeconfig=${join(folder, 'node.kubeconfig')}`,
    `-port=${ports.node}`,
    `-token-secret=${join(folder, 'token-secret')}`,
  ];
}

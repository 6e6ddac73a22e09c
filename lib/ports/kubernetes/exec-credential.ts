import { spawn } from 'node:child_process';
import { InputError, messageOf, NotPermittedError } from '../../errors.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';

/** The `exec` block of a kubeconfig's user, as client-node hands it over. */
export interface ExecConfig {
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly apiVersion?: string;
  readonly provideClusterInfo?: boolean;
  readonly installHint?: string;
}

interface ExecOptions {
  readonly where: string;
  readonly cluster: { readonly server: string; readonly ca?: string; readonly skipTlsVerify: boolean };
  readonly maskSecret: (value: string) => void;
  readonly folder?: string;
}

/** Credentials are renewed this long before they expire, so that none expires on the way. */
const expiryMargin = 60_000;

/**
 * Credentials from a client-go credential plugin (kubelogin, aws, gke-gcloud-auth-plugin): KUBERNETES_EXEC_INFO is sent, the
 * expiry honoured. Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export function execCredentials(exec: ExecConfig, options: ExecOptions): ClusterAccess['credentials'] {
  let held: Promise<ClusterCredentials> | undefined;
  let expires = 0;
  return async ({ refresh, signal }) => {
    if (held === undefined || refresh || Date.now() > expires - expiryMargin) {
      const asked = run(exec, options, signal);
      held = asked;
      expires = Number.POSITIVE_INFINITY;
      asked.catch(() => {
        if (held === asked) held = undefined;
      });
      expires = (await asked).expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    }
    return held;
  };
}

async function run(exec: ExecConfig, options: ExecOptions, signal?: AbortSignal): Promise<ClusterCredentials> {
  if (!exec.command) throw new InputError(`${options.where}: the user's exec block names no command.`);
  const apiVersion = exec.apiVersion ?? 'client.authentication.k8s.io/v1';
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo && {
        cluster: {
          server: options.cluster.server,
          ...(options.cluster.ca && {
            'certificate-authority-data': Buffer.from(options.cluster.ca).toString('base64'),
          }),
          ...(options.cluster.skipTlsVerify && { 'insecure-skip-tls-verify': true }),
        },
      }),
    },
  };
  const environment = { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) } as NodeJS.ProcessEnv;
  for (const variable of exec.env ?? []) environment[variable.name] = variable.value;
  const output = await capture(exec, environment, options, signal);
  return parse(output, options);
}

async function capture(
  exec: ExecConfig,
  environment: NodeJS.ProcessEnv,
  options: ExecOptions,
  signal?: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(exec.command as string, [...(exec.args ?? [])], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.folder && { cwd: options.folder }),
      ...(signal && { signal }),
      timeout: 60_000,
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-4000);
    });
    child.on('error', (error) =>
      reject(
        new InputError(
          `${options.where} asks for the credential plugin '${exec.command}', which could not be started: ${messageOf(error)}. ${exec.installHint ?? 'Install it on the agent, or use a service account connection.'}`,
          { cause: error },
        ),
      ),
    );
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else
        reject(
          new NotPermittedError(
            `The credential plugin '${exec.command}' of ${options.where} failed (exit code ${code}): ${err.trim()}`,
          ),
        );
    });
  });
}

function parse(output: string, options: ExecOptions): ClusterCredentials {
  let status: Record<string, unknown> | undefined;
  try {
    status = (JSON.parse(output) as { status?: Record<string, unknown> }).status;
  } catch {
    status = undefined;
  }
  const text = (field: string) => (typeof status?.[field] === 'string' ? (status[field] as string) : undefined);
  const token = text('token');
  const cert = text('clientCertificateData');
  const key = text('clientKeyData');
  if (token === undefined && (cert === undefined || key === undefined)) {
    throw new NotPermittedError(`The credential plugin of ${options.where} answered without a token or certificate.`);
  }
  if (token) options.maskSecret(token);
  if (key) options.maskSecret(key);
  const expiry = Date.parse(text('expirationTimestamp') ?? '');
  return {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(Number.isFinite(expiry) && { expiresAt: new Date(expiry) }),
  };
}

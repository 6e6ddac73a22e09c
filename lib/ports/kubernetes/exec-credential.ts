import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { InputError, messageOf, NotPermittedError, UnreachableError } from '../../errors.ts';
import { lastLines, MissingProgramError, type ProgramResult, runProgram } from '../programs/index.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';
import { keepUntilExpiry } from './credential-cache.ts';
import { isBearerToken } from './token-file.ts';
import { inSentence } from './wording.ts';

/** The `exec` block of a kubeconfig's user. */
export interface ExecConfig {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly apiVersion: string;
  readonly provideClusterInfo: boolean;
  readonly installHint?: string;
  readonly interactiveMode?: string;
}

export interface ExecOptions {
  /** How messages name the kubeconfig. */
  readonly where: string;
  /** How messages name the block. */
  readonly label: string;
  readonly cluster: {
    readonly server: string;
    readonly ca?: string;
    readonly serverName?: string;
    readonly proxyUrl?: string;
    readonly skipTlsVerify: boolean;
    readonly disableCompression?: boolean;
    /** The cluster's extension `client.authentication.k8s.io/exec`. */
    readonly config?: unknown;
  };
  readonly maskSecret: (value: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the kubeconfig. A relative command path starts here. */
  readonly folder?: string;
}

/** Credentials are renewed this long before they expire, so that none expires on the way. */
const expiryMargin = 60_000;
/** A plugin that waits for a person who is not there would hang until the job's timeout. */
const pluginTimeout = 60_000;
const largestAnswer = 4 * 1024 * 1024;
const apiVersions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/**
 * Credentials from a client-go credential plugin (kubelogin, aws, gke-gcloud-auth-plugin): KUBERNETES_EXEC_INFO is sent, the
 * expiry honoured. Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export function execCredentials(exec: ExecConfig, options: ExecOptions): ClusterAccess['credentials'] {
  if (!apiVersions.includes(exec.apiVersion)) {
    throw new InputError(
      `${options.label}.apiVersion is '${exec.apiVersion}'. Supported are ${apiVersions.join(' and ')}; a newer version of the plugin '${exec.command}' has one of them.`,
    );
  }
  if (exec.interactiveMode === 'Always') {
    throw new InputError(
      `${options.label}: the plugin '${exec.command}' wants a person at a terminal (interactiveMode: Always), whom a pipeline has not. Use a service account connection, or a login method without interaction.`,
    );
  }
  return keepUntilExpiry(
    async ({ signal }) => credentialsOf(await run(exec, options, signal), exec, options),
    expiryMargin,
  );
}

async function run(exec: ExecConfig, options: ExecOptions, signal?: AbortSignal): Promise<string> {
  const environment = {
    ...options.environment,
    KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(exec, options)),
  } as Record<string, string | undefined>;
  for (const variable of exec.env) environment[variable.name] = variable.value;
  const program = locate(exec, options);
  const limit = AbortSignal.timeout(pluginTimeout);
  let result: ProgramResult;
  try {
    result = await runProgram({
      program,
      args: exec.args,
      // client-go sets none either; only the command's own path is relative to the kubeconfig.
      cwd: process.cwd(),
      environment,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      maxOutputBytes: largestAnswer,
      missing: { install: 'on the agent', input: 'kubeconfig' },
    });
  } catch (error) {
    if (limit.aborted && !signal?.aborted) {
      throw new UnreachableError(
        `The credential plugin '${exec.command}' of ${inSentence(options.where)} gave no answer within ${pluginTimeout / 1000} s. It may be waiting for a login that nobody sees.`,
        { cause: error },
      );
    }
    if (error instanceof MissingProgramError) throw missing(exec, options);
    if (error instanceof InputError) {
      throw new InputError(`${options.label}: ${messageOf(error)}`, { cause: error });
    }
    throw error;
  }
  if (result.exitCode === 0) return result.stdout;
  throw new NotPermittedError(
    `The credential plugin '${exec.command}' of ${inSentence(options.where)} failed (${result.exitCode === undefined ? 'ended by a signal' : `exit code ${result.exitCode}`}): ${lastLines(result.stderr) || 'it wrote no reason'}`,
  );
}

function execInfo(exec: ExecConfig, options: ExecOptions): object {
  const { cluster } = options;
  const info = {
    server: cluster.server,
    ...(cluster.serverName && { 'tls-server-name': cluster.serverName }),
    ...(cluster.skipTlsVerify && { 'insecure-skip-tls-verify': true }),
    ...(cluster.ca && { 'certificate-authority-data': Buffer.from(cluster.ca).toString('base64') }),
    ...(cluster.proxyUrl && { 'proxy-url': cluster.proxyUrl }),
    ...(cluster.disableCompression && { 'disable-compression': true }),
    ...(cluster.config !== undefined && { config: cluster.config }),
  };
  return {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(exec.provideClusterInfo && { cluster: info }) },
  };
}

/**
 * A path with a slash is relative to the kubeconfig; a bare name is looked up on the PATH. Never in the working directory: it is
 * the checkout, where a pull request could put a program of that name.
 */
function locate(exec: ExecConfig, options: ExecOptions): string {
  const { command } = exec;
  if (path.isAbsolute(command)) return command;
  if (command.includes('/') || (path.sep === '\\' && command.includes('\\'))) {
    if (options.folder !== undefined) return path.join(options.folder, command);
    throw new InputError(
      `${options.label}.command is '${command}', a path relative to a kubeconfig that is no file. Name the plugin alone, to find it on the PATH, or by its full path.`,
    );
  }
  const searched = Object.entries(options.environment).find(([name]) => name.toUpperCase() === 'PATH')?.[1] ?? '';
  // Without a shell Windows runs these two only.
  const endings = path.sep === '\\' ? ['.exe', '.com', ''] : [''];
  for (const folder of searched.split(path.delimiter).filter((entry) => path.isAbsolute(entry))) {
    for (const ending of endings) {
      const file = path.join(folder, command + ending);
      if (isProgram(file)) return file;
    }
  }
  throw missing(exec, options);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function missing(exec: ExecConfig, options: ExecOptions): InputError {
  const advice = exec.installHint?.trim() || 'Install it on the agent, or use a service account connection.';
  return new InputError(
    `${options.where} asks for the credential plugin '${exec.command}', which this agent does not have. ${advice}`,
  );
}

/** What the plugin answered. Its text is never repeated: it is a secret. */
function credentialsOf(output: string, exec: ExecConfig, options: ExecOptions): ClusterCredentials {
  const answer = parse(output);
  const status = objectOf(answer?.['status']);
  const text = (field: string) =>
    (typeof status?.[field] === 'string' ? (status[field] as string) : undefined) || undefined;
  const token = text('token')?.trim();
  const cert = text('clientCertificateData');
  const key = text('clientKeyData');
  if (token !== undefined) options.maskSecret(token);
  if (key !== undefined) options.maskSecret(key);
  const problem = problemOf(answer, exec, { token, cert, key });
  if (problem !== undefined) {
    throw new NotPermittedError(`The credential plugin '${exec.command}' of ${inSentence(options.where)} ${problem}.`);
  }
  const expiry = Date.parse(text('expirationTimestamp') ?? '');
  return {
    ...(token && { authorization: `Bearer ${token}` }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(Number.isFinite(expiry) && { expiresAt: new Date(expiry) }),
  };
}

function problemOf(
  answer: Record<string, unknown> | undefined,
  exec: ExecConfig,
  { token, cert, key }: { token?: string | undefined; cert?: string | undefined; key?: string | undefined },
): string | undefined {
  if (answer?.['kind'] !== 'ExecCredential') return 'answered with something else than an ExecCredential';
  if (answer['apiVersion'] !== exec.apiVersion) {
    return `answered in API version '${String(answer['apiVersion'])}', but the kubeconfig asks for '${exec.apiVersion}'`;
  }
  if ((cert === undefined) !== (key === undefined)) return 'answered with a certificate or a key, but not both';
  if (token === undefined && cert === undefined) return 'answered without a token or certificate';
  if (token !== undefined && !isBearerToken(token)) return 'answered with a token that is not one word of ASCII';
  return undefined;
}

function parse(output: string): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(output));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

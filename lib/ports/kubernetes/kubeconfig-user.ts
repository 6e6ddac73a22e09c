import { InputError } from '../../errors.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';
import { bearerCredentials } from './access.ts';
import { type ExecConfig, execCredentials } from './exec-credential.ts';
import type { Fields } from './kubeconfig-document.ts';
import { embedded, fileOf } from './kubeconfig-files.ts';
import { isBearerToken, tokenFile } from './token-file.ts';

export interface UserOptions {
  readonly where: string;
  readonly maskSecret: (value: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
  /** What a plugin is told of the cluster. */
  readonly cluster: {
    readonly server: string;
    readonly ca?: string;
    readonly serverName?: string;
    readonly proxyUrl?: string;
    readonly skipTlsVerify: boolean;
    readonly extensions: readonly Fields[];
    readonly raw: Fields;
  };
}

/**
 * What proves who the user is, in client-go's order: a token (its file first), a name and password, else the credential plugin; a
 * client certificate beside any of them. Nothing is read or run before it is asked for, but secrets are masked at once.
 */
export function userCredentials(user: Fields | undefined, options: UserOptions): ClusterAccess['credentials'] {
  if (user === undefined) return async () => ({});
  maskUser(user, options.maskSecret);
  refuseAuthProvider(user);
  const bearer = headerCredentials(user, options);
  const certificate = clientCertificate(user, options);
  return async (request) => ({ ...(await bearer(request)), ...certificate });
}

function headerCredentials(user: Fields, options: UserOptions): ClusterAccess['credentials'] {
  const file = fileOf(user, 'tokenFile', options.folder);
  if (file !== undefined) return bearerCredentials(tokenFile(file, options));
  const token = user.text('token')?.trim();
  if (token !== undefined) {
    if (!isBearerToken(token))
      throw new InputError(`${user.label('token')} is not one word of ASCII, so it is no token.`);
    return async () => ({ authorization: `Bearer ${token}` });
  }
  const username = user.text('username');
  if (username !== undefined) {
    const encoded = Buffer.from(`${username}:${user.text('password') ?? ''}`).toString('base64');
    options.maskSecret(encoded);
    return async () => ({ authorization: `Basic ${encoded}` });
  }
  const exec = user.optionalFields('exec');
  return exec === undefined ? async () => ({}) : execCredentials(execConfig(exec), execOptions(exec, options));
}

function clientCertificate(user: Fields, options: UserOptions): ClusterCredentials {
  const cert = embedded(user, 'client-certificate', options.folder);
  const key = embedded(user, 'client-key', options.folder);
  if (key !== undefined) options.maskSecret(key);
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'client-certificate-data' : 'client-key-data';
    throw new InputError(`${user.label(missing)} is missing: a client certificate and its key go together.`);
  }
  return cert === undefined || key === undefined ? {} : { cert, key };
}

function execConfig(exec: Fields): ExecConfig {
  const args = exec.texts('args');
  return {
    command: exec.required('command'),
    args,
    env: exec.named('env').map((variable) => ({
      name: variable.required('name'),
      value: variable.text('value') ?? '',
    })),
    apiVersion: exec.required('apiVersion'),
    provideClusterInfo: exec.flag('provideClusterInfo'),
    ...textField(exec, 'installHint'),
    ...textField(exec, 'interactiveMode'),
  };
}

function execOptions(exec: Fields, options: UserOptions): Parameters<typeof execCredentials>[1] {
  const { extensions, raw, ...cluster } = options.cluster;
  const extension = extensions.find((candidate) => candidate.text('name') === 'client.authentication.k8s.io/exec');
  const config = extension?.raw('extension');
  return {
    where: options.where,
    label: exec.label(),
    cluster: {
      ...cluster,
      ...(raw.flag('disable-compression') && { disableCompression: true }),
      ...(config !== undefined && config !== null && { config }),
    },
    maskSecret: options.maskSecret,
    environment: options.environment,
    ...(options.folder !== undefined && { folder: options.folder }),
  };
}

function textField<K extends string>(fields: Fields, key: K): { [P in K]?: string } {
  const value = fields.text(key);
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
}

const replacements: Readonly<Record<string, string>> = {
  azure: 'Convert the kubeconfig with `kubelogin convert-kubeconfig`, or use a service account connection.',
  gcp: 'Install gke-gcloud-auth-plugin and fetch the credentials anew with `gcloud container clusters get-credentials`.',
  oidc: 'It needs a person who logs in. Use a service account connection, or a credential plugin (exec).',
};

/** kubectl removed the providers of clouds in 1.26; `oidc` wants a browser. An empty identity would only lead to a 401. */
function refuseAuthProvider(user: Fields): void {
  const name = user.optionalFields('auth-provider')?.text('name');
  if (name === undefined) return;
  const advice = replacements[name] ?? 'Use a service account connection, or a credential plugin (exec).';
  throw new InputError(`${user.label('auth-provider')} '${name}' is not supported. ${advice}`);
}

/** Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation */
export function impersonationOf(user: Fields): ClusterAccess['impersonation'] {
  const as = user.text('as');
  const uid = user.text('as-uid');
  const groups = user.texts('as-groups');
  const extra = user.optionalFields('as-user-extra');
  const extras = Object.fromEntries(
    (extra?.keys() ?? []).map((key) => [
      `Impersonate-Extra-${encodeURIComponent(key.toLowerCase())}`,
      extra?.texts(key) ?? [],
    ]),
  );
  if (as === undefined) {
    if (uid === undefined && groups.length === 0 && extra === undefined) return undefined;
    throw new InputError(`${user.label('as')} is missing: groups, uid and extra are impersonated with a user only.`);
  }
  return {
    'Impersonate-User': as,
    ...(uid !== undefined && { 'Impersonate-Uid': uid }),
    ...(groups.length > 0 && { 'Impersonate-Group': groups }),
    ...extras,
  };
}

/** Settings in a plugin's environment and arguments that are no secret; to mask `production` would blacken the log. */
const harmlessVariable =
  /(^|_)(PROFILE|REGION|CONFIG|FILE|PATH|HOME|DIR|URL|HOST|ENDPOINT|ENDPOINTS|ENVIRONMENT|MODE|METHOD|CLUSTER|SCOPE|(CLIENT|TENANT|SUBSCRIPTION|SERVER|PROJECT|ACCOUNT)_?ID)$/i;
const secretArgument = /secret|password|passwd|token|credential|api-?key|private-?key/i;

function maskUser(user: Fields, maskSecret: (value: string) => void): void {
  for (const key of ['token', 'password', 'client-key-data']) {
    const value = user.text(key);
    if (value !== undefined) maskSecret(value);
  }
  const exec = user.optionalFields('exec');
  for (const variable of exec?.named('env') ?? []) {
    const value = variable.text('value');
    if (value !== undefined && !harmlessVariable.test(variable.text('name') ?? '')) maskSecret(value);
  }
  const args = exec?.texts('args') ?? [];
  args.forEach((argument, index) => {
    if (!argument.startsWith('-') || !secretArgument.test(argument.split('=', 1)[0] ?? '')) return;
    const value = argument.includes('=') ? argument.slice(argument.indexOf('=') + 1) : args[index + 1];
    if (value !== undefined && !value.startsWith('-')) maskSecret(value);
  });
}

/** The variables that a program may see. Nothing else reaches it: a pipeline's environment holds secrets of other steps. */

type Environment = Readonly<Record<string, string | undefined>>;

/** What any program needs to find itself, its user's folder, a proxy and certificate authorities. */
const basics = new Set([
  'PATH',
  'PATHEXT',
  'HOME',
  'USERPROFILE',
  'HOMEDRIVE',
  'HOMEPATH',
  'USER',
  'USERNAME',
  'LOGNAME',
  'TMPDIR',
  'TEMP',
  'TMP',
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'COMSPEC',
  'LANG',
  'LC_ALL',
  'TZ',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]);

/** What git needs to reach a remote repository, for a renderer that reads bases from one. */
const gitPrefixes = ['GIT_', 'SSH_'];

/** The environment reduced to the variables that any program needs. Names are compared without case, as Windows and proxies do. */
export function basicEnvironment(environment: Environment): Record<string, string> {
  return pick(environment, (name) => basics.has(name));
}

/** {@link basicEnvironment} and what git reads. */
export function gitEnvironment(environment: Environment): Record<string, string> {
  return pick(environment, (name) => basics.has(name) || gitPrefixes.some((prefix) => name.startsWith(prefix)));
}

function pick(environment: Environment, accepts: (upperCaseName: string) => boolean): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && accepts(name.toUpperCase())) result[name] = value;
  }
  return result;
}

/**
 * Reads the address of a Git remote: whether two addresses name the same repository, whether it is an Azure Repos one,
 * and how to print it. Pure; nothing here talks to anybody.
 */

export interface RemoteUrl {
  readonly transport: 'http' | 'ssh' | 'file' | 'other';
  /** `https:` or `http:` for the http transport. */
  readonly secure: boolean;
  /** Equal for two addresses of one repository, whatever their transport, user or letter case. */
  readonly key: string;
  /** The address without user, password, query and fragment: fit for a log. */
  readonly display: string;
  /** Of an http address: scheme, host and port. */
  readonly origin?: string;
  /** Decoded, without slashes at the ends. */
  readonly path: string;
}

/** A repository of Azure Repos, as its address names it. Names, not ids. */
export interface AzureRepositoryName {
  readonly project: string;
  readonly repository: string;
}

const SCP_FORM = /^(?:[^/@\s]+@)?([^/:\s]+):(?!\/\/)(.+)$/;

/** Understands `https://`, `http://`, `ssh://`, `user@host:path`, `file://` and plain paths. Never throws. */
export function parseRemoteUrl(text: string): RemoteUrl {
  const url = text.trim();
  const parsed = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? tryParse(url) : undefined;
  if (parsed !== undefined) return fromUrl(parsed);
  const scp = SCP_FORM.exec(url);
  if (scp?.[1] !== undefined && scp[2] !== undefined && !/^[a-z]$/i.test(scp[1])) {
    const path = trimPath(decode(scp[2]));
    return { transport: 'ssh', secure: true, key: hostedKey(scp[1], path), display: `ssh://${scp[1]}/${path}`, path };
  }
  const path = url.replace(/\/+$/, '');
  return { transport: 'file', secure: true, key: `file:${path.replace(/\/\.git$/, '')}`, display: path, path };
}

/** Whether two addresses name one repository. */
export function sameRepository(a: string, b: string): boolean {
  return parseRemoteUrl(a).key === parseRemoteUrl(b).key;
}

/**
 * The project and repository of an address inside the collection `https://dev.azure.com/org/` (or of a server's collection);
 * undefined when the address lies elsewhere. Knows the addresses that Azure DevOps gives out: `dev.azure.com/org/project/_git/repo`,
 * `org.visualstudio.com/[DefaultCollection/]project/_git/repo`, the short form without project where both have one name, and ssh `v3`.
 */
export function azureRepository(remote: string, collectionUrl: string): AzureRepositoryName | undefined {
  const collection = azureKey(collectionPath(collectionUrl));
  const url = parseRemoteUrl(remote);
  const key = url.key;
  const inside = key.startsWith(`${collection}/`) ? url : undefined;
  if (inside === undefined) return undefined;
  const names = namesOf(url, collection.split('/').length);
  return names;
}

/**
 * Whether the collection's token may be shown to this address: the same collection on the same host, never over plain http unless the
 * collection itself is reached so.
 */
export function tokenApplies(remote: string, collectionUrl: string): boolean {
  const url = parseRemoteUrl(remote);
  const collection = parseRemoteUrl(collectionUrl);
  if (url.transport !== 'http' || (!url.secure && collection.secure)) return false;
  return azureRepository(remote, collectionUrl) !== undefined;
}

function namesOf(url: RemoteUrl, collectionDepth: number): AzureRepositoryName | undefined {
  const parts = canonicalPath(url).split('/').slice(collectionDepth);
  const git = parts.indexOf('_git');
  const repository = git === -1 ? parts[1] : parts[git + 1];
  const project = git === 0 ? repository : parts[0];
  if (project === undefined || repository === undefined || project === '' || repository === '') return undefined;
  return { project, repository };
}

function tryParse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

function fromUrl(url: URL): RemoteUrl {
  const path = trimPath(decode(url.pathname));
  if (url.protocol === 'file:') {
    return { transport: 'file', secure: true, key: `file:/${path}`, display: `file:///${path}`, path: `/${path}` };
  }
  const http = url.protocol === 'https:' || url.protocol === 'http:';
  const ssh = url.protocol === 'ssh:' || url.protocol === 'git+ssh:';
  // The default port of a scheme is already gone from `host`; ssh.dev.azure.com is only reached at 22.
  const host = ssh ? url.hostname : url.host;
  return {
    transport: http ? 'http' : ssh ? 'ssh' : 'other',
    secure: url.protocol === 'https:' || ssh,
    key: hostedKey(host, path),
    display: `${url.protocol}//${url.host}/${encodeURI(path)}`,
    ...(http ? { origin: url.origin } : {}),
    path,
  };
}

function hostedKey(host: string, path: string): string {
  return azureKey(canonical(host, path)).replace(/\/_git\//, '/');
}

function azureKey(canonicalText: string): string {
  return canonicalText.toLowerCase();
}

function collectionPath(collectionUrl: string): string {
  const url = parseRemoteUrl(collectionUrl);
  return canonicalPath(url).replace(/\/+$/, '');
}

/** The canonical host and path in the letter case of the address. */
function canonicalPath(url: RemoteUrl): string {
  const host = /^[a-z+]+:\/\/([^/]+)/.exec(url.display)?.[1] ?? '';
  return canonical(url.transport === 'ssh' ? host.replace(/:\d+$/, '') : host, url.path);
}

/** One form for the several addresses of Azure DevOps: `dev.azure.com/org/project/_git/repo`. */
function canonical(host: string, path: string): string {
  const lower = host.toLowerCase();
  const legacy = /^([a-z0-9-]+)\.visualstudio\.com$/.exec(lower);
  if (lower === 'ssh.dev.azure.com' || lower === 'vs-ssh.visualstudio.com') {
    return shortForm(`dev.azure.com/${path.replace(/^v3\//i, '')}`);
  }
  if (legacy?.[1] !== undefined)
    return shortForm(`dev.azure.com/${legacy[1]}/${path.replace(/^DefaultCollection(\/|$)/i, '')}`);
  if (lower === 'dev.azure.com') return shortForm(`dev.azure.com/${path}`);
  return shortForm(`${lower}/${path.replace(/\.git$/i, '')}`);
}

/** `org/_git/repo` stands for `org/repo/_git/repo`. */
function shortForm(text: string): string {
  return text.replace(/\/+$/, '').replace(/^(dev\.azure\.com\/[^/]+)\/_git\/([^/]+)$/i, '$1/$2/_git/$2');
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function trimPath(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** Takes user names and passwords out of every address in a text, and the given secrets wherever they stand. */
export function withoutCredentials(text: string, secrets: readonly string[] = []): string {
  let clean = text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/gi, '$1');
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, '***');
  return clean;
}

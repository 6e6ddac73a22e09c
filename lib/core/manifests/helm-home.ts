import { join } from 'node:path';
import { basicEnvironment, type ProgramResult } from '../../ports/programs/index.ts';
import type { LoadContext, RegistryLogin } from './source.ts';
import { environmentOf, failWith, runTool, toolFailure } from './tools.ts';

/**
 * helm with a home of its own in the temporary folder: no repositories, logins, plugins or caches of the agent's user, and none that
 * stay behind. A password goes to helm's standard input only.
 */
export class HelmHome {
  readonly #context: LoadContext;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #known = new Set<string>();

  constructor(context: LoadContext, home: string) {
    this.#context = context;
    this.#environment = {
      ...basicEnvironment(environmentOf(context)),
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
      HELM_PLUGINS: join(home, 'plugins'),
      HELM_REGISTRY_CONFIG: join(home, 'registry.json'),
      HELM_REPOSITORY_CONFIG: join(home, 'repositories.yaml'),
      HELM_REPOSITORY_CACHE: join(home, 'repositories'),
      HELM_CONTENT_CACHE: join(home, 'content'),
    };
  }

  async run(args: readonly string[], stdin?: string): Promise<ProgramResult> {
    const call = { args, environment: this.#environment };
    return await runTool(this.#context, 'helm', stdin === undefined ? call : { ...call, stdin });
  }

  /** As {@link run}; a failure is an InputError that names what was done and the input. */
  async must(doing: string, input: string, args: readonly string[], stdin?: string): Promise<ProgramResult> {
    const result = await this.run(args, stdin);
    return result.exitCode === 0 ? result : failWith(toolFailure(doing, result, { input, code: 'helm-failed' }));
  }

  /** Makes a chart repository known and returns the name it has here. */
  async addRepository(url: string, input: string): Promise<string> {
    const address = checkRepositoryUrl(url, input);
    const name = `repository-${this.#known.size + 1}`;
    this.#known.add(url);
    const login = this.#loginFor(address.host);
    const credentials = login === undefined ? [] : ['--username', login.username, '--password-stdin'];
    await this.must(
      `Reading the chart repository ${url}`,
      input,
      ['repo', 'add', name, url, ...credentials],
      login?.password,
    );
    return name;
  }

  /** Logs in to the registry of an `oci://` reference when the connection is for it. Returns the flags for reaching it. */
  async prepareRegistry(reference: string): Promise<readonly string[]> {
    const host = registryHost(reference);
    const plain = isLoopback(host) ? ['--plain-http'] : [];
    const login = this.#loginFor(host);
    if (login === undefined || this.#known.has(host)) return plain;
    this.#known.add(host);
    await this.must(
      `Logging in to ${host}`,
      'registryConnection',
      ['registry', 'login', host, '--username', login.username, '--password-stdin', ...plain],
      login.password,
    );
    return plain;
  }

  #loginFor(host: string): RegistryLogin | undefined {
    const login = this.#context.registryLogin;
    if (login === undefined) return undefined;
    this.#context.maskSecret(login.password);
    const server = serverHost(login.server);
    if (sameHost(server, host)) return login;
    this.#context.log(`The registry connection is for ${server}, so it is not used for ${host}.`);
    return undefined;
  }
}

/** The host, with its port, of `oci://host/path`. */
export function registryHost(reference: string): string {
  return reference
    .replace(/^oci:\/\//i, '')
    .replace(/\/.*$/s, '')
    .toLowerCase();
}

/** Only an address of this machine is spoken to without TLS. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host);
}

function checkRepositoryUrl(url: string, input: string): URL {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  const encrypted = address?.protocol === 'https:' || (address?.protocol === 'http:' && isLoopback(address.host));
  if (address === undefined || !encrypted) {
    failWith({
      message: `\`${url}\` is no chart repository: an address that begins with https:// is needed.`,
      input,
      code: 'repository-url',
    });
  }
  if (address.username !== '' || address.password !== '') {
    failWith({
      message: 'The address of the chart repository contains a user or a password. Use `registryConnection` for them.',
      input,
      code: 'repository-url',
    });
  }
  return address;
}

function serverHost(server: string): string {
  return (
    URL.canParse(server) && /^https?:/i.test(server) ? new URL(server).host : server.replace(/\/.*$/s, '')
  ).toLowerCase();
}

/** Docker Hub goes by several names. */
function sameHost(left: string, right: string): boolean {
  const hub = (host: string): string => (/(?:^|\.)docker\.io$/.test(host) ? 'docker.io' : host);
  return hub(left) === hub(right);
}

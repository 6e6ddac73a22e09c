import type { LoadResult } from '../core/manifests/load.ts';
import { InputError } from '../errors.ts';
import type { Agent } from '../ports/agent/agent.ts';
import { networkEnvironment } from '../ports/programs/network-environment.ts';
import type { ActionContext } from './action-result.ts';
import type { SyncOptions } from './options.ts';

/** Renders what Git declares. helm gets to know the cluster as it does when it installs. */
export async function loadDesiredState(
  agent: Agent,
  options: SyncOptions,
  context: ActionContext,
): Promise<LoadResult> {
  const { loadManifests } = await import('../core/manifests/load.ts');
  const { version, apiVersions } = await cluster(context);
  const login = registryLogin(agent, options);
  const network = await networkEnvironment(agent.network, remoteOf(options), agent.tempDirectory);
  try {
    return await loadManifests(
      {
        renderType: options.renderType,
        manifests: options.manifests,
        namespace: context.namespace,
        releaseName: options.releaseName ?? options.syncSet,
        valueFiles: options.valueFiles,
        overrides: options.overrides,
        apiVersions: options.apiVersions,
        substitute: options.substitute,
        decryptSops: options.decryptSops,
        ...given('chartRepository', options.chartRepository),
        ...given('chartVersion', options.chartVersion),
        ...given('chartDigest', options.chartDigest),
        ...given('kubernetesVersion', options.kubernetesVersion),
      },
      {
        workingDirectory: agent.workingDirectory,
        tempDirectory: agent.tempDirectory,
        programs: {
          ...given('helm', options.helmPath),
          ...given('kustomize', options.kustomizePath),
          ...given('sops', options.sopsPath),
        },
        signal: agent.cancelled,
        maskSecret: (value) => agent.maskSecret(value),
        variable: (name) => agent.variable(name),
        log: (line) => agent.log.info(line),
        cluster: { kubernetesVersion: version, apiVersions },
        ...(login && { registryLogin: login }),
        environment: { ...process.env, ...network.variables },
      },
    );
  } finally {
    await network.dispose();
  }
}

/** Where a chart is fetched from; undefined when nothing is, or when it is not known. */
function remoteOf(options: SyncOptions): string | undefined {
  const registry = options.manifests.find((path) => path.startsWith('oci://'));
  return options.chartRepository ?? registry?.replace(/^oci:/, 'https:');
}

async function cluster(context: ActionContext): Promise<{ version: string; apiVersions: readonly string[] }> {
  const [version, catalog] = await Promise.all([context.client.version(), context.client.catalog()]);
  return { version: version.gitVersion, apiVersions: catalog.apiVersions() };
}

/** A Docker registry service connection; its parameters are `registry`, `username` and `password`. */
function registryLogin(agent: Agent, options: SyncOptions) {
  if (options.registryConnection === undefined) return undefined;
  const connection = agent.connection(options.registryConnection);
  const server = connection.parameter('registry') ?? connection.url;
  const username = connection.parameter('username');
  const password = connection.parameter('password');
  if (username === undefined || password === undefined) {
    throw new InputError({
      input: 'registryConnection',
      code: 'input-invalid',
      message: `The registry connection '${connection.name ?? connection.id}' holds no user name and password. Use a Docker registry connection of the type Others, with a user or a token of the registry.`,
    });
  }
  agent.maskSecret(password);
  return { server: hostOf(server), username, password };
}

function hostOf(server: string): string {
  return URL.canParse(server) ? new URL(server).host : server.replace(/\/.*$/, '');
}

function given<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]?: string });
}

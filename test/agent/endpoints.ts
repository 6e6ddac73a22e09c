import { randomUUID } from 'node:crypto';
import { kubeconfigConnection } from './kubeconfig-connection.ts';
import { isSecretParameter } from './masking.ts';
import { connectionTypeOf, findInput, type TaskDefinition } from './task-definition.ts';

/** A service connection, as Azure DevOps keeps it. */
export interface Connection {
  /** A GUID; made up when it is left out. */
  readonly id?: string;
  /** As in `connectedService:<type>`; compared with what the input takes. */
  readonly type?: string;
  readonly url: string;
  /** The authorization's scheme, e.g. `Kubernetes`, `Token`, `WorkloadIdentityFederation`. */
  readonly scheme?: string;
  /** The authorization's parameters; most of them are secrets. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
}

export interface Endpoint extends Connection {
  readonly id: string;
}

/** The connection to Azure DevOps that every job has. */
export interface SystemConnection {
  readonly url: string;
  readonly token: string;
}

const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Gives each connection its id and checks that the input takes it. Keys are inputs' names, as in the result. */
export async function resolveConnections(
  definition: TaskDefinition,
  connections: Readonly<Record<string, Connection | string>>,
): Promise<ReadonlyMap<string, Endpoint>> {
  const endpoints = new Map<string, Endpoint>();
  for (const [name, value] of Object.entries(connections)) {
    const input = findInput(definition, name);
    const takes = input === undefined ? undefined : connectionTypeOf(input);
    if (input === undefined || takes === undefined) {
      throw new Error(
        `A connection is given for "${name}", which is no connectedService input of the task ${definition.name}.`,
      );
    }
    const connection = typeof value === 'string' ? await kubeconfigConnection(value) : value;
    if (connection.type !== undefined && connection.type.toLowerCase() !== takes) {
      throw new Error(`The input "${name}" takes a connection of type "${takes}", not "${connection.type}".`);
    }
    if (connection.id !== undefined && !guid.test(connection.id)) {
      throw new Error(`The id of the connection for "${name}" is no GUID: "${connection.id}".`);
    }
    endpoints.set(input.name, { ...connection, id: (connection.id ?? randomUUID()).toLowerCase() });
  }
  return endpoints;
}

/**
 * The endpoints that the agent passes on: those whose ids stand in `connectedService:*` inputs. A connection whose id stands
 * in a plain input is not passed. An id that nobody gave is refused, as the server refuses the pipeline.
 */
export function endpointsOfInputs(
  definition: TaskDefinition,
  values: ReadonlyMap<string, string>,
  endpoints: Iterable<Endpoint>,
): Endpoint[] {
  const byId = new Map([...endpoints].map((endpoint) => [endpoint.id, endpoint]));
  const found: Endpoint[] = [];
  for (const input of definition.inputs ?? []) {
    if (connectionTypeOf(input) === undefined) continue;
    for (const part of (values.get(input.name) ?? '').split(',')) {
      const id = part.trim().toLowerCase();
      if (id === '') continue;
      const endpoint = byId.get(id);
      if (endpoint === undefined) {
        throw new Error(
          `The input "${input.name}" names the service connection "${part.trim()}", which was not given.`,
        );
      }
      found.push(endpoint);
    }
  }
  return found;
}

/** `.` and space become `_`, upper case (agent: VarUtil.ConvertToEnvVariableFormat). Nothing else is replaced. */
export function environmentName(name: string, preserveCase = false): string {
  const replaced = name.replace(/[. ]/g, '_');
  return preserveCase ? replaced : replaced.toUpperCase();
}

/** The environment of service connections (agent: Handler.AddEndpointsToEnvironment). */
export function endpointEnvironment(endpoints: readonly Endpoint[], system: SystemConnection): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const endpoint of endpoints) {
    addAuthorization(environment, endpoint.id, endpoint);
    // Data goes along for connections with an id only, not for the system connection.
    environment[`ENDPOINT_DATA_${endpoint.id}`] = JSON.stringify(endpoint.data ?? {});
    for (const [name, value] of Object.entries(endpoint.data ?? {})) {
      environment[`ENDPOINT_DATA_${endpoint.id}_${environmentName(name)}`] = value;
    }
  }
  addAuthorization(environment, 'SYSTEMVSSCONNECTION', {
    url: system.url,
    scheme: 'OAuth',
    parameters: { AccessToken: system.token },
  });
  return environment;
}

function addAuthorization(environment: Record<string, string>, key: string, connection: Connection): void {
  const parameters = connection.parameters ?? {};
  environment[`ENDPOINT_URL_${key}`] = normalizeUrl(connection.url);
  environment[`ENDPOINT_AUTH_${key}`] = JSON.stringify({ parameters, scheme: connection.scheme ?? null });
  if (connection.scheme === undefined) return;
  environment[`ENDPOINT_AUTH_SCHEME_${key}`] = connection.scheme;
  for (const [name, value] of Object.entries(parameters)) {
    environment[`ENDPOINT_AUTH_PARAMETER_${key}_${environmentName(name)}`] = value;
  }
}

/** The agent sends a .NET Uri: `https://host:6443` arrives as `https://host:6443/`. */
function normalizeUrl(url: string): string {
  return URL.canParse(url) ? new URL(url).href : url;
}

/** What the agent masks of its connections from the start. */
export function secretParameters(connection: Connection): string[] {
  return Object.entries(connection.parameters ?? {})
    .filter(([name, value]) => value !== '' && isSecretParameter(name))
    .map(([, value]) => value);
}

import { InputError } from '../../errors.ts';
import type { ServiceConnection } from './agent.ts';
import { parameterSecrets } from './secrets.ts';
import { environmentName } from './variables.ts';

/** Where the parts of a service connection lie. Keys arrive in the agent's notation for environment variables. */
export interface ConnectionSource {
  url(id: string): string | undefined;
  scheme(id: string): string | undefined;
  parameter(id: string, key: string): string | undefined;
  /** All parameters under their own names: the JSON of `ENDPOINT_AUTH_<id>`. */
  authorization(id: string): unknown;
  data(id: string, key: string): string | undefined;
  /** All data under their own names: the JSON of `ENDPOINT_DATA_<id>`. */
  allData(id: string): unknown;
}

/**
 * A service connection as the agent passes it. Keys with dots or spaces, which task-lib cannot read, are found as well; every value
 * that may be secret is masked before it is handed out.
 */
export function readConnection(id: string, source: ConnectionSource, mask: (value: string) => void): ServiceConnection {
  // The agent writes ids in lower case; an author may have typed them otherwise, and the names of variables are exact on Linux.
  const spellings = [id, id.toLowerCase()];
  const known =
    spellings.find((spelling) => source.url(spelling) !== undefined) ??
    spellings.find((spelling) => source.scheme(spelling) !== undefined || source.authorization(spelling) !== undefined);
  if (known === undefined) {
    throw new InputError({
      message:
        `The service connection \`${id}\` was not passed to this task. The agent passes only those that an input of the task names, ` +
        'that exist in the project, and that the pipeline is authorized to use (Project settings, Service connections, Security). ' +
        'A connection that is named by a variable must have its value when the run starts.',
      code: 'connection-not-passed',
    });
  }
  const scheme = source.scheme(known) ?? stringOf(source.authorization(known), 'scheme');
  return {
    id: known,
    url: source.url(known) ?? '',
    ...(scheme === undefined ? {} : { scheme }),
    parameter(name) {
      const value =
        source.parameter(known, environmentName(name)) ??
        stringOf(member(source.authorization(known), 'parameters'), name);
      if (value === undefined || value === '') return undefined;
      for (const secret of parameterSecrets(name, value)) mask(secret);
      return value;
    },
    data(name) {
      return source.data(known, environmentName(name)) || stringOf(source.allData(known), name) || undefined;
    },
  };
}

/** A member by its name without regard to case, as .NET's dictionaries of these values compare. */
function member(object: unknown, name: string): unknown {
  if (typeof object !== 'object' || object === null) return undefined;
  return Object.entries(object).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function stringOf(object: unknown, name: string): string | undefined {
  const value = member(object, name);
  return typeof value === 'string' ? value : undefined;
}

/** The source for values that lie in the environment itself, as in a terminal. */
export function connectionsOfEnvironment(env: NodeJS.ProcessEnv): ConnectionSource {
  return {
    url: (id) => env[`ENDPOINT_URL_${id}`],
    scheme: (id) => env[`ENDPOINT_AUTH_SCHEME_${id}`],
    parameter: (id, key) => env[`ENDPOINT_AUTH_PARAMETER_${id}_${key}`],
    authorization: (id) => parsed(env[`ENDPOINT_AUTH_${id}`]),
    data: (id, key) => env[`ENDPOINT_DATA_${id}_${key}`],
    allData: (id) => parsed(env[`ENDPOINT_DATA_${id}`]),
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

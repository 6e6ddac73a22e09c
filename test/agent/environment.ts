import path from 'node:path';
import { type Endpoint, endpointEnvironment, environmentName, type SystemConnection } from './endpoints.ts';
import type { Variables } from './variables.ts';

export interface SecureFile {
  readonly id: string;
  readonly name: string;
  readonly ticket: string;
}

export interface EnvironmentOptions {
  readonly agentEnvironment: Readonly<Record<string, string>>;
  readonly inputs: ReadonlyMap<string, string>;
  readonly endpoints: readonly Endpoint[];
  readonly systemConnection: SystemConnection;
  readonly secureFiles: readonly SecureFile[];
  readonly variables: Variables;
  readonly taskVariables: Variables;
  /** Folders that earlier steps put on the PATH, oldest first. */
  readonly prependPath: readonly string[];
}

/** The whole environment of the task's process (agent: Handler.cs; `TF_BUILD` by ProcessInvoker.cs). */
export function taskEnvironment(options: EnvironmentOptions): Record<string, string> {
  const environment: Record<string, string> = { ...options.agentEnvironment };
  addVariables(environment, options.variables);
  for (const [name, value] of options.inputs) environment[`INPUT_${environmentName(name)}`] = value;
  Object.assign(environment, endpointEnvironment(options.endpoints, options.systemConnection));
  for (const file of options.secureFiles) {
    environment[`SECUREFILE_NAME_${file.id}`] = file.name;
    environment[`SECUREFILE_TICKET_${file.id}`] = file.ticket;
  }
  for (const variable of options.taskVariables.all()) {
    environment[`VSTS_TASKVARIABLE_${environmentName(variable.name, variable.preserveCase)}`] = variable.value;
  }
  if (options.prependPath.length > 0) {
    const original = options.variables.get('PATH') ?? environment['PATH'] ?? '';
    environment['PATH'] = [...options.prependPath.toReversed(), original].join(path.delimiter);
  }
  environment['TF_BUILD'] = 'True';
  return environment;
}

function addVariables(environment: Record<string, string>, variables: Variables): void {
  const all = variables.all();
  const open = all.filter((variable) => !variable.secret);
  const secret = all.filter((variable) => variable.secret);
  for (const variable of open) {
    // The agent sets this one under its raw name too.
    if (variable.name.toLowerCase() === 'agent.jobstatus') environment[variable.name] = variable.value;
    environment[environmentName(variable.name, variable.preserveCase)] = variable.value;
  }
  for (const variable of secret) {
    environment[`SECRET_${environmentName(variable.name, variable.preserveCase)}`] = variable.value;
  }
  environment['VSTS_PUBLIC_VARIABLES'] = JSON.stringify(open.map((variable) => variable.name));
  environment['VSTS_SECRET_VARIABLES'] = JSON.stringify(secret.map((variable) => variable.name));
}

/** A clean environment of an agent that was just started: nothing of the developer's shell but the PATH. */
export function cleanAgentEnvironment(options: {
  readonly home: string;
  readonly systemTemp: string;
  readonly processLookupId: string;
}): Record<string, string> {
  const searchPath = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    // What npm adds while it runs a script would hide that a task needs a development tool.
    .filter((folder) => !/[\\/]node_modules[\\/]|node-gyp-bin/.test(folder))
    .join(path.delimiter);
  return {
    PATH: searchPath,
    HOME: options.home,
    USER: 'agent',
    LANG: 'C.UTF-8',
    TMPDIR: options.systemTemp,
    // The agent marks all processes of a job by this, to find those that outlive it.
    VSTS_PROCESS_LOOKUP_ID: options.processLookupId,
  };
}

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Agent, SystemConnection, TaskResult } from './agent.ts';
import { type AgentSession, type SessionParts, worse } from './agent-session.ts';
import { attachmentName, type CommandName, formatCommand } from './command.ts';
import { type ConnectionSource, connectionsOfEnvironment, readConnection } from './connection.ts';
import { readHost } from './host.ts';
import { readNetworkSettings } from './network.ts';
import { createPipelinesLog } from './pipelines-log.ts';
import { parameterSecrets } from './secrets.ts';
import type { Variables } from './variables.ts';

type TaskLib = typeof import('azure-pipelines-task-lib/task.js');

const QUIET = 'DISTRIBUTEDTASK_TASKS_NODE_SKIPDEBUGLOGSWHENDEBUGMODEOFF';

/**
 * Loads azure-pipelines-task-lib. At import it moves inputs, secrets and authorizations out of the environment into its vault, so this
 * has to happen before the first child process is started; it prints debug lines, so it has to happen before stdout is guarded.
 */
export async function loadTaskLib(): Promise<TaskLib> {
  const quietAlready = process.env[QUIET];
  process.env[QUIET] = quietAlready ?? 'true';
  const exceptionListeners = process.listeners('uncaughtException');
  const rejectionListeners = process.listeners('unhandledRejection');
  const { default: taskLib } = await import('azure-pipelines-task-lib/task.js');
  if (quietAlready === undefined) delete process.env[QUIET];
  // Its own listeners would report an error a second time, with `setResult`.
  for (const listener of process.listeners('uncaughtException')) {
    if (!exceptionListeners.includes(listener)) process.off('uncaughtException', listener);
  }
  for (const listener of process.listeners('unhandledRejection')) {
    if (!rejectionListeners.includes(listener)) process.off('unhandledRejection', listener);
  }
  // It would print every value that is read from it, secrets of connections included. Our log says what matters.
  taskLib.setStdStream({ write: () => true } as unknown as NodeJS.WriteStream);
  return taskLib;
}

/** The agent of Azure Pipelines, in builds and in classic releases. */
export function createAzurePipelinesAgent(
  taskLib: TaskLib,
  { output, secrets, cancellation }: SessionParts,
): AgentSession {
  const variables = variablesOfTaskLib(taskLib);
  const host = readHost(variables);
  const workingDirectory = variables.get('System.DefaultWorkingDirectory') ?? process.cwd();
  const log = createPipelinesLog({
    output,
    debug: variables.get('System.Debug')?.toLowerCase() === 'true',
    sourceRoot: host.type === 'build' ? workingDirectory : undefined,
  });
  const command = (name: CommandName, properties: Record<string, string | number | undefined>, data: string): void =>
    output.obeyed(formatCommand(name, properties, data));

  // The agent masks these itself, but only in whole lines as they are; ours have to be masked before a long line is cut.
  for (const variable of taskLib.getVariables()) if (variable.secret) secrets.add(variable.value ?? '');
  const maskSecret = (value: string): void => {
    for (const form of secrets.add(value)) command('task.setsecret', {}, form);
  };

  const network = readNetworkSettings(variables, process.env);
  for (const secret of network.secrets) maskSecret(secret);
  for (const warning of network.warnings) log.warning(warning);

  const connections = connectionsOfTaskLib(taskLib);
  let worst: TaskResult | undefined;

  const agent: Agent = {
    host,
    log,
    cancelled: cancellation.signal,
    workingDirectory,
    tempDirectory: variables.get('Agent.TempDirectory') ?? tmpdir(),
    network: network.settings,
    input: (name) => taskLib.getInput(name)?.trim() || undefined,
    variable: (name) => variables.get(name),
    connection: (id) => readConnection(id, connections, maskSecret),
    systemConnection: () => readSystemConnection(taskLib, connections, maskSecret),
    maskSecret,
    // The task's declared output variables make a plain setvariable an output; see `outputVariables` in task.json.
    setOutput: (name, value) => command('task.setvariable', { variable: name }, value),
    attach(type, name, file) {
      if (fileIsThere(file)) {
        command('task.addattachment', { type: attachmentName(type), name: attachmentName(name) }, file);
      }
    },
    addSummary(file) {
      if (fileIsThere(file)) command('task.uploadsummary', {}, file);
    },
    publishTestResults(file, runTitle) {
      if (file.includes(',')) {
        log.warning(
          `The test results in ${file} are not published: the agent takes a comma in a path as the end of it.`,
        );
      } else if (fileIsThere(file)) {
        const properties = {
          type: 'JUnit',
          resultFiles: file,
          runTitle: output.harmless(runTitle),
          testRunSystem: 'VSTSTask',
        };
        command('results.publish', properties, '');
      }
    },
    progress(percent, text) {
      const value = Math.min(100, Math.max(0, Math.round(percent)));
      command('task.setprogress', { value: String(value) }, output.harmless(text).replaceAll('\n', ' '));
    },
    complete(result, message) {
      worst = worse(worst, result);
      command('task.complete', { result: worst }, output.harmless(message));
    },
  };

  /** A command for a file that is not there makes the agent fail the step. */
  function fileIsThere(file: string): boolean {
    if (existsSync(file)) return true;
    log.warning(`The file ${file} was to be uploaded and is gone.`);
    return false;
  }

  return {
    agent,
    async finish() {
      log.finish();
      await output.flush();
      // Whatever came out: the agent takes any other code as a failure of its own (`requireExitCodeZero`).
      return 0;
    },
  };
}

function variablesOfTaskLib(taskLib: TaskLib): Variables {
  return {
    get: (name) =>
      // A variable set with preserveCase keeps its letters in the environment.
      taskLib.getVariable(name) || process.env[name.replace(/[. ]/g, '_')] || undefined,
    names: () => taskLib.getVariables().map(({ name }) => name),
  };
}

function connectionsOfTaskLib(taskLib: TaskLib): ConnectionSource {
  return {
    // Url and data stay in the environment; task-lib would print the data in a debug line.
    ...connectionsOfEnvironment(process.env),
    scheme: (id) => taskLib.getEndpointAuthorizationScheme(id, true),
    parameter: (id, key) => taskLib.getEndpointAuthorizationParameter(id, key, true),
    authorization(id) {
      try {
        return taskLib.getEndpointAuthorization(id, true);
      } catch {
        // Its message would repeat the whole authorization.
        return undefined;
      }
    },
  };
}

/**
 * Azure DevOps itself. Its endpoint reaches every task in builds and releases; the variable System.AccessToken only jobs that allow
 * scripts to use the token, so it is not looked at.
 */
function readSystemConnection(
  taskLib: TaskLib,
  connections: ConnectionSource,
  mask: (value: string) => void,
): SystemConnection | undefined {
  const id = 'SYSTEMVSSCONNECTION';
  const accessToken = connections.parameter(id, 'ACCESSTOKEN');
  if (!accessToken) return undefined;
  for (const secret of parameterSecrets('accesstoken', accessToken)) mask(secret);
  return { url: connections.url(id) ?? taskLib.getVariable('System.CollectionUri') ?? '', accessToken };
}

import type { AgentSession } from './agent-session.ts';
import { createAzurePipelinesAgent, loadTaskLib } from './azure-pipelines.ts';
import { type Cancellation, gracePeriod } from './cancellation.ts';
import { guardOutput } from './output.ts';
import { SecretRegistry } from './secrets.ts';
import { createTerminalAgent, parseTerminalArguments } from './terminal.ts';
import { variablesOfEnvironment } from './variables.ts';

/**
 * The agent of this process. From here on everything that the process prints is filtered.
 *
 * @param argv Arguments after the script, only used in a terminal. Throws InputError when they cannot be understood.
 */
export async function createAgent(
  cancellation: Cancellation,
  env: NodeJS.ProcessEnv = process.env,
  argv: readonly string[] = process.argv.slice(2),
): Promise<AgentSession> {
  const secrets = new SecretRegistry();
  if (runsInAzurePipelines(env)) {
    const taskLib = await loadTaskLib();
    const output = guardOutput(secrets);
    return createAzurePipelinesAgent(taskLib, { output, secrets, cancellation });
  }
  const output = guardOutput(secrets);
  return createTerminalAgent(env, parseTerminalArguments(argv), { output, secrets, cancellation });
}

/** The agent sets TF_BUILD for every process; variables of its own tell it from a shell in which somebody has set that too. */
export function runsInAzurePipelines(env: NodeJS.ProcessEnv): boolean {
  if (env['TF_BUILD']?.toLowerCase() !== 'true') return false;
  return Object.keys(env).some((name) => /^AGENT_/i.test(name));
}

/** The time between a cancellation and the kill, as this pipeline has set it. */
export function gracePeriodOf(env: NodeJS.ProcessEnv): ReturnType<typeof gracePeriod> {
  const variables = variablesOfEnvironment(env);
  return gracePeriod((name) => variables.get(name));
}

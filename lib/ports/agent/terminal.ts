import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError, messageOf } from '../../errors.ts';
import type { Agent, TaskResult } from './agent.ts';
import { type AgentSession, type SessionParts, worse } from './agent-session.ts';
import { connectionsOfEnvironment, readConnection } from './connection.ts';
import { readNetworkSettings } from './network.ts';
import { createTerminalLog, wantsColours } from './terminal-log.ts';
import { environmentName, variablesOfEnvironment } from './variables.ts';

export interface TerminalOptions {
  /** Input values by lower-case name. */
  readonly inputs: ReadonlyMap<string, string>;
  readonly workingDirectory: string;
  readonly debug: boolean;
}

/** `--input name=value` (as often as needed), `--workdir DIR`, `--debug`. Throws InputError on anything else. */
export function parseTerminalArguments(argv: readonly string[]): TerminalOptions {
  let values: { input?: string[]; workdir?: string; debug?: boolean };
  try {
    values = parseArgs({
      args: [...argv],
      options: {
        input: { type: 'string', multiple: true },
        workdir: { type: 'string' },
        debug: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new InputError(`${messageOf(error)} Usage: [--input name=value ...] [--workdir DIR] [--debug]`);
  }
  const inputs = new Map<string, string>();
  for (const entry of values.input ?? []) {
    const at = entry.indexOf('=');
    if (at <= 0) throw new InputError(`\`--input ${entry}\` is not of the form \`--input name=value\`.`);
    inputs.set(entry.slice(0, at).trim().toLowerCase(), entry.slice(at + 1));
  }
  return { inputs, workingDirectory: resolve(values.workdir ?? '.'), debug: values.debug ?? false };
}

/**
 * A laptop instead of an agent: inputs from the command line or from `INPUT_` variables, results and files told in words. Service
 * connections can be given as the agent's own `ENDPOINT_` variables.
 */
export function createTerminalAgent(
  env: NodeJS.ProcessEnv,
  options: TerminalOptions,
  { output, secrets, cancellation }: SessionParts,
): AgentSession {
  const variables = variablesOfEnvironment(env);
  const log = createTerminalLog({
    output,
    debug: options.debug || variables.get('System.Debug')?.toLowerCase() === 'true',
    colours: wantsColours(env, process.stdout.isTTY === true),
  });
  const maskSecret = (value: string): void => {
    secrets.add(value);
  };
  const network = readNetworkSettings(variables, env);
  for (const secret of network.secrets) maskSecret(secret);
  for (const warning of network.warnings) log.warning(warning);

  const read = new Set<string>();
  let worst: TaskResult | undefined;
  let tempDirectory: string | undefined;
  const agent: Agent = {
    host: { type: 'terminal' },
    log,
    cancelled: cancellation.signal,
    workingDirectory: options.workingDirectory,
    get tempDirectory() {
      // Made when it is first needed, and not removed at the end: reports are left in it for the user to look at.
      tempDirectory ??= mkdtempSync(join(realpathSync(tmpdir()), 'gitops-'));
      return tempDirectory;
    },
    network: network.settings,
    input(name) {
      read.add(name.toLowerCase());
      const given = options.inputs.get(name.toLowerCase()) ?? env[`INPUT_${environmentName(name)}`];
      return given?.trim() || undefined;
    },
    variable: (name) => variables.get(name),
    connection: (id) => readConnection(id, connectionsOfEnvironment(env), maskSecret),
    systemConnection: () => undefined,
    maskSecret,
    setOutput: (name, value) => log.info(`output ${name} = ${value}`),
    attach: (type, name, file) => log.info(`attachment ${type}/${name}: ${file}`),
    addSummary: (file) => log.info(`summary: ${file}`),
    publishTestResults: (file, runTitle) => log.info(`test results "${runTitle}": ${file}`),
    progress: (percent, text) => log.debug(`${Math.round(percent)} % ${text}`),
    complete(result, message) {
      worst = worse(worst, result);
      log.section(message === '' ? worst : `${worst}: ${message}`);
    },
  };
  return {
    agent,
    async finish() {
      const unknown = [...options.inputs.keys()].filter((name) => !read.has(name));
      if (unknown.length > 0 && read.size > 0) {
        log.warning(
          `The task has not read these inputs: ${unknown.join(', ')}. Are they spelled as in the documentation?`,
        );
      }
      await output.flush();
      if (worst === 'Failed') return 1;
      // As shells report a program that was ended by Ctrl+C.
      return cancellation.signal.aborted ? 130 : 0;
    },
  };
}

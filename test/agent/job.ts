import { randomUUID } from 'node:crypto';
import { mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Endpoint, endpointsOfInputs, resolveConnections, secretParameters } from './endpoints.ts';
import { cleanAgentEnvironment, taskEnvironment } from './environment.ts';
import { chooseHandler, type HandlerChoice } from './handler-choice.ts';
import { type HostSetup, setUpHost } from './host-setup.ts';
import { type ResolvedInputs, resolveInputs } from './inputs.ts';
import { connectionSecrets, type KnownSecret, systemSecrets } from './known-secrets.ts';
import { SecretMasker, secretVariableForms } from './masking.ts';
import { nodeProgram } from './node-runtimes.ts';
import type { RunOptions } from './options.ts';
import type { RunFolder } from './run-folder.ts';
import { Step } from './step.ts';
import { findInput, type TaskDefinition } from './task-definition.ts';
import { Variables } from './variables.ts';

/** Everything that is known before the task's process starts. */
export interface Job {
  readonly options: RunOptions;
  readonly definition: TaskDefinition;
  readonly folder: RunFolder;
  readonly setup: HostSetup;
  readonly handler: HandlerChoice;
  readonly program: string;
  readonly inputs: ResolvedInputs;
  readonly endpoints: readonly Endpoint[];
  readonly knownSecrets: readonly KnownSecret[];
  readonly agentEnvironment: Readonly<Record<string, string>>;
  readonly lookupId: string;
  readonly step: Step;
  readonly outputDirectory: string;
}

export async function prepareJob(options: RunOptions, definition: TaskDefinition, folder: RunFolder): Promise<Job> {
  const setup = await setUpHost(options, folder);
  if (!(await stat(setup.workingDirectory).catch(() => undefined))?.isDirectory()) {
    throw new Error(`The working directory ${setup.workingDirectory} is no folder.`);
  }
  const node = options.node ?? '20';
  const handler = chooseHandler(definition.execution, { useNode24WithHandlerData: node === '24' });
  if (node === '24' && handler.folder !== 'node24') {
    throw new Error(`The task has no Node24 handler, so an agent runs it on Node 20 whatever its settings.`);
  }
  const lookupId = `vsts_${randomUUID()}`;
  const agentEnvironment = {
    ...cleanAgentEnvironment({ home: folder.home, systemTemp: folder.systemTemp, processLookupId: lookupId }),
    ...options.environment,
  };
  const connections = await resolveConnections(definition, options.connections ?? {});
  const inputs = resolveInputs({
    definition,
    given: { ...connectionInputs(options, connections), ...options.inputs },
    variables: setup.variables,
    agentEnvironment,
    pathRoot: setup.pathRoot,
  });
  const endpoints = endpointsOfInputs(definition, inputs.values, connections.values());
  const program = nodeProgram(handler.folder, node);
  const outputDirectory = path.resolve(options.outputDirectory ?? (await mkdtemp(path.join(tmpdir(), 'task-run-'))));
  const step = new Step({
    host: options.host ?? 'build',
    variables: setup.variables,
    masker: createMasker(setup, connections, options),
    restrictions: definition.restrictions,
    outputs: (definition.outputVariables ?? []).map((variable) => variable.name),
    referenceName: options.referenceName ?? definition.name,
    repositoryPath: setup.repositoryPath,
    uploadFolder: outputDirectory,
    ...(options.onLog === undefined ? {} : { onLog: options.onLog }),
  });
  return {
    options,
    definition,
    folder,
    setup,
    handler,
    program,
    inputs,
    endpoints,
    knownSecrets: secretsOf(setup, connections, options),
    agentEnvironment,
    lookupId,
    step,
    outputDirectory,
  };
}

/** A connection and a secure file are given to their input by id, unless the input is given itself. */
function connectionInputs(options: RunOptions, connections: ReadonlyMap<string, Endpoint>): Record<string, string> {
  const ids = [
    ...[...connections].map(([name, endpoint]) => [name, endpoint.id] as const),
    ...Object.entries(options.secureFiles ?? {}).map(([name, file]) => [name, file.id] as const),
  ];
  const given = new Set(Object.keys(options.inputs ?? {}).map((name) => name.toLowerCase()));
  return Object.fromEntries(ids.filter(([name]) => !given.has(name.toLowerCase())));
}

function createMasker(setup: HostSetup, connections: ReadonlyMap<string, Endpoint>, options: RunOptions): SecretMasker {
  const masker = new SecretMasker();
  for (const variable of setup.variables.all()) {
    if (variable.secret) for (const form of secretVariableForms(variable.value)) masker.add(form);
  }
  for (const endpoint of connections.values()) {
    for (const value of secretParameters(endpoint)) masker.add(value);
  }
  for (const file of Object.values(options.secureFiles ?? {})) masker.add(file.ticket);
  masker.add(setup.systemConnection.token);
  return masker;
}

function secretsOf(setup: HostSetup, connections: ReadonlyMap<string, Endpoint>, options: RunOptions): KnownSecret[] {
  return [
    ...setup.variables
      .all()
      .filter((variable) => variable.secret)
      .map(({ name, value }) => ({ origin: `the secret variable ${name}`, value })),
    ...[...connections].flatMap(([name, endpoint]) => connectionSecrets(name, endpoint)),
    ...Object.values(options.secureFiles ?? {}).map((file) => ({
      origin: `the ticket of the secure file "${file.name}"`,
      value: file.ticket,
    })),
    ...systemSecrets(setup.systemConnection),
    ...(options.sensitiveValues ?? []).map((value, index) => ({
      origin: `the sensitive value ${index + 1} of the test`,
      value,
    })),
  ];
}

/** The whole environment of the task's process. */
export function environmentOf(job: Job): Record<string, string> {
  const { options, setup } = job;
  const taskVariables = new Variables();
  for (const [name, value] of Object.entries(options.taskVariables ?? {})) taskVariables.set(name, value);
  const secureFiles = Object.entries(options.secureFiles ?? {}).filter(
    ([name]) => findInput(job.definition, name)?.type.toLowerCase() === 'securefile',
  );
  return taskEnvironment({
    agentEnvironment: job.agentEnvironment,
    inputs: job.inputs.values,
    endpoints: job.endpoints,
    systemConnection: setup.systemConnection,
    secureFiles: secureFiles.map(([, file]) => file),
    variables: setup.variables,
    taskVariables,
    prependPath: options.prependPath ?? [],
  });
}

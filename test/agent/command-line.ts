import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Connection, type HostType, nodeVersions, type RuleName, type RunOptions, rules } from './index.ts';

export const usage = `Usage: npm run task -- <task> [options]

Runs a task of the packed extension as an Azure Pipelines agent does.

What is run
  <task>                        the task's name, e.g. GitOpsSync
  --vsix FILE                   default: GITOPS_TEST_VSIX, else the newest in dist
  --task-folder DIR             a built task's folder instead of a task of the VSIX
  --input NAME=VALUE            an input, by name or alias; may be repeated
  --inputs FILE                 inputs as JSON {name: value}; --input wins
  --connections FILE            JSON {input: {id, type, url, scheme, parameters, data}}, or {input: "path of a kubeconfig"}
  --connection INPUT=FILE       a Kubernetes connection made of a kubeconfig; may be repeated
  --variable NAME=VALUE         a pipeline variable; may be repeated
  --secret-variable NAME=VALUE  a secret one; may be repeated
  --env NAME=VALUE              the agent's own environment, e.g. PATH; may be repeated

Where it runs
  --host build|release|deployment   default: build
  --node ${nodeVersions.join('|')}         default: 20
  --workdir DIR                 System.DefaultWorkingDirectory; default: an empty folder
  --system-connection FILE      JSON {url, token} of the Azure DevOps server
  --debug                       System.Debug
  --cancel-after MS             cancel as a user does
  --cancel-on TEXT              cancel when the log shows the text
  --timeout MS                  default: 10 minutes

What is judged
  --fixture-marker TEXT         text inside markers of the test's data; may be repeated
  --sensitive TEXT              a value that must not be shown; may be repeated
  --allow-leftover GLOB         a file that may stay in the temp folder; may be repeated
  --without RULE                takes a rule out; may be repeated

What comes out
  --result FILE                 the run as JSON
  --output-dir DIR              copies of uploaded files, and the agent's folder; default: beside the result

Exit code: 0 succeeded, 1 failed, 2 could not be run, 3 broke a rule of the harness.
`;

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CommandLine {
  readonly options: RunOptions;
  readonly resultFile?: string;
  readonly help: boolean;
}

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true, default: [] as string[] } as const;
const flag = { type: 'boolean', default: false } as const;

const flags = {
  vsix: text,
  'task-folder': text,
  input: list,
  inputs: text,
  connections: text,
  connection: list,
  variable: list,
  'secret-variable': list,
  env: list,
  host: text,
  node: text,
  workdir: text,
  'system-connection': text,
  debug: flag,
  'cancel-after': text,
  'cancel-on': text,
  timeout: text,
  'fixture-marker': list,
  sensitive: list,
  'allow-leftover': list,
  without: list,
  result: text,
  'output-dir': text,
  help: { ...flag, short: 'h' },
} as const;

/** Reads flags and the files they name. Throws UsageError with what to write instead. */
export async function readCommandLine(args: readonly string[]): Promise<CommandLine> {
  const { values, positionals } = parse(args);
  const [task, ...more] = positionals;
  if (more.length > 0)
    throw new UsageError(`One task at a time: "${more.join(' ')}" is too much. Is a value not quoted?`);
  if (!values.help && task === undefined && values['task-folder'] === undefined) {
    throw new UsageError('Name the task to run, e.g. GitOpsSync.');
  }
  const resultFile = values.result;
  const outputDirectory =
    values['output-dir'] ?? (resultFile === undefined ? undefined : `${resultFile.replace(/\.json$/i, '')}-files`);
  const options = given<RunOptions>({
    task,
    vsix: values.vsix,
    taskFolder: values['task-folder'],
    inputs: { ...(await readInputs(values.inputs)), ...pairs('--input', values.input) },
    connections: { ...(await readConnections(values.connections)), ...pairs('--connection', values.connection) },
    variables: pairs('--variable', values.variable),
    secretVariables: pairs('--secret-variable', values['secret-variable']),
    environment: pairs('--env', values.env),
    host: oneOf<HostType>('--host', values.host, ['build', 'release', 'deployment']),
    node: oneOf('--node', values.node, nodeVersions),
    workdir: values.workdir,
    systemConnection: await readSystemConnection(values['system-connection']),
    debug: values.debug,
    cancelAfter: milliseconds('--cancel-after', values['cancel-after']),
    cancelOn: values['cancel-on'],
    timeoutMs: milliseconds('--timeout', values.timeout),
    fixtureMarkers: values['fixture-marker'],
    sensitiveValues: values.sensitive,
    allowLeftovers: values['allow-leftover'],
    without: values.without.map((name) => ruleName(name)),
    outputDirectory,
    // Whoever reads the result may follow the paths in it.
    keepAgentFolder: outputDirectory === undefined ? undefined : true,
  });
  return { options, help: values.help, ...(resultFile === undefined ? {} : { resultFile }) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Leaves out what was not given, so that defaults apply. */
function given<T extends object>(values: { [K in keyof T]?: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function pairs(name: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf('=');
      if (equals <= 0) throw new UsageError(`${name} takes NAME=VALUE, not "${value}".`);
      return [value.slice(0, equals), value.slice(equals + 1)];
    }),
  );
}

function oneOf<T extends string>(name: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  const found = allowed.find((candidate) => candidate === value);
  if (value !== undefined && found === undefined) {
    throw new UsageError(`${name} takes ${allowed.join(', ')}, not "${value}".`);
  }
  return found;
}

function milliseconds(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new UsageError(`${name} takes a number of milliseconds, not "${value}".`);
  return Number(value);
}

function ruleName(name: string): RuleName {
  const known = rules.map((rule) => rule.name);
  if (!known.includes(name)) throw new UsageError(`--without takes ${known.join(', ')}, not "${name}".`);
  return name as RuleName;
}

async function readInputs(file: string | undefined): Promise<Record<string, string>> {
  const values = file === undefined ? {} : await readObject('--inputs', file);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') {
        throw new UsageError(`--inputs ${file}: the input "${name}" is no text, number or boolean.`);
      }
      return [name, String(value)];
    }),
  );
}

async function readConnections(file: string | undefined): Promise<Record<string, Connection | string>> {
  if (file === undefined) return {};
  const connections: Record<string, Connection | string> = {};
  for (const [name, value] of Object.entries(await readObject('--connections', file))) {
    if (typeof value === 'string') {
      // As a user expects of a path in a file: relative to that file.
      connections[name] = path.resolve(path.dirname(file), value);
    } else {
      connections[name] = checkConnection(`--connections ${file}: "${name}"`, value);
    }
  }
  return connections;
}

const connectionFields = ['id', 'type', 'url', 'scheme', 'parameters', 'data'];

function checkConnection(where: string, value: unknown): Connection {
  if (!isObject(value) || typeof value['url'] !== 'string') {
    throw new UsageError(`${where} is neither a connection with a "url" nor the path of a kubeconfig.`);
  }
  const unknown = Object.keys(value).filter((field) => !connectionFields.includes(field));
  if (unknown.length > 0)
    throw new UsageError(`${where} has "${unknown[0]}"; a connection has ${connectionFields.join(', ')}.`);
  for (const field of ['id', 'type', 'scheme']) {
    if (value[field] !== undefined && typeof value[field] !== 'string')
      throw new UsageError(`${where}: "${field}" is no text.`);
  }
  for (const field of ['parameters', 'data']) {
    const map = value[field];
    if (map === undefined) continue;
    if (!isObject(map) || Object.values(map).some((entry) => typeof entry !== 'string')) {
      throw new UsageError(`${where}: "${field}" is no object whose values are text.`);
    }
  }
  return value as unknown as Connection;
}

async function readSystemConnection(file: string | undefined): Promise<{ url: string; token: string } | undefined> {
  if (file === undefined) return undefined;
  const { url, token } = await readObject('--system-connection', file);
  if (typeof url !== 'string' || !URL.canParse(url) || typeof token !== 'string') {
    throw new UsageError(`--system-connection ${file} needs a "url" and a "token".`);
  }
  return { url, token };
}

async function readObject(name: string, file: string): Promise<Record<string, unknown>> {
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${name} ${file} cannot be read.`, { cause: error });
  });
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new UsageError(`${name} ${file} is no JSON: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
  if (!isObject(value)) throw new UsageError(`${name} ${file} is no JSON object.`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { devNull } from 'node:os';
import { CancelledError, InputError } from '../../errors.ts';
import { basicEnvironment, MissingProgramError, runProgram } from '../programs/index.ts';

/** One entry of Git's configuration, given for one command only. */
export type GitConfig = readonly [key: string, value: string];

export interface GitCommand {
  readonly args: readonly string[];
  readonly cwd: string;
  /**
   * Configuration that may hold secrets. It travels in the environment (GIT_CONFIG_COUNT, Git 2.31), never in the arguments, which every
   * user of the machine can read.
   */
  readonly config?: readonly GitConfig[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds; the command is killed after it. Default: 60 s. */
  readonly timeout?: number;
}

export interface GitResult {
  /** -1 when the command was killed because it took too long. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * What makes Git run a program or leave the machine because the repository's own configuration says so is switched off: whoever prepared
 * the checkout does not get to run code in the deployment.
 */
const HARDENED: readonly GitConfig[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', devNull],
  ['core.askPass', ''],
  ['core.pager', 'cat'],
  ['core.commitGraph', 'false'],
  ['log.showSignature', 'false'],
  ['submodule.recurse', 'false'],
  ['status.submoduleSummary', 'false'],
  ['maintenance.auto', 'false'],
  ['gc.auto', '0'],
  ['protocol.ext.allow', 'never'],
];

/** Variables of the agent that its owner set for Git's network and user; any other `GIT_` variable would change what we ask. */
const KEPT_VARIABLES = [
  'SSH_AUTH_SOCK',
  'SSH_AGENT_PID',
  'XDG_CONFIG_HOME',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'GIT_EXEC_PATH',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
];

/** The environment of every Git command. Exported for its tests. */
export function gitEnvironment(
  from: Readonly<Record<string, string | undefined>>,
  config: readonly GitConfig[] = [],
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const environment = basicEnvironment(from);
  for (const name of KEPT_VARIABLES) {
    const value = from[name];
    if (value !== undefined) environment[name] = value;
  }
  const entries = [...HARDENED, ...config];
  for (const [index, [key, value]] of entries.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return {
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    ...environment,
    GIT_CONFIG_COUNT: String(entries.length),
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GCM_INTERACTIVE: 'never',
    GIT_PAGER: 'cat',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_LITERAL_PATHSPECS: '1',
    // Replacement objects and grafts are local files that change what history looks like.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: devNull,
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
    LC_ALL: 'C',
    ...more,
  };
}

/** Runs git without a shell and answers whatever its exit code; throws CancelledError when the signal aborts, InputError when there is no git. */
export async function runGit(command: GitCommand): Promise<GitResult> {
  const tooLong = AbortSignal.timeout(command.timeout ?? 60_000);
  const signals = command.signal === undefined ? [tooLong] : [command.signal, tooLong];
  try {
    const { exitCode, stdout, stderr } = await runProgram({
      program: 'git',
      args: command.args,
      cwd: command.cwd,
      environment: gitEnvironment(process.env, command.config, command.environment),
      signal: AbortSignal.any(signals),
      ...(command.stdin === undefined ? {} : { stdin: command.stdin }),
      missing: { install: 'from https://git-scm.com, or by the package manager of the agent', input: 'PATH' },
    });
    return { code: exitCode ?? -1, stdout, stderr };
  } catch (error) {
    const ranOut = error instanceof CancelledError && tooLong.aborted && command.signal?.aborted !== true;
    if (ranOut) return { code: -1, stdout: '', stderr: 'fatal: git did not end in time' };
    if (!(error instanceof MissingProgramError)) throw error;
    throw new InputError(
      `git is needed and was not found on the PATH of the agent. Install it, for example by the package manager of the agent.`,
      { cause: error },
    );
  }
}

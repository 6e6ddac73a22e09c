import { CancelledError, describeProblem, InputError, type Problem } from '../../errors.ts';
import { lastLines, type MissingProgram, type ProgramResult, runProgram } from '../../ports/programs/index.ts';
import type { LoadContext } from './source.ts';

/** How each program is got, and the input that names it. */
const missing = {
  helm: { install: 'for example with the task HelmInstaller@1', input: 'helmPath' },
  kustomize: {
    install:
      'for example from https://github.com/kubernetes-sigs/kustomize/releases, or kubectl with KubectlInstaller@0',
    input: 'kustomizePath',
  },
  kubectl: { install: 'for example with the task KubectlInstaller@0', input: 'kustomizePath' },
  sops: { install: 'for example from https://github.com/getsops/sops/releases', input: 'sopsPath' },
} as const satisfies Record<string, MissingProgram>;

export interface ToolCall {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
}

/** Runs one of the renderers in the working directory. Throws MissingProgramError, CancelledError, InputError. */
export async function runTool(
  context: LoadContext,
  tool: keyof typeof missing,
  call: ToolCall,
): Promise<ProgramResult> {
  return await runProgram({
    program: context.programs[tool] ?? tool,
    args: call.args,
    cwd: context.workingDirectory,
    environment: call.environment,
    signal: context.signal,
    missing: missing[tool],
    ...(call.stdin === undefined ? {} : { stdin: call.stdin }),
  });
}

/** A renderer's failure as a problem of the input: what was run, and the last lines that it wrote. */
export function toolFailure(
  doing: string,
  result: ProgramResult,
  rest: Partial<Problem> & { readonly code: string },
): Problem {
  const code = result.exitCode === undefined ? 'was ended by a signal' : `ended with exit code ${result.exitCode}`;
  const said = lastLines(result.stderr) || lastLines(result.stdout) || 'It wrote nothing.';
  return { message: `${doing} ${code}:\n${said}`, ...rest };
}

export function failWith(problems: Problem | readonly Problem[]): never {
  throw new InputError(problems);
}

/** What was to come, or undefined with the problems of the InputError noted, so that others are found in the same run. */
export async function collectInputErrors<T>(work: Promise<T>, problems: Problem[]): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const known = new Set(problems.map(describeProblem));
    problems.push(...error.problems.filter((problem) => !known.has(describeProblem(problem))));
    return undefined;
  }
}

export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new CancelledError();
}

export function environmentOf(context: LoadContext): Readonly<Record<string, string | undefined>> {
  return context.environment ?? process.env;
}

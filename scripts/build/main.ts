import { describeProblem, GitOpsError } from '../../lib/errors.ts';

/** Runs a script: what it found wrong is printed one problem a line, anything else with its trace; either way the exit code is 1. */
export async function main(script: () => Promise<void>): Promise<void> {
  try {
    await script();
  } catch (error) {
    if (error instanceof GitOpsError)
      for (const problem of error.problems) console.error(`error: ${describeProblem(problem)}`);
    else console.error(error);
    process.exitCode = 1;
  }
}

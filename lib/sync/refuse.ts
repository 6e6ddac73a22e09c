import { ConflictError } from '../errors.ts';
import type { Assessment } from './assess.ts';
import { worstError } from './server-apply.ts';

/** Throws with everything that stands against a run, while nothing has been written. */
export function refuse(assessment: Assessment): void {
  const ownership = assessment.decisions.problems;
  const asked = assessment.preflight.problems;
  const problems = [...ownership, ...asked];
  if (problems.length === 0) return;
  const isOwned = ownership.some((problem) => problem.code === 'owned-by-other');
  if (asked.length === 0) throw new ConflictError(problems, isOwned ? 'ownershipConflict' : 'conflict');
  throw worstError(problems, [
    ...ownership.map((problem) => new ConflictError(problem)),
    ...assessment.preflight.errors,
  ]);
}

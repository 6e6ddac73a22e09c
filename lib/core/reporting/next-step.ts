import type { Outcome, RunResult } from '../plan/result.ts';

/** What whoever reads the report would do next, where the outcome alone tells; a failure's own message may know better. */
export function nextStep(result: RunResult): string | undefined {
  return steps[result.outcome];
}

const steps: Readonly<Partial<Record<Outcome, string>>> = {
  planStale: 'The cluster or its record changed after the plan was made. Make a new plan, look at it, and apply that.',
  frozen:
    'Wait until the window is over. In an emergency, and where the rules allow it, give breakGlass a reason; it is recorded.',
  held: 'Merge a commit that puts it right (or reverts it); that one is deployed again. To deploy this one after all, set release.',
  rollbackFailed: 'Read what failed and put it right by hand or by a commit in Git; the record of the set is complete.',
  planHasChanges: 'Review the differences. A run with action sync makes them.',
  driftDetected:
    'Run the pipeline of the main branch to put back what Git declares, or commit what was changed by hand.',
  pruneHeld:
    'More objects would be deleted than maxPrune allows. If that is meant, raise maxPrune for this run; if not, look for files that are missing from the desired state.',
  healthTimeout:
    'Read the details of the objects that were not healthy in time. Raise timeout if they only need longer. To go back, revert the commit in Git.',
  healthFailed: 'Read the details of the objects that failed. Correct them in Git, or revert the commit.',
  applyFailed: 'Read the message of the object that was refused, correct it in Git and run again.',
  partiallyApplied:
    'Some objects were applied and others not. Correct what failed in Git and run again: a sync goes on from there.',
  invalidInput: 'Correct the inputs or files that the errors name. Nothing was changed.',
  forbidden: 'Give the identity of the connection the permissions that the errors name. Nothing was changed.',
  conflict: 'Somebody else owns fields that Git declares. Remove the fields from one of the two, or set conflicts.',
  ownershipConflict: 'The objects belong to another tool or sync set. Remove them there first, or set adopt to always.',
  olderCommit: 'A newer commit is deployed. Run the pipeline for that one, or set allowOlder to go back on purpose.',
  lockTimeout: 'Another run is working on this sync set. Wait for it to end, then run again.',
  canceled: 'The run was cancelled on the way. Run it again: a sync goes on from there.',
  connectionLost: 'The server did not answer, so what happened last is not known. Check the connection and run again.',
};

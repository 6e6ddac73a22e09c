import type { Fields } from './fields.ts';
import { sentence } from './generic.ts';
import { degraded, type Health, healthy, progressing, verdict } from './verdict.ts';

/**
 * gitops-engine `getBatchv1JobHealth`: a Job is healthy when it is complete, not (as in kstatus) once it runs. Unlike the
 * engine a condition counts only when it is True, or a resumed Job (`Suspended=False`) would be taken for a finished one.
 */
export function assessJob(fields: Fields): Health {
  const succeeded = fields.count('status.succeeded', 0);
  const failed = fields.condition('Failed');
  if (failed?.status === 'True') return degraded(sentence(failed, 'It failed.'), failed.reason || 'JobFailed');
  if (fields.condition('Complete')?.status === 'True') {
    return healthy(`It completed; ${succeeded} Pods succeeded.`, 'Complete');
  }
  if (fields.condition('Suspended')?.status === 'True' && fields.flag('spec.suspend')) {
    return verdict('Suspended', 'It is suspended (spec.suspend).', 'Suspended');
  }
  // The controller announces the end before the last Pods are gone.
  const ending = fields.condition('FailureTarget');
  if (ending?.status === 'True') return progressing(`It is about to fail: ${sentence(ending, '')}`, 'FailureTarget');
  if (!fields.has('status.startTime')) return progressing('It has not started yet.', 'NotStarted');
  const running = fields.count('status.active', 0);
  const lost = fields.count('status.failed', 0);
  return progressing(`${running} Pods running, ${succeeded} succeeded, ${lost} failed.`, 'Running');
}

/** Current in kstatus whatever its Jobs do: when one fails is a matter for monitoring, not for whether it was deployed. */
export function assessCronJob(fields: Fields): Health {
  if (fields.flag('spec.suspend')) return verdict('Suspended', 'It is suspended (spec.suspend).', 'Suspended');
  return healthy('It is scheduled.');
}

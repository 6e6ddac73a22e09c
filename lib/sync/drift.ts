import { describeId } from '../core/objects/kubernetes-object.ts';
import type { Problem } from '../errors.ts';
import type { RenderedContext } from './action-result.ts';
import type { Assessment } from './assess.ts';
import { foreignFieldNames } from './changes.ts';
import { isSameManifest } from './fingerprint.ts';
import type { Prepared } from './preflight.ts';

/** With `foreignFields: report`, what people added is told and stays. */
export function foreignWarnings(assessment: Assessment, context: RenderedContext): Problem[] {
  if (context.options.foreignFields !== 'report') return [];
  const options = {
    fieldManager: context.set.fieldManager,
    displayKey: context.displayKey,
    foreignFields: 'report' as const,
  };
  return assessment.preflight.prepared
    .filter(({ decision }) => decision.foreign !== undefined && decision.kind !== 'adopt')
    .map(({ decision }) => {
      const { target, foreign } = decision;
      const fields = foreignFieldNames(decision, options).join(', ');
      return {
        code: 'foreign-fields',
        at: target.manifest.origin,
        message: `${describeId(target.id)} has fields that Git does not declare, set by ${foreign?.managers.join(', ')}: ${fields}. Set foreignFields: correct to have them removed.`,
      };
    });
}

/** Whether the cluster and not Git is what changed. */
export function isDrift(prepared: Prepared, assessment: Assessment): boolean {
  const { entry, target } = prepared.decision;
  if (entry?.uid === undefined) return false;
  // Without a digest (a Secret, and no right to keep its key) a difference may be Git's; it is told as drift rather than passed over.
  return entry.fingerprint === undefined || isSameManifest(entry.fingerprint, target.payload, assessment.decideOptions);
}

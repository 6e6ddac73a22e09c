import { type MaskingOptions, maskText } from '../core/objects/masking.ts';
import type { ChangeResult } from '../core/plan/result.ts';
import type { Problem } from '../errors.ts';
import type { ActionResult } from './action-result.ts';

/**
 * Hides secrets in the free text of a result: messages of the server, log lines of Pods and events repeat what they were given. Field
 * differences were masked when they were made. The agent masks the log only, not the files that are uploaded.
 */
export function maskResult(result: ActionResult, options: MaskingOptions): ActionResult {
  const mask = (text: string) => maskText(text, options);
  const problem = (one: Problem): Problem => ({ ...one, message: mask(one.message) });
  const change = (one: ChangeResult): ChangeResult => ({
    ...one,
    ...(one.reason !== undefined && { reason: mask(one.reason) }),
    ...(one.message !== undefined && { message: mask(one.message) }),
    ...(one.details !== undefined && { details: one.details.map(mask) }),
  });
  return {
    ...result,
    summary: mask(result.summary),
    changes: result.changes.map(change),
    warnings: result.warnings.map(problem),
    errors: result.errors.map(problem),
  };
}

import { outcomes } from '../core/plan/result.ts';
import type { ActionResult, RenderedContext } from './action-result.ts';
import { assess } from './assess.ts';
import { execute } from './execute.ts';
import { refuse } from './refuse.ts';
import { keepRevision } from './revisions/keep-revision.ts';
import { rollBack } from './run-rollback.ts';
import { heldResult, pruneHeld } from './sync-result.ts';

/**
 * Makes the cluster equal to Git. Throws while nothing has been written. A commit that was rolled back is not applied again by itself;
 * with `rollbackOnFailure` a run that fails goes back to what was healthy before.
 */
export async function runSync(context: RenderedContext): Promise<ActionResult> {
  const held = heldResult(context);
  if (held !== undefined) return held;
  const assessment = await assess(context);
  refuse(assessment);
  if (assessment.overCap !== undefined) return pruneHeld(assessment, context);
  const { result, succeeded, inventory } = await execute(context, assessment);
  // Without waiting nobody knows whether it is one to go back to.
  if (succeeded && context.options.wait === 'none') return result;
  if (succeeded) {
    const warnings = await keepRevision(context, assessment.loaded.inventory, result);
    return { ...result, warnings: [...result.warnings, ...warnings] };
  }
  const isOwnFailure =
    outcomes[result.outcome] === 'Failed' && !['canceled', 'connectionLost', 'lockTimeout'].includes(result.outcome);
  if (!context.options.rollbackOnFailure || !isOwnFailure) return result;
  return rollBack({ ...context, loaded: { ...context.loaded, inventory, exists: true } }, result);
}

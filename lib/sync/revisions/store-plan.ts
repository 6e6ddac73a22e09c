import { NotPermittedError } from '../../errors.ts';
import type { ActionContext } from '../action-result.ts';
import type { RevisionContent } from './revision.ts';
import { RevisionStore, type RevisionSummary } from './revision-store.ts';

/** Stores a plan for approval. Returns why it could not be. */
export async function storePlan(
  context: ActionContext,
  revision: RevisionContent,
): Promise<{ readonly summary?: RevisionSummary; readonly refused?: string }> {
  try {
    const store = new RevisionStore(context.client, context.set);
    const summary = await store.add(revision, 'planned');
    await store.prune();
    return { summary };
  } catch (error) {
    if (!(error instanceof NotPermittedError)) throw error;
    return { refused: error.message };
  }
}

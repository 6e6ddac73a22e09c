import { CancelledError, GitOpsError, messageOf } from '../../errors.ts';
import type { Answer } from '../../ports/git/repository.ts';
import type { Relation } from './decide.ts';

/** By which means a question of ancestry was answered. */
export type AncestrySource = 'checkout' | 'fetched' | 'rest' | 'none';

/** One way to ask whether a commit contains another. */
export interface AncestryMeans {
  readonly name: Exclude<AncestrySource, 'none'>;
  /** Rejects with one of our errors when it cannot even ask. */
  isAncestor(ancestor: string, descendant: string): Promise<Answer>;
}

export interface AncestryAnswer {
  readonly answer: Answer;
  readonly by: AncestrySource;
  /** Why the means that came before could not tell. */
  readonly reasons: readonly string[];
}

const CANNOT_TELL: Record<AncestryMeans['name'], string> = {
  checkout: 'the checkout has too little of the history',
  fetched: 'the fetched history does not hold both commits',
  rest: 'Azure Repos does not know both commits',
};

/** Asks each means in turn until one knows. The means are ordered by cost; a later one is not touched when an earlier one knows. */
export async function askAncestry(
  means: readonly AncestryMeans[],
  ancestor: string,
  descendant: string,
): Promise<AncestryAnswer> {
  const reasons: string[] = [];
  for (const one of means) {
    try {
      const answer = await one.isAncestor(ancestor, descendant);
      if (answer !== 'unknown') return { answer, by: one.name, reasons };
      reasons.push(CANNOT_TELL[one.name]);
    } catch (error) {
      if (error instanceof CancelledError || !(error instanceof GitOpsError)) throw error;
      reasons.push(messageOf(error));
    }
  }
  return { answer: 'unknown', by: 'none', reasons: [...new Set(reasons)] };
}

/** How `commit` stands to `deployed`. */
export async function relationOf(
  means: readonly AncestryMeans[],
  commit: string,
  deployed: string,
): Promise<{ readonly relation: Relation; readonly reasons: readonly string[] }> {
  if (commit === deployed) return { relation: 'same', reasons: [] };
  const forward = await askAncestry(means, deployed, commit);
  if (forward.answer === 'yes') return { relation: 'newer', reasons: [] };
  const back = await askAncestry(means, commit, deployed);
  if (back.answer === 'yes') return { relation: 'older', reasons: [] };
  if (forward.answer === 'no' && back.answer === 'no') return { relation: 'diverged', reasons: [] };
  return { relation: 'unknown', reasons: [...new Set([...forward.reasons, ...back.reasons])] };
}

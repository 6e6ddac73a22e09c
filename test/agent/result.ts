/** The agent's own results. The last three stick: nothing that comes later changes them. */
export type AgentResult = 'Succeeded' | 'SucceededWithIssues' | 'Failed' | 'Canceled' | 'Skipped' | 'Abandoned';

export type TaskResult = 'Succeeded' | 'SucceededWithIssues' | 'Failed';

export const agentResults: readonly AgentResult[] = [
  'Succeeded',
  'SucceededWithIssues',
  'Failed',
  'Canceled',
  'Skipped',
  'Abandoned',
];

/** The worst wins (agent: TaskResultUtil.MergeTaskResults). */
export function mergeResults(current: AgentResult | undefined, coming: AgentResult): AgentResult {
  if (current === undefined) return coming;
  const rank = agentResults.indexOf(current);
  if (rank > agentResults.indexOf('Failed')) return current;
  return agentResults.indexOf(coming) >= rank ? coming : current;
}

/** A step that was cancelled or abandoned did not do its work; one that was skipped does not hold the job up. */
export function taskResult(result: AgentResult): TaskResult {
  if (result === 'Canceled' || result === 'Abandoned') return 'Failed';
  return result === 'Skipped' ? 'Succeeded' : result;
}

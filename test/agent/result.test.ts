import assert from 'node:assert/strict';
import { type AgentResult, mergeResults, taskResult } from './result.ts';

const merge = (...results: AgentResult[]) => results.reduce<AgentResult | undefined>(mergeResults, undefined);

describe("A step's result", () => {
  it('is the worst that was told', () => {
    assert.equal(merge('Succeeded', 'SucceededWithIssues', 'Succeeded'), 'SucceededWithIssues');
    assert.equal(merge('Failed', 'Succeeded'), 'Failed');
    assert.equal(merge('Succeeded'), 'Succeeded');
  });

  it('sticks once it is cancelled or skipped', () => {
    assert.equal(merge('Canceled', 'Failed'), 'Canceled');
    assert.equal(merge('Canceled', 'Skipped'), 'Canceled');
    assert.equal(merge('Skipped', 'Failed'), 'Skipped');
    assert.equal(merge('Failed', 'Canceled'), 'Canceled');
  });

  it('is one of three for the outside', () => {
    assert.deepEqual((['Canceled', 'Abandoned', 'Skipped', 'SucceededWithIssues'] as const).map(taskResult), [
      'Failed',
      'Failed',
      'Succeeded',
      'SucceededWithIssues',
    ]);
  });
});

import type { RunResult } from '../../../lib/core/plan/result.ts';
import { type RecordFacts, type RunRecord, runRecord } from '../../../lib/core/record/run-record.ts';

/** The result of a sync of which every part must be kept, and in whose values and messages no record may be interested. */
export const RESULT: RunResult = {
  apiVersion: 'gitops.pipelines/v1',
  kind: 'SyncResult',
  action: 'sync',
  outcome: 'applied',
  summary: 'SECRET-IN-SUMMARY',
  set: { name: 'shop', namespace: 'shop', environment: 'production' },
  cluster: { server: 'https://cluster.example.com:6443', version: 'v1.36.3' },
  source: {
    commit: 'a'.repeat(40),
    branch: 'main',
    repository: 'https://dev.azure.com/contoso/shop/_git/shop',
    subject: 'SECRET-IN-SUBJECT',
    author: 'A. Author',
    previousCommit: 'b'.repeat(40),
  },
  startedAt: '2026-11-23T19:46:52.123Z',
  finishedAt: '2026-11-23T19:47:52.123Z',
  counts: { created: 1, configured: 0, unchanged: 1, pruned: 1, kept: 0, failed: 1 },
  changes: [
    {
      target: { kind: 'Deployment.apps', namespace: 'shop', name: 'web' },
      action: 'create',
      state: 'done',
      health: 'Healthy',
      fields: [{ path: 'spec.secret', before: 'SECRET-BEFORE', after: 'SECRET-AFTER' }],
      origin: { file: 'app/web.yaml', line: 3 },
    },
    { target: { kind: 'ConfigMap', namespace: 'shop', name: 'same' }, action: 'unchanged', state: 'done', fields: [] },
    { target: { kind: 'ConfigMap', namespace: 'shop', name: 'old' }, action: 'prune', state: 'done', fields: [] },
    {
      target: { kind: 'Namespace', name: 'shop' },
      action: 'unchanged',
      state: 'failed',
      message: 'SECRET-IN-MESSAGE',
      details: ['SECRET-IN-DETAILS'],
      fields: [],
    },
  ],
  warnings: [{ message: 'SECRET-IN-WARNING' }],
  errors: [{ message: 'SECRET-IN-ERROR' }],
  requests: { total: 12, retries: 0, byVerb: {} },
};

export const FACTS: RecordFacts = {
  task: { name: 'GitOpsSync', version: '1.2.3' },
  host: {
    type: 'build',
    project: 'shop',
    runId: '4711',
    runName: '20261123.1',
    pipelineName: 'deploy',
    stageName: 'production',
    attempt: '2',
    runUrl: 'https://dev.azure.com/contoso/shop/_build/results?buildId=4711',
  },
  requester: { name: 'R. Requester', id: '11111111-1111-1111-1111-111111111111', uniqueName: 'requester@example.com' },
  approvals: {
    known: true,
    approvers: [{ name: 'P. Approver', id: '22222222-2222-2222-2222-222222222222', at: '2026-11-23T19:40:00Z' }],
  },
  planDigest: 'sha256:abc',
  pullRequest: {
    id: 42,
    url: 'https://dev.azure.com/contoso/shop/_git/shop/pullrequest/42',
    author: { name: 'A. Author' },
    reviewers: [{ name: 'V. Reviewer', vote: 'approved' }],
  },
  breakGlassReason: 'the shop is down',
};

export function sampleRecord(result: Partial<RunResult> = {}, facts: Partial<RecordFacts> = {}): RunRecord {
  return runRecord({ ...RESULT, ...result }, { ...FACTS, ...facts });
}

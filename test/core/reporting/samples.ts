import { type ChangeResult, countChanges, type RunResult } from '../../../lib/core/plan/result.ts';

/** A run of which only what a test is about is given. */
export function runResult(parts: Partial<RunResult> = {}): RunResult {
  const changes = parts.changes ?? [];
  return {
    apiVersion: 'gitops.pipelines/v1',
    kind: 'SyncResult',
    action: 'sync',
    outcome: 'applied',
    summary: 'The cluster is as Git declares.',
    set: { name: 'shop', namespace: 'gitops', environment: 'production' },
    cluster: { server: 'https://aks-shop.example.com:443', version: 'v1.36.3' },
    source: {
      commit: '4f0c2b7a9e1d4f0c2b7a9e1d4f0c2b7a9e1d4f0c',
      branch: 'refs/heads/main',
      repository: 'shop-config',
      subject: 'Three replicas for the web shop',
      author: 'Ada Lovelace',
      previousCommit: '11aa22bb33cc44dd55ee66ff77aa88bb99cc00dd',
    },
    startedAt: '2026-03-04T10:00:00.000Z',
    finishedAt: '2026-03-04T10:00:42.300Z',
    warnings: [],
    errors: [],
    requests: { total: 57, retries: 1, byVerb: { PATCH: 20, LIST: 30, GET: 7 } },
    ...parts,
    changes,
    counts: parts.counts ?? countChanges(changes),
  };
}

export function change(kind: string, name: string, parts: Partial<ChangeResult> = {}): ChangeResult {
  const slash = name.indexOf('/');
  return {
    target: slash < 0 ? { kind, name } : { kind, namespace: name.slice(0, slash), name: name.slice(slash + 1) },
    action: 'unchanged',
    state: 'done',
    fields: [],
    ...parts,
  };
}

/** A second merge: one change, one removal, one Deployment whose image cannot be pulled. */
export const failedRun: RunResult = runResult({
  outcome: 'healthFailed',
  summary:
    'Deployment.apps shop/api did not become healthy: its image cannot be pulled. Correct the image in Git or revert the commit.',
  warnings: [
    {
      message: 'policy/v1beta1 PodDisruptionBudget is deprecated',
      at: { file: 'apps/pdb.yaml', line: 1 },
      code: 'deprecated-api',
    },
  ],
  changes: [
    change('Namespace', 'shop', { health: 'Healthy', durationMs: 12 }),
    change('ConfigMap', 'shop/settings', {
      action: 'configure',
      durationMs: 31,
      health: 'Healthy',
      origin: { file: 'apps/settings.yaml', line: 1 },
      fields: [
        {
          path: 'data["nginx.conf"]',
          before: '12 lines',
          after: '13 lines',
          lines: ['@ line 3', '- listen 80;', '+ listen 8080;', '+ server_tokens off;'],
        },
      ],
    }),
    change('Secret', 'shop/db', {
      action: 'configure',
      health: 'Healthy',
      durationMs: 28,
      fields: [{ path: 'data.password', before: '<secret 56720ef24d4c>', after: '<secret 453fc71307e6>' }],
    }),
    change('Deployment.apps', 'shop/web', {
      action: 'configure',
      health: 'Healthy',
      durationMs: 8120,
      origin: { file: 'apps/web.yaml', line: 4 },
      fields: [{ path: 'spec.replicas', before: '2', after: '3', setBy: 'kubectl-edit' }],
    }),
    change('Service', 'shop/web', {
      action: 'create',
      health: 'Healthy',
      durationMs: 19,
      origin: { file: 'apps/web.yaml', line: 40 },
    }),
    change('Deployment.apps', 'shop/api', {
      action: 'configure',
      state: 'failed',
      health: 'Degraded',
      durationMs: 30_400,
      message: 'container api: ImagePullBackOff: Back-off pulling image "registry.example.com/shop/api:9.9.9"',
      origin: { file: 'apps/api.yaml', line: 1 },
      fields: [
        {
          path: 'spec.template.spec.containers[name=api].image',
          before: 'registry.example.com/shop/api:1.4.0',
          after: 'registry.example.com/shop/api:9.9.9',
        },
      ],
      details: [
        'Deployment.apps shop/api -> ReplicaSet.apps shop/api-6d4f9c -> Pod shop/api-6d4f9c-x2x7v',
        'container api: waiting, ImagePullBackOff (0 restarts)',
        'event Failed (3 times): Failed to pull image "registry.example.com/shop/api:9.9.9": not found',
      ],
    }),
    change('ConfigMap', 'shop/old-settings', {
      action: 'prune',
      state: 'notReached',
      reason: 'nothing is deleted after a failure',
    }),
    change('PersistentVolumeClaim', 'shop/data', {
      action: 'keep',
      reason: 'a protected kind; list it in protectedKinds to delete it',
    }),
  ],
});

export const planRun: RunResult = runResult({
  action: 'plan',
  outcome: 'planHasChanges',
  summary: '1 to create, 2 to configure, 1 to prune.',
  changes: failedRun.changes.map((entry) => {
    const { health: _health, message: _message, details: _details, durationMs: _durationMs, ...rest } = entry;
    return { ...rest, state: 'planned' };
  }),
});

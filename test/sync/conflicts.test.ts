import assert from 'node:assert/strict';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { conflictsOf, decideConflicts } from '../../lib/sync/conflicts.ts';

// Messages as the API server 1.36 writes them.
const cause = (manager: string, field: string, more = '') => ({
  reason: 'FieldManagerConflict',
  message: `conflict with "${manager}"${more} using apps/v1`,
  field,
});
const live: KubernetesObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
const context = { live, fieldManager: 'azdo-gitops:shop', adopts: false };

describe('conflicts of a server-side apply', () => {
  it('are read from the causes: field, manager and subresource', () => {
    assert.deepEqual(
      conflictsOf(
        [cause('kubectl', '.spec.replicas', ' with subresource "scale"'), { reason: 'Other', message: 'x' }],
        live,
      ).map(({ field, manager, subresource }) => ({ field, manager, subresource })),
      [{ field: 'spec.replicas', manager: 'kubectl', subresource: 'scale' }],
    );
  });

  const verdict = (manager: string, policy: 'auto' | 'fail' | 'force' | 'yield', more = '', adopts = false) => {
    const conflicts = conflictsOf([cause(manager, '.spec.replicas', more)], live);
    const decision = decideConflicts(conflicts, policy, { ...context, adopts });
    return decision.yielded.length > 0 ? 'yield' : decision.forced.length > 0 ? 'force' : 'fail';
  };

  it('yield to the cluster’s own controllers, overrule people and fail for other tools', () => {
    assert.equal(verdict('kube-controller-manager', 'auto', ' with subresource "scale"'), 'yield');
    assert.equal(verdict('kubectl-edit', 'auto'), 'force');
    assert.equal(verdict('k9s', 'auto'), 'force');
    assert.equal(verdict('helm', 'auto'), 'fail');
    assert.equal(verdict('argocd-controller', 'auto'), 'fail');
    assert.equal(verdict('azdo-gitops:another-set', 'auto'), 'fail');
  });

  it('fail for a name that nobody knows, which may be a script, and yield to what writes a subresource', () => {
    assert.equal(verdict('my-script', 'auto'), 'fail');
    assert.equal(verdict('my-autoscaler', 'auto', ' with subresource "scale"'), 'yield');
  });

  it('overrule everybody but the cluster’s own controllers in an object that is taken over', () => {
    for (const manager of ['helm', 'azdo-gitops:another-set', 'kubectl-create', 'my-script'])
      assert.equal(verdict(manager, 'auto', '', true), 'force', manager);
    assert.equal(verdict('horizontal-pod-autoscaler', 'auto', ' with subresource "scale"', true), 'yield');
  });

  it('are answered as the input says when it says so', () => {
    assert.equal(verdict('helm', 'force'), 'force');
    assert.equal(verdict('helm', 'yield'), 'yield');
    assert.equal(verdict('kubectl-edit', 'fail'), 'fail');
  });

  it('name a field whose name holds dots, which the server does not quote, as the live object knows it', () => {
    const annotated: KubernetesObject = {
      ...live,
      metadata: {
        name: 'web',
        managedFields: [
          {
            manager: 'helm',
            operation: 'Apply',
            fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:example.com/cache': {} } } },
          },
        ],
      },
    };
    const [conflict] = conflictsOf([cause('helm', '.metadata.annotations.example.com/cache')], annotated);
    assert.equal(conflict?.field, 'metadata.annotations["example.com/cache"]');
  });

  it('fail where a field to be left alone cannot be found', () => {
    const decision = decideConflicts(
      conflictsOf([{ reason: 'FieldManagerConflict', message: 'conflict with "x"', field: '..[' }], live),
      'yield',
      context,
    );
    assert.equal(decision.refused.length, 1);
  });
});

import assert from 'node:assert/strict';
import type { KubernetesObject, ManagedFieldsEntry } from '../../lib/core/objects/kubernetes-object.ts';
import { handOverManager, handOverPatch } from '../../lib/sync/hand-over.ts';
import { set } from './sample.ts';

const owner = (manager: string, fields: string[]): ManagedFieldsEntry => ({
  manager,
  operation: manager === set.fieldManager ? 'Apply' : 'Update',
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': Object.fromEntries(fields.map((field) => [`f:${field}`, {}])) },
});
const web = (...managedFields: ManagedFieldsEntry[]): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', resourceVersion: '7', managedFields },
  spec: { replicas: 3 },
});

describe('replicas that an autoscaler sets from now on', () => {
  it('go to a manager of their own, guarded by the version that was read, and nothing else does', () => {
    const patch = handOverPatch(
      web(owner(set.fieldManager, ['replicas', 'paused']), owner('kubectl', ['x'])),
      set.fieldManager,
    );
    assert.deepEqual(patch, [
      { op: 'test', path: '/metadata/resourceVersion', value: '7' },
      {
        op: 'replace',
        path: '/metadata/managedFields',
        value: [owner(set.fieldManager, ['paused']), owner('kubectl', ['x']), owner(handOverManager, ['replicas'])],
      },
    ]);
  });

  it('need no handing over where they are not ours, or somebody else’s as well', () => {
    assert.equal(handOverPatch(web(owner(set.fieldManager, ['paused'])), set.fieldManager), undefined);
    const shared = web(owner(set.fieldManager, ['replicas']), owner('kube-controller-manager', ['replicas']));
    assert.equal(handOverPatch(shared, set.fieldManager), undefined);
  });
});

import assert from 'node:assert/strict';
import {
  classifyManager,
  knownManagers,
  type ManagerClass,
  ourManagerPrefix,
} from '../../../lib/core/objects/field-managers.ts';

const ours = 'azdo-gitops:shop';

/** As real programs wrote them to kube-apiserver v1.36.3, or as their documentation and source name them. */
const seen: readonly [manager: string, operation: 'Apply' | 'Update', subresource: string, who: ManagerClass][] = [
  [ours, 'Apply', '', 'ours'],
  [ours, 'Update', '', 'ours'],
  ['kubectl', 'Apply', '', 'person'],
  ['kubectl', 'Update', 'scale', 'person'],
  ['kubectl-edit', 'Update', '', 'person'],
  ['kubectl-client-side-apply', 'Update', '', 'person'],
  ['kubectl-create', 'Update', '', 'person'],
  ['kubectl-expose', 'Update', '', 'person'],
  ['kubectl-autoscale', 'Update', '', 'person'],
  ['kubectl-run', 'Update', '', 'person'],
  ['kubectl-patch', 'Update', '', 'person'],
  ['kubectl-label', 'Update', '', 'person'],
  ['kubectl-annotate', 'Update', '', 'person'],
  ['kubectl-set', 'Update', '', 'person'],
  ['kubectl-rollout', 'Update', '', 'person'],
  ['k9s', 'Update', '', 'person'],
  ['Lens', 'Update', '', 'person'],
  ['OpenLens', 'Update', '', 'person'],
  ['node-fetch', 'Update', '', 'person'],
  ['headlamp', 'Update', '', 'person'],
  ['Mozilla', 'Update', '', 'person'],
  ['before-first-apply', 'Update', '', 'person'],
  ['kube-controller-manager', 'Update', 'status', 'controller'],
  ['kube-controller-manager', 'Update', 'scale', 'controller'],
  ['kube-controller-manager', 'Update', '', 'controller'],
  ['kubelet', 'Update', 'status', 'controller'],
  ['vpa-updater', 'Update', '', 'controller'],
  ['keda-operator', 'Update', 'scale', 'controller'],
  ['an-operator-nobody-knows', 'Update', '', 'controller'],
  ['an-autoscaler-nobody-knows', 'Apply', 'scale', 'controller'],
  ['an-operator-nobody-knows', 'Apply', 'status', 'controller'],
  ['kubectl-edit', 'Update', 'status', 'controller'],
  ['', 'Update', '', 'controller'],
  ['azdo-gitops:other', 'Apply', '', 'tool'],
  ['helm', 'Update', '', 'tool'],
  ['Helm', 'Apply', '', 'tool'],
  ['argocd-controller', 'Apply', '', 'tool'],
  ['argocd-application-controller', 'Update', '', 'tool'],
  ['kustomize-controller', 'Apply', '', 'tool'],
  ['helm-controller', 'Update', '', 'tool'],
  ['flux', 'Apply', '', 'tool'],
  ['kapp-server', 'Update', '', 'tool'],
  ['pulumi-kubernetes', 'Apply', '', 'tool'],
  ['Terraform', 'Apply', '', 'tool'],
  ['HashiCorp', 'Update', '', 'tool'],
  ['a-tool-nobody-knows', 'Apply', '', 'tool'],
];

describe('A field manager', () => {
  for (const [manager, operation, subresource, who] of seen) {
    const through = subresource === '' ? '' : ` of ${subresource}`;
    it(`${manager === '' ? 'without a name' : manager} (${operation}${through}) is: ${who}`, () => {
      assert.equal(classifyManager({ manager, operation, subresource }, ours), who);
    });
  }

  it('without operation or subresource is judged by its name alone', () => {
    assert.equal(classifyManager({ manager: 'k9s' }, ours), 'person');
    assert.equal(classifyManager({}, ours), 'controller');
  });

  it('is not taken for a known one because its name contains one', () => {
    assert.equal(classifyManager({ manager: 'my-kubectl', operation: 'Update' }, ours), 'controller');
    assert.equal(classifyManager({ manager: 'kubectlish', operation: 'Update' }, ours), 'controller');
    assert.equal(classifyManager({ manager: 'helmet', operation: 'Update' }, ours), 'controller');
    assert.equal(
      classifyManager({ manager: 'applierXconfigmanagementXgkeXio', operation: 'Update' }, ours),
      'controller',
    );
  });

  it('of this set is ours whatever the set is called, and that of another set never', () => {
    assert.equal(
      classifyManager({ manager: `${ourManagerPrefix}k9s`, operation: 'Apply' }, `${ourManagerPrefix}k9s`),
      'ours',
    );
    assert.equal(classifyManager({ manager: `${ourManagerPrefix}k9s`, operation: 'Apply' }, ours), 'tool');
  });

  it('is on one list only, so that the documentation can print them', () => {
    const names = Object.values(knownManagers).flatMap((list) => list.map((manager) => manager.name.toLowerCase()));
    assert.equal(new Set(names).size, names.length);
    for (const list of Object.values(knownManagers)) {
      for (const { name, what } of list) assert.ok(name !== '' && what !== '');
    }
  });
});

import assert from 'node:assert/strict';
import { foreignOwner, isTakenByAnotherSet, refusalToAdopt } from '../../lib/sync/ownership.ts';
import { partOfLabel, syncSet } from '../../lib/sync/sync-set.ts';
import { applied, configMap, entry, set } from './sample.ts';

const of = (metadata: Record<string, unknown>) =>
  applied(configMap('a'), { labels: {}, managedFields: [], ...metadata });

describe('the owner of an object', () => {
  // The marks as each tool's own documentation and source name them.
  const marks: [string, Record<string, unknown>, RegExp | undefined][] = [
    ['nobody', {}, undefined],
    [
      'Helm',
      { annotations: { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'shop' } },
      /^Helm release shop\/web$/,
    ],
    [
      'Argo CD by annotation',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'web:apps/Deployment:shop/web' } },
      /^Argo CD application web$/,
    ],
    ['Argo CD by label', { labels: { 'argocd.argoproj.io/instance': 'web' } }, /^Argo CD application web$/],
    [
      'a Flux Kustomization',
      {
        labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
      },
      /^Flux Kustomization flux-system\/apps$/,
    ],
    [
      'a Flux HelmRelease',
      { labels: { 'helm.toolkit.fluxcd.io/name': 'web', 'helm.toolkit.fluxcd.io/namespace': 'shop' } },
      /^Flux HelmRelease shop\/web$/,
    ],
    ['kpt', { annotations: { 'config.k8s.io/owning-inventory': 'abc' } }, /^inventory abc/],
    ['kapp', { labels: { 'kapp.k14s.io/app': '17' } }, /^kapp application 17$/],
    ['another set', { labels: { [partOfLabel]: 'applyset-x-v1' } }, /^another sync set or ApplySet \(applyset-x-v1\)$/],
    [
      'a controller',
      { ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1', controller: true }] },
      /^its controller ReplicaSet web-1$/,
    ],
    ['an owner that does not control it', { ownerReferences: [{ kind: 'ReplicaSet', name: 'web-1' }] }, undefined],
  ];
  for (const [name, metadata, expected] of marks) {
    it(`is told from its marks: ${name}`, () => {
      const owner = foreignOwner(of(metadata), set);
      if (expected === undefined) assert.equal(owner, undefined);
      else assert.match(owner?.description ?? '', expected);
    });
  }

  it('decides with the policy whether it may be taken over, and the refusal says how to go on', () => {
    const helms = of({ annotations: { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'shop' } });
    assert.match(
      refusalToAdopt(helms, set, 'ifUnowned') ?? '',
      /belongs to Helm release shop\/web\. .*retire the release, or set adopt: always/,
    );
    assert.match(refusalToAdopt(helms, set, 'never') ?? '', /belongs to Helm/);
    assert.equal(refusalToAdopt(helms, set, 'always'), undefined);
    assert.equal(refusalToAdopt(of({}), set, 'ifUnowned'), undefined);
    assert.match(refusalToAdopt(of({}), set, 'never') ?? '', /exists already and adopt is never/);
    assert.equal(refusalToAdopt(of({ labels: { [partOfLabel]: set.applySetId } }), set, 'never'), undefined);
  });

  it('is another set only when it has its label and nothing of our apply is left', () => {
    const labels = { [partOfLabel]: syncSet('other', 'gitops', 'test').applySetId };
    const ours = [entry(set.fieldManager, ['key'])];
    assert.equal(isTakenByAnotherSet(of({ labels }), set), true);
    assert.equal(isTakenByAnotherSet(of({ labels, managedFields: ours }), set), false, 'the label alone was edited');
    assert.equal(isTakenByAnotherSet(of({}), set), false);
  });
});

import assert from 'node:assert/strict';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { InputError } from '../../lib/errors.ts';
import type { ApiResource } from '../../lib/ports/kubernetes/discovery.ts';
import { resolveTargets } from '../../lib/sync/targets.ts';
import { catalog, configMap, configMaps, manifest, set } from './sample.ts';

const deployments: ApiResource = { ...configMaps, group: 'apps', kind: 'Deployment', plural: 'deployments' };
const namespaces: ApiResource = { ...configMaps, kind: 'Namespace', plural: 'namespaces', namespaced: false };
const reviews: ApiResource = {
  ...configMaps,
  group: 'authorization.k8s.io',
  kind: 'SubjectAccessReview',
  plural: 'r',
  verbs: ['create'],
};
const served = catalog([configMaps, deployments, namespaces, reviews], ['metrics.example.com/v1']);
const object = (apiVersion: string, kind: string, more: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: 'a' },
  ...more,
});
const resolve = (...objects: KubernetesObject[]) =>
  resolveTargets(
    objects.map((one, index) => manifest(one, index + 1)),
    served,
    set,
    'fallback',
  );
const definition = (scope: string, versions: Record<string, unknown>[]) =>
  object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
    metadata: { name: 'boats.example.com' },
    spec: { group: 'example.com', scope, names: { kind: 'Boat', plural: 'boats' }, versions },
  });
const crds: ApiResource = {
  ...namespaces,
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  plural: 'crds',
};

describe('targets', () => {
  it('have the namespace of Git, else the input’s, and none where the kind has none', () => {
    const [named, unnamed, wide] = resolve(configMap('x'), object('v1', 'ConfigMap'), object('v1', 'Namespace'));
    assert.deepEqual(
      [named, unnamed, wide].map((one) => one?.id.namespace),
      ['shop', 'fallback', ''],
    );
    assert.equal(unnamed?.payload.metadata.namespace, 'fallback');
  });

  it('are found in the definitions of the set itself, in each version that these serve', () => {
    const withCrds = catalog([configMaps, crds]);
    const versions = [
      { name: 'v1', served: true },
      { name: 'v0', served: false },
    ];
    const find = (scope: string, apiVersion: string) =>
      resolveTargets(
        [manifest(object(apiVersion, 'Boat')), manifest(definition(scope, versions))],
        withCrds,
        set,
        'fallback',
      )[0];
    const boat = find('Namespaced', 'example.com/v1');
    assert.deepEqual([boat?.awaitsDefinition, boat?.resource.plural, boat?.id.namespace], [true, 'boats', 'fallback']);
    assert.equal(find('Cluster', 'example.com/v1')?.id.namespace, '');
    assert.throws(() => find('Cluster', 'example.com/v0'), InputError);
  });

  const refusals: [string, KubernetesObject, RegExp][] = [
    [
      'a version that is not served, with the one that is',
      object('apps/v1beta1', 'Deployment'),
      /does not serve version v1beta1 of Deployment; it serves apps\/v1\. Change the apiVersion/,
    ],
    [
      'a kind in another group or writing, with the right one',
      object('v1', 'deployment'),
      /Did you mean kind: Deployment with apiVersion: apps\/v1\?/,
    ],
    [
      'a kind that nobody defines',
      object('example.com/v1', 'Boat'),
      /no CustomResourceDefinition for it is among the manifests/,
    ],
    [
      'a kind whose server is down',
      object('metrics.example.com/v1', 'Thing'),
      /the server of metrics\.example\.com\/v1 does not answer.*APIService v1\.metrics\.example\.com/,
    ],
    [
      'a kind that cannot be kept',
      object('authorization.k8s.io/v1', 'SubjectAccessReview'),
      /does not let objects of this kind be applied/,
    ],
  ];
  for (const [what, wrong, message] of refusals) {
    it(`refuse ${what}`, () => assert.throws(() => resolve(wrong), message));
  }

  it('refuse the same object twice, in another file or version too, naming both places, all at once', () => {
    assert.throws(
      () => resolve(configMap('x'), configMap('x'), object('example.com/v1', 'Boat')),
      (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.deepEqual(
          error.problems.map((problem) => [problem.at?.line, problem.code]),
          [
            [2, 'duplicate-object'],
            [3, 'unknown-kind'],
          ],
        );
        assert.match(error.message, /ConfigMap shop\/x is declared twice; it stands also in app\.yaml:1/);
        return true;
      },
    );
  });
});

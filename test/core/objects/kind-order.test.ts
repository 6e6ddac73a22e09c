import assert from 'node:assert/strict';
import fc from 'fast-check';
import { orderDeletion, orderStages, type StageName, stageOf } from '../../../lib/core/objects/kind-order.ts';
import { type KubernetesObject, keyOf, type ObjectId, objectId } from '../../../lib/core/objects/kubernetes-object.ts';

function object(apiVersion: string, kind: string, name: string, namespace?: string): KubernetesObject {
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}

const operator: readonly KubernetesObject[] = [
  object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'widgets'),
  object('example.com/v1', 'Widget', 'first', 'shop'),
  object('example.com/v1', 'WidgetClass', 'small'),
  object('networking.k8s.io/v1', 'Ingress', 'web', 'shop'),
  object('apps/v1', 'Deployment', 'operator', 'shop'),
  object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'operator'),
  object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'operator'),
  object('v1', 'Service', 'operator', 'shop'),
  object('v1', 'Secret', 'operator', 'shop'),
  object('v1', 'ServiceAccount', 'operator', 'shop'),
  object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'widgets.example.com'),
  object('v1', 'Namespace', 'shop'),
];

function kinds(stages: readonly { readonly objects: readonly KubernetesObject[] }[]): string[] {
  return stages.flatMap((stage) => stage.objects.map(({ kind }) => kind));
}

describe('the order of kinds', () => {
  it('applies an operator with its resources so that nothing is asked for before it is there', () => {
    assert.deepEqual(kinds(orderStages(operator)), [
      'Namespace',
      'CustomResourceDefinition',
      'ServiceAccount',
      'ClusterRole',
      'WidgetClass',
      'ClusterRoleBinding',
      'Secret',
      'Service',
      'Widget',
      'Deployment',
      'Ingress',
      'ValidatingWebhookConfiguration',
    ]);
  });

  it('waits for definitions to be established, and for nothing else', () => {
    const waits = orderStages(operator).filter((stage) => stage.waitFor !== undefined);
    assert.deepEqual(
      waits.map(({ name, waitFor }) => [name, waitFor]),
      [['definitions', 'established']],
    );
  });

  it('deletes custom resources while their controller runs and their definition exists, and waits until they are gone', () => {
    const stages = orderDeletion(operator);
    const order = kinds(stages);
    for (const later of ['Deployment', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition', 'Namespace']) {
      assert.ok(order.indexOf('Widget') < order.indexOf(later), later);
    }
    assert.ok(order.indexOf('Widget') < order.indexOf('WidgetClass'));
    assert.equal(stages.find(({ name }) => name === 'customResources')?.waitFor, 'gone');
    assert.equal(order[0], 'ValidatingWebhookConfiguration');
    assert.equal(order.at(-1), 'Namespace');
  });

  it('deletes otherwise in the reverse of the order of application', () => {
    const builtIn = operator.filter(({ apiVersion }) => !apiVersion.startsWith('example.com'));
    assert.deepEqual(kinds(orderDeletion(builtIn)), kinds(orderStages(builtIn)).toReversed());
  });

  const expected: readonly [string, string, StageName][] = [
    ['', 'Namespace', 'namespaces'],
    ['apiextensions.k8s.io', 'CustomResourceDefinition', 'definitions'],
    ['rbac.authorization.k8s.io', 'Role', 'roles'],
    ['storage.k8s.io', 'StorageClass', 'roles'],
    ['rbac.authorization.k8s.io', 'RoleBinding', 'configuration'],
    ['', 'ResourceQuota', 'configuration'],
    ['networking.k8s.io', 'NetworkPolicy', 'configuration'],
    ['', 'PersistentVolumeClaim', 'configuration'],
    ['coordination.k8s.io', 'Lease', 'configuration'],
    ['apps', 'SomethingNew', 'configuration'],
    ['gateway.networking.k8s.io', 'GatewayClass', 'customClasses'],
    ['gateway.networking.k8s.io', 'HTTPRoute', 'customResources'],
    ['cert-manager.io', 'Certificate', 'customResources'],
    ['serving.knative.dev', 'Service', 'customResources'],
    ['batch', 'Job', 'workloads'],
    ['autoscaling', 'HorizontalPodAutoscaler', 'traffic'],
    ['apiregistration.k8s.io', 'APIService', 'admission'],
    ['admissionregistration.k8s.io', 'ValidatingAdmissionPolicy', 'admission'],
  ];
  for (const [group, kind, stage] of expected) {
    it(`puts ${kind}${group === '' ? '' : ` of ${group}`} into the stage ${stage}`, () => {
      assert.equal(stageOf({ group, kind }), stage);
    });
  }

  const ids = fc.array(
    fc.record({
      group: fc.constantFrom('', 'apps', 'example.com', 'rbac.authorization.k8s.io', 'apiextensions.k8s.io'),
      kind: fc.constantFrom('Namespace', 'Deployment', 'Role', 'Widget', 'CustomResourceDefinition', 'WidgetClass'),
      namespace: fc.constantFrom('', 'a', 'b'),
      name: fc.string({ minLength: 1, maxLength: 3 }),
    }),
  );
  const self = (id: ObjectId): ObjectId => id;

  it('depends on nothing but the objects', () => {
    fc.assert(
      fc.property(ids, fc.infiniteStream(fc.nat()), (list, seeds) => {
        const shuffled = list
          .map((id) => ({ id, seed: seeds.next().value ?? 0 }))
          .sort((a, b) => a.seed - b.seed)
          .map(({ id }) => id);
        for (const order of [orderStages<ObjectId>, orderDeletion<ObjectId>]) {
          assert.deepEqual(order(shuffled, self), order(list, self));
        }
      }),
    );
  });

  it('loses no object and invents none', () => {
    fc.assert(
      fc.property(ids, (list) => {
        for (const order of [orderStages<ObjectId>, orderDeletion<ObjectId>]) {
          const out = order(list, self).flatMap((stage) => stage.objects.map(keyOf));
          assert.deepEqual(out.toSorted(), list.map(keyOf).toSorted());
        }
      }),
    );
  });

  it('takes what a file declares together with its place', () => {
    const manifests = operator.map((declared, line) => ({ object: declared, origin: { file: 'all.yaml', line } }));
    const [first] = orderStages(manifests, (manifest) => objectId(manifest.object));
    assert.equal(first?.objects[0]?.origin.line, 11);
  });
});

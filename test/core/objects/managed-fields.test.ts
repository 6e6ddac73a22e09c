import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { field } from '../../../lib/core/objects/field-path.ts';
import { parseFieldSet, pathsOf } from '../../../lib/core/objects/field-set.ts';
import type { KubernetesObject, ManagedFieldsEntry } from '../../../lib/core/objects/kubernetes-object.ts';
import {
  applyEntryOf,
  entryHash,
  fieldSet,
  fieldsOfOthers,
  foldInto,
  managedFieldsOf,
  ownedDigest,
  ownersOf,
} from '../../../lib/core/objects/managed-fields.ts';

const ours = 'azdo-gitops:shop';
const captured = JSON.parse(readFileSync(new URL('./fixtures/managed-fields.json', import.meta.url), 'utf8')) as {
  objects: { object: KubernetesObject }[];
};

/** A real Deployment after our apply, kubectl edit, label, annotate, set, patch, rollout restart, and an autoscaler. */
function deployment(): KubernetesObject & { spec: DeploymentSpec } {
  return structuredClone(byKind('Deployment')) as KubernetesObject & { spec: DeploymentSpec };
}

interface DeploymentSpec {
  replicas: number;
  selector: { matchLabels: Record<string, string> };
  template: {
    spec: {
      containers: { name: string; image: string; args?: string[]; env?: { name: string; value: string }[] }[];
      volumes: unknown[];
    };
  };
}

function byKind(kind: string): KubernetesObject {
  const found = captured.objects.find(({ object }) => object.kind === kind);
  assert.ok(found);
  return found.object;
}

function ourEntry(object: KubernetesObject): ManagedFieldsEntry {
  const entry = applyEntryOf(object, ours);
  assert.ok(entry);
  return entry;
}

describe('Who owns the fields of an object', () => {
  it('is found by manager and operation; an update under our name and a subresource are not our apply', () => {
    const object = deployment();
    assert.equal(ourEntry(object).operation, 'Apply');
    object.metadata.managedFields = [
      { manager: ours, operation: 'Update', fieldsV1: {} },
      { manager: ours, operation: 'Apply', subresource: 'status', fieldsV1: {} },
    ];
    assert.equal(applyEntryOf(object, ours), undefined);
  });

  it('is nobody when the server was asked to leave managedFields out', () => {
    const object = deployment();
    delete object.metadata.managedFields;
    assert.deepEqual(managedFieldsOf(object), []);
    assert.equal(applyEntryOf(object, ours), undefined);
  });

  it('is told for each field', () => {
    const owners = (...names: string[]) => ownersOf(deployment(), names.map(field)).map((entry) => entry.manager);
    assert.deepEqual(owners('spec', 'replicas'), ['kube-controller-manager']);
    assert.deepEqual(owners('metadata', 'annotations', 'example.com/cache'), ['kubectl-edit']);
    assert.deepEqual(owners('spec', 'paused'), []);
  });

  it('cannot be read from a format that is not FieldsV1', () => {
    assert.deepEqual(pathsOf(fieldSet({ fieldsType: 'FieldsV2', fieldsV1: { 'f:a': {} } })), []);
    assert.deepEqual(pathsOf(fieldSet({ fieldsV1: { 'f:a': {} } })), ['a']);
  });

  it('tells two updates of one manager apart by their time', () => {
    const object = deployment();
    const first: ManagedFieldsEntry = { manager: 'm', operation: 'Update', time: '1', fieldsV1: { 'f:a': {} } };
    object.metadata.managedFields = [first, { ...first, time: '2', fieldsV1: { 'f:b': {} } }];
    assert.deepEqual(pathsOf(fieldsOfOthers(object, first)), ['b']);
  });
});

describe('The hash of our entry', () => {
  it('does not depend on the order in which the server writes it', () => {
    const entry = ourEntry(deployment());
    assert.equal(
      entryHash({ ...entry, fieldsV1: reversed(entry.fieldsV1) as Record<string, unknown> }),
      entryHash(entry),
    );
    assert.match(entryHash(entry), /^[0-9a-f]{16}$/);
  });

  it('changes when somebody takes one of our fields', () => {
    const fields = { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } };
    assert.notEqual(entryHash({ fieldsV1: fields }), entryHash({ fieldsV1: { 'f:spec': { 'f:replicas': {} } } }));
  });

  it('does not change with time, when the server renews an entry', () => {
    const entry = ourEntry(deployment());
    assert.equal(entryHash({ ...entry, time: '2030-01-01T00:00:00Z' }), entryHash(entry));
  });
});

describe('The digest of what we own', () => {
  const digest = (object: KubernetesObject, key?: string) => ownedDigest(object, ourEntry(object), key);

  it('changes with a value of ours', () => {
    const object = deployment();
    const web = object.spec.template.spec.containers.find((container) => container.name === 'web');
    assert.ok(web);
    web.args = ['-g', 'daemon on;'];
    assert.notEqual(digest(object), digest(deployment()));
  });

  it('does not change with what others own: replicas, another container, status, an environment variable', () => {
    const object = deployment();
    object.spec.replicas = 50;
    object['status'] = {};
    object.metadata.resourceVersion = '999';
    object.spec.template.spec.containers = object.spec.template.spec.containers.filter(
      ({ name }) => name !== 'sidecar',
    );
    const web = object.spec.template.spec.containers.find((container) => container.name === 'web');
    assert.ok(web?.env);
    web.env = web.env.filter(({ name }) => name !== 'EXTRA');
    web.image = 'nginx:9';
    // We applied `emptyDir: {}`, somebody else put the limit into it.
    assert.deepEqual(object.spec.template.spec.volumes, [{ name: 'tmp', emptyDir: { sizeLimit: '1Gi' } }]);
    object.spec.template.spec.volumes = [{ name: 'tmp', emptyDir: { sizeLimit: '9Gi' } }];
    assert.equal(digest(object), digest(deployment()));
  });

  it('does not depend on the order of keys', () => {
    const object = deployment();
    assert.equal(digest(reversed(object) as KubernetesObject), digest(deployment()));
  });

  it('cannot be guessed when it is keyed', () => {
    const secret = byKind('Secret');
    assert.notEqual(digest(secret, 'key'), digest(secret));
    assert.notEqual(digest(secret, 'key'), digest(secret, 'other key'));
    assert.equal(digest(secret, 'key'), digest(structuredClone(secret), 'key'));
  });

  it('does not fail on an object that lost everything', () => {
    const object = deployment();
    const entry = ourEntry(object);
    const bare = { apiVersion: object.apiVersion, kind: object.kind, metadata: { name: 'web' } };
    assert.notEqual(ownedDigest(bare, entry), ownedDigest(object, entry));
  });
});

describe('Folding other managers into our entry', () => {
  it('makes their fields ours and removes their entries, so that the next apply removes what Git does not declare', () => {
    const object = byKind('NetworkPolicy');
    const folded = foldInto(object, ours, (entry) => entry.manager === 'kubectl-patch');
    assert.deepEqual(
      folded?.map((entry) => [entry.manager, entry.operation]),
      [[ours, 'Apply']],
    );
    assert.deepEqual(folded?.[0]?.fieldsV1, {
      'f:spec': { 'f:ingress': {}, 'f:podSelector': {}, 'f:policyTypes': {} },
    });
    assert.equal(managedFieldsOf(object).length, 2);
  });

  it('makes an entry where we have none: an object that kubectl made becomes ours', () => {
    const object = byKind('ConfigMap');
    const folded = foldInto(object, ours, (entry) => entry.manager === 'kubectl');
    const { manager, operation, fieldsType, apiVersion, fieldsV1 } = folded?.[0] ?? {};
    assert.deepEqual(
      { manager, operation, fieldsType, apiVersion },
      { manager: ours, operation: 'Apply', fieldsType: 'FieldsV1', apiVersion: 'v1' },
    );
    assert.deepEqual(pathsOf(parseFieldSet(fieldsV1)), ['data.a', 'data.b']);
  });

  it('leaves excepted fields with their manager', () => {
    const object = deployment();
    const restarted = parseFieldSet({
      'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/restartedAt': {} } } } },
    });
    const folded = foldInto(object, ours, (entry) => entry.manager === 'kubectl-rollout', restarted);
    const left = folded?.find((entry) => entry.manager === 'kubectl-rollout');
    assert.ok(left);
    assert.deepEqual(fieldSet(left), restarted);
  });

  it('is not needed when nobody is to be folded', () => {
    assert.equal(
      foldInto(deployment(), ours, () => false),
      undefined,
    );
    assert.equal(
      foldInto(deployment(), ours, (entry) => entry.manager === ours),
      undefined,
    );
  });
});

/** The same JSON with every object's keys the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

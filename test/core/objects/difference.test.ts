import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type DifferenceOptions, differences } from '../../../lib/core/objects/difference.ts';
import type { KubernetesObject, ManagedFieldsEntry } from '../../../lib/core/objects/kubernetes-object.ts';
import type { FieldChange } from '../../../lib/core/plan/change.ts';

const ours = 'azdo-gitops:shop';
const options: DifferenceOptions = { digestKey: 'a key of this run', ourManager: ours };

interface Container {
  name: string;
  image?: string;
  args?: string[];
  env?: { name: string; value: string }[];
  ports?: { containerPort: number; protocol?: string }[];
  volumeMounts?: { mountPath: string; name: string }[];
}

function deployment(containers: Container[], parts: Record<string, unknown> = {}): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { replicas: 2, template: { spec: { containers } }, ...parts },
  };
}

function configMap(data: Record<string, string>, metadata: Record<string, unknown> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', ...metadata }, data };
}

function diff(before: KubernetesObject | undefined, after: KubernetesObject | undefined): FieldChange[] {
  return differences(before, after, options);
}

describe('The difference of two objects', () => {
  it('names the container, not its place, and shows both images', () => {
    const before = deployment([
      { name: 'log', image: 'log:1' },
      { name: 'web', image: 'nginx:1.27' },
    ]);
    const after = deployment([
      { name: 'log', image: 'log:1' },
      { name: 'web', image: 'nginx:1.28' },
    ]);
    assert.deepEqual(diff(before, after), [
      { path: 'spec.template.spec.containers[name=web].image', before: 'nginx:1.27', after: 'nginx:1.28' },
    ]);
  });

  it('finds items by the keys that the server merges them by', () => {
    const before = deployment([
      {
        name: 'web',
        env: [{ name: 'A', value: 'x' }],
        ports: [{ containerPort: 53, protocol: 'UDP' }],
        volumeMounts: [{ mountPath: '/a', name: 'v' }],
      },
    ]);
    const after = deployment([
      {
        name: 'web',
        env: [
          { name: 'B', value: 'y' },
          { name: 'A', value: 'z' },
        ],
        ports: [{ containerPort: 53, protocol: 'TCP' }],
        volumeMounts: [{ mountPath: '/a', name: 'w' }],
      },
    ]);
    const web = 'spec.template.spec.containers[name=web]';
    assert.deepEqual(diff(before, after), [
      { path: `${web}.env[name=A].value`, before: 'x', after: 'z' },
      { path: `${web}.env[name=B]`, after: '{name: B, value: y}' },
      { path: `${web}.ports[containerPort=53,protocol=TCP]`, after: '{containerPort: 53, protocol: TCP}' },
      { path: `${web}.ports[containerPort=53,protocol=UDP]`, before: '{containerPort: 53, protocol: UDP}' },
      { path: `${web}.volumeMounts[mountPath=/a].name`, before: 'v', after: 'w' },
    ]);
  });

  it('tells a change of order as one change, because the order of some lists means something', () => {
    const before = deployment([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    const after = deployment([{ name: 'c' }, { name: 'a' }, { name: 'b' }]);
    assert.deepEqual(diff(before, after), [
      { path: 'spec.template.spec.containers', before: 'in the order a, b, c', after: 'in the order c, a, b' },
    ]);
  });

  it('edits a list of texts as little as possible', () => {
    const before = deployment([{ name: 'web', args: ['serve', '--port=80', '--quiet'] }]);
    const after = deployment([{ name: 'web', args: ['serve', '--verbose', '--port=80', '--loud'] }]);
    const args = 'spec.template.spec.containers[name=web].args';
    assert.deepEqual(diff(before, after), [
      { path: `${args}[1]`, after: '--verbose' },
      { path: `${args}[2]`, before: '--quiet', after: '--loud' },
    ]);
  });

  it('tells a number from a text, and null and nothing from each other', () => {
    const spec = (value: unknown) => deployment([], { x: value });
    assert.deepEqual(diff(spec(1), spec('1')), [{ path: 'spec.x', before: '1', after: '"1"' }]);
    assert.deepEqual(diff(spec(null), spec({})), [{ path: 'spec.x', before: 'null', after: '{}' }]);
    assert.deepEqual(diff(spec(undefined), spec(null)), [{ path: 'spec.x', after: 'null' }]);
    assert.deepEqual(diff(spec([1]), spec({ a: 1 })), [{ path: 'spec.x', before: '[1]', after: '{a: 1}' }]);
  });

  it('writes names with dots in brackets', () => {
    const annotated = (value: string) => configMap({}, { annotations: { 'example.com/note': value } });
    assert.deepEqual(diff(annotated('a'), annotated('b')), [
      { path: 'metadata.annotations["example.com/note"]', before: 'a', after: 'b' },
    ]);
  });

  it('shows a text of several lines as the lines that differ', () => {
    assert.deepEqual(
      diff(configMap({ 'nginx.conf': 'a\nlisten 80;\nb\n' }), configMap({ 'nginx.conf': 'a\nlisten 8080;\nb\nc\n' })),
      [
        {
          path: 'data["nginx.conf"]',
          before: '3 lines',
          after: '4 lines',
          lines: ['@ line 2', '- listen 80;', '+ listen 8080;', '@ line 4', '+ c'],
        },
      ],
    );
  });

  it('shows what was added on one line if it fits, otherwise by its parts', () => {
    const sidecar = { name: 'proxy', image: 'envoy:1', args: ['--config', `/etc/${'long/'.repeat(20)}envoy.yaml`] };
    const added = diff(deployment([{ name: 'web' }]), deployment([{ name: 'web' }, sidecar]));
    assert.deepEqual(
      added.map((change) => [change.path.replace('spec.template.spec.', ''), change.before]),
      [
        ['containers[name=proxy].args[0]', undefined],
        ['containers[name=proxy].args[1]', undefined],
        ['containers[name=proxy].image', undefined],
        ['containers[name=proxy].name', undefined],
      ],
    );
    assert.deepEqual(
      diff(deployment([{ name: 'web' }]), deployment([{ name: 'web' }, { name: 'proxy', image: 'envoy:1' }])),
      [{ path: 'spec.template.spec.containers[name=proxy]', after: '{image: envoy:1, name: proxy}' }],
    );
  });

  it('shows long values around the place where they part', () => {
    const [change] = diff(configMap({ a: `${'x'.repeat(300)}1` }), configMap({ a: `${'x'.repeat(300)}2` }));
    assert.match(change?.before ?? '', /^…x{10,40}1$/);
    assert.match(change?.after ?? '', /^…x{10,40}2$/);
  });

  it('leaves out what the server keeps for itself', () => {
    const before = configMap({ a: '1' });
    const after = {
      ...configMap(
        { a: '1' },
        {
          uid: 'x',
          resourceVersion: '5',
          generation: 3,
          creationTimestamp: '2026-01-01T00:00:00Z',
          managedFields: [{ manager: 'm' }],
          selfLink: '/x',
          annotations: { 'deployment.kubernetes.io/revision': '4' },
        },
      ),
      status: { ready: true },
    };
    assert.deepEqual(diff(before, after), []);
    assert.deepEqual(
      diff(
        deployment([]),
        deployment([], { template: { metadata: { creationTimestamp: null }, spec: { containers: [] } } }),
      ),
      [{ path: 'spec.template.metadata', after: '{}' }],
    );
  });

  it('of an object that does not exist yet is what Git declares, without its name', () => {
    assert.deepEqual(diff(undefined, configMap({ a: '1' }, { namespace: 'shop', labels: { app: 'web' } })), [
      { path: 'data.a', after: '"1"' },
      { path: 'metadata.labels', after: '{app: web}' },
    ]);
    assert.deepEqual(diff(undefined, undefined), []);
  });

  it('lists so many changes and counts the rest', () => {
    const data = (value: string) =>
      configMap(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, value])));
    const changes = differences(data('a'), data('b'), { ...options, maxChanges: 10 });
    assert.equal(changes.length, 11);
    assert.deepEqual(changes.at(-1), { path: 'and 90 more' });
    assert.equal(diff(data('a'), data('b')).length, 41);
  });

  it('is nothing between an object and itself', () => {
    fc.assert(
      fc.property(anyObject, (object) => {
        assert.deepEqual(diff(object, structuredClone(object)), []);
      }),
    );
  });

  it('is something between objects that differ', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (a, b) => {
        // `creationTimestamp: null` is what older servers write; secrets of equal digest are equal.
        const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
        assert.equal(diff(deployment([], { x: a }), deployment([], { x: b })).length === 0, same);
      }),
    );
  });

  it('is the same the other way round, with before and after swapped', () => {
    fc.assert(
      fc.property(anyObject, anyObject, (a, b) => {
        const there = diff(a, b).map(({ path, before, after }) => ({ path, before, after }));
        const back = diff(b, a).map(({ path, before, after }) => ({ path, before: after, after: before }));
        assert.deepEqual(back, there);
      }),
    );
  });

  it('never fails, and never says more than it was allowed to', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.nat({ max: 5 }), (a, b, maxChanges) => {
        const foreign = (value: unknown) =>
          ({ apiVersion: 'v1', kind: 'Thing', ...(value as object) }) as unknown as KubernetesObject;
        const changes = differences(foreign(a), foreign(b), { ...options, maxChanges });
        assert.ok(changes.length <= maxChanges + 1);
        for (const change of changes) assert.ok(`${change.before ?? ''}${change.after ?? ''}`.length <= 200);
      }),
    );
  });
});

describe('Who set a value', () => {
  const managed = (...entries: [manager: string, fields: Record<string, unknown>][]): ManagedFieldsEntry[] =>
    entries.map(([manager, fieldsV1]) => ({ manager, operation: 'Update', fieldsType: 'FieldsV1', fieldsV1 }));
  const live = (managedFields: ManagedFieldsEntry[]) => ({
    ...deployment([{ name: 'web', image: 'a:1' }]),
    metadata: { name: 'web', managedFields },
  });
  const after = deployment([{ name: 'web', image: 'a:2' }], { replicas: 3 });
  const image = {
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } } } },
  };
  const setBy = (managedFields: ManagedFieldsEntry[]) =>
    Object.fromEntries(diff(live(managedFields), after).map((change) => [change.path.split('.').at(-1), change.setBy]));

  it('is told when it was not us', () => {
    const seen = setBy(
      managed(
        ['kubectl-edit', { 'f:spec': { 'f:replicas': {} } }],
        ['kubectl-set', image],
        [ours, { 'f:spec': { 'f:paused': {} } }],
      ),
    );
    assert.equal(seen['replicas'], 'kubectl-edit');
    assert.equal(seen['image'], 'kubectl-set');
  });

  it('is not told when we own it too, because then the value is ours', () => {
    assert.equal(setBy(managed([ours, image], ['kubectl-set', image]))['image'], undefined);
  });

  it('is told of a manager that owns something around the field as a whole', () => {
    assert.equal(setBy(managed(['kubectl-patch', { 'f:spec': { 'f:template': {} } }]))['image'], 'kubectl-patch');
  });

  it('is not told of what is only added', () => {
    const before = live(managed(['kubectl-edit', { 'f:spec': { 'f:paused': {} } }]));
    const added = diff(before, deployment([{ name: 'web', image: 'a:1' }], { paused: true }));
    assert.equal(added.find((change) => change.path === 'spec.paused')?.setBy, undefined);
  });
});

describe('Secrets in a difference', () => {
  const secret = (parts: Record<string, unknown>): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db' },
    ...parts,
  });

  it('are shown as digests that changed', () => {
    const [change] = diff(secret({ data: { password: 'b25l' } }), secret({ data: { password: 'dHdv' } }));
    assert.equal(change?.path, 'data.password');
    assert.match(change?.before ?? '', /^<secret [0-9a-f]{12}>$/);
    assert.match(change?.after ?? '', /^<secret [0-9a-f]{12}>$/);
    assert.notEqual(change?.before, change?.after);
  });

  it('that did not change are no difference', () => {
    assert.deepEqual(diff(secret({ data: { password: 'b25l' } }), secret({ data: { password: 'b25l' } })), []);
  });

  it('are not shown by an annotation that repeats the value of the other side', () => {
    const before = secret({
      data: { a: Buffer.from('hunter22').toString('base64') },
      metadata: { name: 'db', annotations: { x: '' } },
    });
    const after = secret({
      data: { a: Buffer.from('other').toString('base64') },
      metadata: { name: 'db', annotations: { x: 'was hunter22' } },
    });
    assert.doesNotMatch(JSON.stringify(diff(before, after)), /hunter22/);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}

const text = fc.constantFrom('a', 'b', 'c\nd', 'c\ne\n', '1', '', 'x'.repeat(120), `${'x'.repeat(120)}y`);
const anyContainer = fc.record(
  {
    name: fc.constantFrom('web', 'proxy', 'log'),
    image: text,
    args: fc.array(text, { maxLength: 4 }),
    env: fc.uniqueArray(fc.record({ name: fc.constantFrom('A', 'B', 'TOKEN'), value: text }), {
      selector: (item) => item.name,
      maxLength: 3,
    }),
  },
  { requiredKeys: ['name'] },
);
const anyObject: fc.Arbitrary<KubernetesObject> = fc
  .record({
    containers: fc.array(anyContainer, { maxLength: 3 }),
    labels: fc.dictionary(fc.constantFrom('app', 'example.com/a'), text),
    free: fc.jsonValue({ maxDepth: 3 }),
  })
  .map(({ containers, labels, free }) => ({
    ...deployment(containers as Container[], { free }),
    metadata: { name: 'web', labels },
  }));

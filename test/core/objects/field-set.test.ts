import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { type FieldPath, field, formatFieldPath, serverPath } from '../../../lib/core/objects/field-path.ts';
import {
  below,
  contains,
  emptyFieldSet,
  type FieldSet,
  fieldPaths,
  fieldSetOf,
  fieldsV1Of,
  findServerPath,
  hasPath,
  intersect,
  isEmpty,
  parseFieldSet,
  pathsOf,
  project,
  subtract,
  union,
  without,
} from '../../../lib/core/objects/field-set.ts';
import type { KubernetesObject } from '../../../lib/core/objects/kubernetes-object.ts';
import { fieldSet, fieldsOfOthers, managedFieldsOf } from '../../../lib/core/objects/managed-fields.ts';

interface Facts {
  readonly objects: readonly {
    readonly object: KubernetesObject;
    readonly entries: readonly { readonly manager: string; readonly paths: string[]; readonly extracted: unknown }[];
    readonly pairs: readonly {
      readonly a: number;
      readonly b: number;
      readonly union: Record<string, unknown>;
      readonly difference: Record<string, unknown>;
      readonly intersection: Record<string, unknown>;
    }[];
  }[];
  readonly conflicts: readonly (readonly { readonly field: string; readonly message: string }[])[];
}

const facts = JSON.parse(
  readFileSync(new URL('./fixtures/managed-fields.json', import.meta.url), 'utf8'),
) as unknown as Facts;

describe('A set of fields', () => {
  for (const { object, entries, pairs } of facts.objects) {
    const sets = managedFieldsOf(object).map(fieldSet);
    const title = `${object.kind} ${object.metadata.name}`;

    it(`has the paths that Kubernetes' own library reads from ${title}`, () => {
      assert.equal(sets.length, entries.length);
      for (const [index, entry] of entries.entries()) {
        assert.deepEqual(fieldPaths(at(sets, index)).map(serverPath).sort(), [...entry.paths].sort(), entry.manager);
      }
    });

    it(`is written back as the server wrote it in ${title}`, () => {
      for (const entry of managedFieldsOf(object)) assert.deepEqual(fieldsV1Of(fieldSet(entry)), entry.fieldsV1);
    });

    it(`takes from ${title} what Kubernetes' own library extracts for each manager`, () => {
      for (const [index, entry] of managedFieldsOf(object).entries()) {
        const part = project(object, at(sets, index), fieldsOfOthers(object, entry));
        assert.deepEqual(part, emptyForNull(entries[index]?.extracted), entry.manager ?? '');
      }
    });

    it(`is joined, subtracted and intersected as by Kubernetes' own library for ${title}`, () => {
      for (const pair of pairs) {
        const [a, b] = [at(sets, pair.a), at(sets, pair.b)];
        assert.deepEqual(fieldsV1Of(union(a, b)), fieldsV1Of(parseFieldSet(pair.union)));
        assert.deepEqual(fieldsV1Of(subtract(a, b)), pair.difference);
        assert.deepEqual(fieldsV1Of(intersect(a, b)), pair.intersection);
      }
    });
  }

  it('finds every field that the server names in a conflict, also where a name holds dots', () => {
    const all = facts.objects.flatMap(({ object }) => managedFieldsOf(object).map(fieldSet)).reduce(union);
    const named = facts.conflicts.flat().map((cause) => cause.field);
    assert.ok(named.includes('.metadata.annotations.example.com/cache'));
    for (const text of named) {
      const path = findServerPath(all, text);
      assert.ok(path, text);
      assert.equal(serverPath(path), text);
    }
    assert.equal(findServerPath(all, '.spec.nothing'), undefined);
  });

  it('leaves out elements of a kind that is not known yet, and anything that is no FieldsV1', () => {
    assert.deepEqual(pathsOf(parseFieldSet({ 'f:a': {}, 'x:b': {}, 'k:no json': {}, 'i:x': {}, 'v:': {} })), ['a']);
    for (const nothing of [undefined, null, 'f:a', 7, [], {}]) assert.ok(isEmpty(parseFieldSet(nothing)));
  });

  it('names its paths as messages do', () => {
    const set = parseFieldSet({
      'f:metadata': { 'f:annotations': { '.': {}, 'f:a.b/c': {} }, 'f:finalizers': { 'v:"example.com/keep"': {} } },
      'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {} } }, 'f:list': { 'i:3': {} } },
    });
    assert.deepEqual(pathsOf(set), [
      'metadata.annotations',
      'metadata.annotations["a.b/c"]',
      'metadata.finalizers[=example.com/keep]',
      'spec.containers[name=web]',
      'spec.containers[name=web].image',
      'spec.list[3]',
    ]);
  });

  it('knows a path itself from what is below it', () => {
    const set = parseFieldSet({ 'f:spec': { 'f:replicas': {} } });
    assert.ok(hasPath(set, [field('spec'), field('replicas')]));
    assert.ok(!hasPath(set, [field('spec')]));
    assert.deepEqual(pathsOf(below(set, [field('spec')])), ['replicas']);
    assert.ok(isEmpty(below(set, [field('status')])));
    assert.equal(below(set, []), set);
  });

  it('finds items by keys whose order differs from the one that was sent', () => {
    const set = parseFieldSet({ 'f:ports': { 'k:{"protocol":"TCP","port":80}': { 'f:name': {} } } });
    assert.ok(contains(set, parseFieldSet({ 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { 'f:name': {} } } })));
    const object = {
      ports: [
        { port: 80, protocol: 'UDP', name: 'a' },
        { port: 80, protocol: 'TCP', name: 'b' },
      ],
    };
    assert.deepEqual(project(object, set), { ports: [{ port: 80, protocol: 'TCP', name: 'b' }] });
  });

  it('takes an owned value whole, unless somebody else is known to own a part of it', () => {
    const ours = parseFieldSet({ 'f:emptyDir': {}, 'f:selector': {} });
    const others = parseFieldSet({ 'f:emptyDir': { 'f:sizeLimit': {} } });
    const object = { emptyDir: { sizeLimit: '1Gi' }, selector: { app: 'web' } };
    assert.deepEqual(project(object, ours), object);
    assert.deepEqual(project(object, ours, others), { emptyDir: {}, selector: { app: 'web' } });
  });

  it('tolerates fields and items that the object does not have', () => {
    const set = parseFieldSet({ 'f:a': { 'f:b': {} }, 'f:l': { 'k:{"name":"x"}': { 'f:v': {} } }, 'f:c': {} });
    assert.deepEqual(project({ l: [{ name: 'y' }, 3, null] }, set), { l: [] });
    assert.deepEqual(project({ a: 5, l: {} }, set), { a: 5, l: {} });
  });

  it('takes fields out of an object and leaves the rest as it is', () => {
    const object = { a: { b: 1, c: 2 }, l: [{ name: 'x', v: 1 }, { name: 'y' }], f: ['p', 'q'] };
    const set = parseFieldSet({
      'f:a': { 'f:b': {} },
      'f:l': { 'k:{"name":"x"}': { 'f:v': {} }, 'k:{"name":"y"}': {} },
      'f:f': { 'v:"p"': {} },
    });
    assert.deepEqual(without(object, set), { a: { c: 2 }, l: [{ name: 'x' }], f: ['q'] });
    assert.deepEqual(object.a, { b: 1, c: 2 });
  });

  it('obeys the laws of sets', () => {
    fc.assert(
      fc.property(anySet, anySet, (a, b) => {
        const both = union(a, b);
        assert.ok(contains(both, a) && contains(both, b));
        assert.ok(isEmpty(subtract(a, a)));
        assert.ok(isEmpty(intersect(subtract(a, b), b)));
        assert.deepEqual(fieldsV1Of(union(subtract(a, b), intersect(a, b))), fieldsV1Of(a));
        assert.deepEqual(fieldsV1Of(union(a, b)), fieldsV1Of(union(b, a)));
        assert.deepEqual(fieldsV1Of(fieldSetOf(fieldPaths(a))), fieldsV1Of(a));
        assert.equal(
          contains(a, b),
          fieldPaths(b).every((path) => hasPath(a, path)),
        );
      }),
    );
  });

  it('reads and projects whatever JSON there is without failing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), anySet, (object, fields, set) => {
        project(object, parseFieldSet(fields));
        without(object, set);
        project(object, set, parseFieldSet(fields));
        assert.deepEqual(project(object, emptyFieldSet), Array.isArray(object) ? [] : isMap(object) ? {} : undefined);
      }),
    );
  });

  it('gives every path a text of its own', () => {
    fc.assert(
      fc.property(anySet, (set) => {
        const texts = fieldPaths(set).map((path: FieldPath) => formatFieldPath(path));
        assert.equal(new Set(texts).size, texts.length);
      }),
    );
  });
});

const names = fc.constantFrom(
  'f:a',
  'f:b',
  'f:a.b',
  'k:{"name":"x"}',
  'k:{"name":"y","port":1}',
  'v:"x"',
  'v:1',
  'i:0',
  'i:1',
);
const anySet: fc.Arbitrary<FieldSet> = fc
  .letrec<{ level: Record<string, unknown> }>((tie) => ({
    level: fc.oneof(
      { maxDepth: 4 },
      fc.constant({}),
      fc
        .tuple(fc.dictionary(names, tie('level'), { maxKeys: 3 }), fc.boolean())
        .map(([level, self]) => (self ? { '.': {}, ...level } : level)),
    ),
  }))
  .level.map(parseFieldSet);

/** The library writes null for a map of which nothing is ours; as JSON to send, that would be another thing than an empty map. */
function emptyForNull(value: unknown): unknown {
  if (value === null) return {};
  if (Array.isArray(value)) return value.map(emptyForNull);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, emptyForNull(member)]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(sets: readonly FieldSet[], index: number): FieldSet {
  const set = sets[index];
  assert.ok(set);
  return set;
}

import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type FieldPath,
  field,
  formatFieldPath,
  type PathElement,
  parseFieldPath,
  serverPath,
} from '../../../lib/core/objects/field-path.ts';

const image: FieldPath = [
  field('spec'),
  field('template'),
  field('spec'),
  field('containers'),
  { type: 'key', keys: { name: 'web' } },
  field('image'),
];

describe('A field path', () => {
  it('reads like the field it names', () => {
    assert.equal(formatFieldPath(image), 'spec.template.spec.containers[name=web].image');
    assert.equal(
      formatFieldPath([field('metadata'), field('annotations'), field('a.b/c')]),
      'metadata.annotations["a.b/c"]',
    );
    assert.equal(
      formatFieldPath([field('spec'), field('ports'), { type: 'key', keys: { protocol: 'TCP', port: 80 } }]),
      'spec.ports[port=80,protocol=TCP]',
    );
    assert.equal(formatFieldPath([field('args'), { type: 'index', index: 0 }]), 'args[0]');
    assert.equal(formatFieldPath([field('data'), field('')]), 'data[""]');
    assert.equal(formatFieldPath([]), '.');
  });

  it('keeps a text that looks like a number or a word of JSON apart from that', () => {
    const named = (name: unknown) => formatFieldPath([{ type: 'key', keys: { name } }]);
    assert.equal(named('80'), '[name="80"]');
    assert.equal(named(80), '[name=80]');
    assert.equal(named('true'), '[name="true"]');
    assert.equal(named(true), '[name=true]');
  });

  it('stays one line without hidden characters, whatever the names', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(formatFieldPath(path), /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });

  it('reads back as what was written', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        assert.deepEqual(parseFieldPath(formatFieldPath(path)), path);
      }),
    );
  });

  it('is written in conflicts of the API server with a dot before each field and texts in quotes', () => {
    assert.equal(serverPath(image), '.spec.template.spec.containers[name="web"].image');
    assert.equal(serverPath([field('zones'), { type: 'value', value: 'b' }]), '.zones[="b"]');
    assert.deepEqual(parseFieldPath(serverPath(image)), image);
  });

  it('is refused when it is none', () => {
    for (const text of [
      '',
      '..',
      '[',
      'a[',
      'a[]',
      'a[name]',
      'a[name=]',
      'a[="x]',
      'a]b',
      'a[name="x"',
      'a["x"',
      'a[b=1,]',
    ]) {
      assert.equal(parseFieldPath(text), undefined, text);
    }
  });
});

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a.b', 'a]b', 'a"b', 'a[0]', '', 'a=b', ',', '\u2028'),
);
const anyElement: fc.Arbitrary<PathElement> = fc.oneof(
  name.map(field),
  fc
    .uniqueArray(
      fc.tuple(
        name.filter((key) => key !== '__proto__'),
        scalar,
      ),
      { minLength: 1, maxLength: 3, selector: ([key]) => key },
    )
    .map((pairs): PathElement => ({ type: 'key', keys: Object.fromEntries(pairs) })),
  scalar.map((value): PathElement => ({ type: 'value', value })),
  fc.nat().map((index): PathElement => ({ type: 'index', index })),
);
const anyPath = fc.array(anyElement, { maxLength: 5 });

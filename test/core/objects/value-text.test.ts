import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  fits,
  lineDifference,
  printable,
  shorten,
  shortenPair,
  valueText,
} from '../../../lib/core/objects/value-text.ts';

describe('The text of a value', () => {
  it('is bare for plain words, so that images and names read as they are', () => {
    for (const text of [
      'nginx:1.27',
      'registry.example.com/shop/web@sha256:0a1b',
      '--port=80',
      'a b',
      '<secret 1a2b>',
      '500m',
    ]) {
      assert.equal(valueText(text), text);
    }
  });

  it('is in quotes where it could be taken for something else', () => {
    assert.equal(valueText('3'), '"3"');
    assert.equal(valueText(3), '3');
    assert.equal(valueText('true'), '"true"');
    assert.equal(valueText('null'), '"null"');
    assert.equal(valueText(null), 'null');
    assert.equal(valueText(''), '""');
    assert.equal(valueText(' a'), '" a"');
    assert.equal(valueText('{"a": 1}'), `'{"a": 1}'`);
    assert.equal(valueText('a\nb'), '"a\\nb"');
  });

  it('shows objects and lists on one line', () => {
    assert.equal(
      valueText({ name: 'web', ports: [{ containerPort: 80 }], empty: {} }),
      '{empty: {}, name: web, ports: [{containerPort: 80}]}',
    );
  });

  it('hides no character that would change what a reader sees', () => {
    assert.equal(printable('a\u202eb\u200bc\u001b[31m\td'), 'a\\u202eb\\u200bc\\u001b[31m\\td');
    assert.equal(printable('\ud800'), '\\ud800');
    assert.equal(printable('naïve 🚀'), 'naïve 🚀');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(valueText(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
    );
  });

  it('is different for different values', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
        fc.oneof(fc.string(), fc.integer()),
        (a, b) => {
          assert.equal(valueText(a) === valueText(b), a === b);
        },
      ),
    );
  });

  it('is cut at the end when it is long', () => {
    const long = 'x'.repeat(500);
    assert.ok(!fits(long));
    assert.ok(fits(shorten(long)));
    assert.match(shorten(long), /^x+…$/);
    assert.equal(shorten('short'), 'short');
  });

  it('shows the place where two long texts part', () => {
    const shared = 'x'.repeat(300);
    const cut = shortenPair(`${shared}old${'y'.repeat(200)}`, `${shared}new${'y'.repeat(200)}`);
    assert.match(cut.before, /^…x{15,}oldy+…$/);
    assert.match(cut.after, /^…x{15,}newy+…$/);
  });

  it('cuts no character in two', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('🚀', 'a'), minLength: 90, maxLength: 200 }),
        fc.string({ unit: fc.constantFrom('🚀', 'a'), minLength: 90, maxLength: 200 }),
        (a, b) => {
          const cut = shortenPair(a, b);
          for (const text of [shorten(a), cut.before, cut.after]) {
            assert.doesNotMatch(text, /\p{Surrogate}/u);
            assert.ok(fits(text));
          }
          if (a !== b) assert.notEqual(cut.before, cut.after);
        },
      ),
    );
  });
});

describe('The difference of two texts of several lines', () => {
  it('names the line and shows what went and what came', () => {
    assert.deepEqual(lineDifference('a\nlisten 80;\nb\nc\nlast', 'a\nlisten 8080;\nextra\nb\nc'), [
      '@ line 2',
      '- listen 80;',
      '+ listen 8080;',
      '+ extra',
      '@ line 5',
      '- last',
    ]);
  });

  it('is cut, and says so', () => {
    const lines = lineDifference(Array.from({ length: 50 }, (_, i) => `a${i}`).join('\n'), 'b');
    assert.equal(lines.length, 21);
    assert.equal(lines.at(-1), 'and 32 more lines');
  });

  it('is nothing for equal texts', () => {
    assert.deepEqual(lineDifference('a\nb', 'a\nb'), []);
  });
});

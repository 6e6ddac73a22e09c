import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fits } from '../../../lib/core/own-files/pattern.ts';

describe('a pattern of guardrails', () => {
  const yes: readonly (readonly [string, string])[] = [
    ['shop', 'shop'],
    ['shop-*', 'shop-'],
    ['shop-*', 'shop-eu-1'],
    ['*', ''],
    ['**', 'a/b/c'],
    ['dev.azure.com/contoso/*/*', 'dev.azure.com/contoso/shop/api'],
    ['*/clusterrole*', 'rbac.authorization.k8s.io/ClusterRoleBinding'],
    ['Production', 'production'],
  ];
  for (const [pattern, text] of yes) it(`${pattern} fits '${text}'`, () => assert.equal(fits(pattern, text), true));

  const no: readonly (readonly [string, string])[] = [
    ['shop', 'shop-eu'],
    ['shop-*', 'shop'],
    ['*', 'a/b'],
    ['dev.azure.com/contoso/*', 'dev.azure.com/contoso/shop/api'],
    ['dev.azure.com/contoso/*', 'devxazure.com/contoso/shop'],
    ['[a-z]+', 'shop'],
    ['a?c', 'abc'],
    ['!shop', 'api'],
    ['{a,b}', 'a'],
    ['', 'a'],
  ];
  for (const [pattern, text] of no) {
    it(`${pattern} does not fit '${text}'`, () => assert.equal(fits(pattern, text), false));
  }

  const letter = fc.constantFrom('a', 'b', '/', '.');
  const words = fc.string({ unit: letter, maxLength: 6 });

  it('without a star fits itself and nothing else', () => {
    fc.assert(fc.property(words, words, (a, b) => fits(a, b) === (a === b)));
  });

  it('fits whatever stands in the place of its stars', () => {
    const filler = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 6 });
    fc.assert(
      fc.property(words, words, words, filler, words, (a, b, c, between, anything) => {
        assert.ok(fits(`${a}*${b}**${c}`, `${a}${between}${b}${anything}${c}`));
      }),
    );
  });

  it('agrees with a regular expression', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, words, (text, name) => {
        const source = text.replace(/\*\*+|[*.]/g, (found) => (found === '.' ? '\\.' : found === '*' ? '[^/]*' : '.*'));
        assert.equal(fits(text, name), new RegExp(`^${source}$`, 's').test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes no longer for a pattern that would keep a regular expression busy for years', () => {
    assert.equal(fits(`${'*a'.repeat(100)}b`, 'a'.repeat(250)), false);
  });
});

import assert from 'node:assert/strict';
import { parseVisibleRule } from '../../../scripts/build/visible-rule.ts';

describe('visibleRule of task.json', () => {
  it('is a comparison of an input with a value', () => {
    assert.deepEqual(parseVisibleRule('action = sync'), {
      ok: true,
      clauses: [{ input: 'action', operator: '=', literal: 'sync' }],
    });
    assert.deepEqual(parseVisibleRule('action!=plan'), {
      ok: true,
      clauses: [{ input: 'action', operator: '!=', literal: 'plan' }],
    });
    assert.deepEqual(parseVisibleRule('kind = Azure Resource Manager'), {
      ok: true,
      clauses: [{ input: 'kind', operator: '=', literal: 'Azure Resource Manager' }],
    });
  });

  it('joins comparisons by && or by ||', () => {
    for (const joiner of ['&&', '||']) {
      const rule = parseVisibleRule(`a = x ${joiner} b != y ${joiner} c = z`);
      assert.deepEqual(rule.ok && rule.clauses.map((clause) => clause.input), ['a', 'b', 'c']);
    }
  });

  const refused: [rule: string, reason: RegExp][] = [
    ['a = x && b = y || c = z', /&& and \|\|/],
    ['a = x && (b = y)', /parentheses/],
    ['a == x', /not of the form/],
    ['a > 1', /not of the form/],
    ['a', /not of the form/],
    ['', /not of the form/],
    ['a = x &&', /not of the form/],
    ['a = x & b = y', /not of the form/],
    ['a =', /letters, digits/],
    ['a = STANDARD_HA', /letters, digits/],
    ['a = test/value', /letters, digits/],
    ['a-b = x', /not the name of an input/],
    ['$(a) = x', /parentheses/],
  ];
  for (const [rule, reason] of refused) {
    it(`refuses '${rule}'`, () => {
      const parsed = parseVisibleRule(rule);
      assert.equal(parsed.ok, false);
      assert.match(parsed.ok ? '' : parsed.reason, reason);
    });
  }
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { align, type Pair } from '../../../lib/core/objects/align.ts';

const lists = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

/** `a b` for a pair, `-a` and `+b` for what is on one side only. */
function told(before: readonly string[], after: readonly string[], pairs: readonly Pair[]): string[] {
  return pairs.map((pair) => {
    if (pair.before === undefined) return `+${after[pair.after ?? -1]}`;
    return pair.after === undefined ? `-${before[pair.before]}` : `${before[pair.before]}`;
  });
}

function lengthOfCommon(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return 0;
  const [first, ...restA] = a;
  const [other, ...restB] = b;
  if (first === other) return 1 + lengthOfCommon(restA, restB);
  return Math.max(lengthOfCommon(restA, b), lengthOfCommon(a, restB));
}

describe('Aligning two lists', () => {
  it('keeps what is equal and shows what was put in and taken out', () => {
    const before = ['serve', '--port=80', '--quiet'];
    const after = ['serve', '--verbose', '--port=80'];
    assert.deepEqual(told(before, after, align(before, after)), ['serve', '+--verbose', '--port=80', '---quiet']);
  });

  it('shows what was taken out before what was put in at the same place', () => {
    assert.deepEqual(told(['a', 'x', 'b'], ['a', 'y', 'b'], align(['a', 'x', 'b'], ['a', 'y', 'b'])), [
      'a',
      '-x',
      '+y',
      'b',
    ]);
    assert.deepEqual(told(['a', 'y', 'b'], ['a', 'x', 'b'], align(['a', 'y', 'b'], ['a', 'x', 'b'])), [
      'a',
      '-y',
      '+x',
      'b',
    ]);
  });

  it('names every item once and in order, and pairs only equal ones', () => {
    fc.assert(
      fc.property(lists, lists, (before, after) => {
        const pairs = align(before, after);
        const indexes = (side: 'before' | 'after') => pairs.flatMap((pair) => pair[side] ?? []);
        assert.deepEqual(indexes('before'), [...before.keys()]);
        assert.deepEqual(indexes('after'), [...after.keys()]);
        for (const pair of pairs) {
          if (pair.before !== undefined && pair.after !== undefined)
            assert.equal(before[pair.before], after[pair.after]);
        }
      }),
    );
  });

  it('makes as few edits as possible', () => {
    const short = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 7 });
    fc.assert(
      fc.property(short, short, (before, after) => {
        const kept = align(before, after).filter((pair) => pair.before !== undefined && pair.after !== undefined);
        assert.equal(kept.length, lengthOfCommon(before, after));
      }),
    );
  });

  it('is the same the other way round', () => {
    fc.assert(
      fc.property(lists, lists, (before, after) => {
        const kept = (pairs: readonly Pair[]) =>
          pairs.filter((pair) => pair.before !== undefined && pair.after !== undefined);
        const back = kept(align(after, before)).map((pair) => ({ before: pair.after, after: pair.before }));
        assert.deepEqual(back, kept(align(before, after)));
      }),
    );
  });

  it('takes long texts that have nothing in common for replaced, in no time', () => {
    const many = (name: string) => Array.from({ length: 20_000 }, (_, index) => `${name}${index}`);
    const pairs = align(['same', ...many('a'), 'end'], ['same', ...many('b'), 'end']);
    assert.equal(pairs.length, 40_002);
    assert.deepEqual(pairs[0], { before: 0, after: 0 });
    assert.deepEqual(pairs.at(-1), { before: 20_001, after: 20_001 });
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { STATUS_GENRE, STATUS_NAME_LIMIT, syncStatusName } from '../../../lib/core/record/status-names.ts';
import { InputError } from '../../../lib/errors.ts';

describe('the name of a commit status', () => {
  it('is sync/<environment>/<set> of the genre gitops', () => {
    assert.equal(STATUS_GENRE, 'gitops');
    assert.equal(syncStatusName('production', 'shop'), 'sync/production/shop');
  });

  it('keeps what people write in names of environments', () => {
    assert.equal(syncStatusName('Production (West Europe)', 'shop-1'), 'sync/Production (West Europe)/shop-1');
  });

  it('encodes slashes, percent signs and whatever a log could misread', () => {
    assert.equal(syncStatusName('eu/west', 'shop'), 'sync/eu%2Fwest/shop');
    assert.equal(syncStatusName('100%', 'shop'), 'sync/100%25/shop');
    assert.equal(syncStatusName('##vso[x]', 'shop'), 'sync/%23%23vso%5Bx%5D/shop');
    assert.equal(syncStatusName('ümlaut\n', 'shop'), 'sync/%C3%BCmlaut/shop');
  });

  it('is different for different pairs, and can be read back', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(word, word, (environment, set) => {
        const parts = syncStatusName(environment, set).split('/').map(decodeURIComponent);
        assert.deepEqual(parts, ['sync', environment.trim(), set.trim()]);
      }),
    );
  });

  it('is refused, never cut, when a part is empty, broken or too long', () => {
    for (const [environment, set] of [
      ['', 'x'],
      ['x', '  '],
      ['\ud800', 'x'],
      ['e'.repeat(STATUS_NAME_LIMIT), 'x'],
    ] as const) {
      assert.throws(() => syncStatusName(environment, set), InputError);
    }
  });
});

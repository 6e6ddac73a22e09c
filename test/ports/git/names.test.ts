import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { InputError } from '../../../lib/errors.ts';
import { branchRef, isCommitId, shortBranch } from '../../../lib/ports/git/names.ts';

describe('the names of branches and commits', () => {
  it('gives main and refs/heads/main the same full name', () => {
    assert.equal(branchRef('main'), 'refs/heads/main');
    assert.equal(branchRef('refs/heads/release/1.2'), 'refs/heads/release/1.2');
    assert.equal(shortBranch('refs/heads/release/1.2'), 'release/1.2');
    assert.equal(shortBranch('refs/tags/v1'), 'refs/tags/v1');
  });

  it('refuses what could be read as an option or as another kind of ref', () => {
    for (const name of [
      '',
      '-x',
      '--upload-pack=touch /tmp/x',
      'refs/tags/v1',
      'refs/pull/7/merge',
      'a..b',
      'a b',
      'a^',
      '@{-1}',
      'HEAD',
      'x.lock',
      'a//b',
    ]) {
      assert.throws(
        () => branchRef(name),
        (error) => error instanceof InputError && /protectedBranch/.test(error.message),
      );
    }
  });

  it('agrees with git check-ref-format', () => {
    const piece = fc.constantFrom(
      'a',
      '.',
      '/',
      '-',
      '@',
      '{',
      '~',
      '^',
      ':',
      '..',
      '.lock',
      ' ',
      '*',
      '[',
      '\\',
      'é',
      '?',
      '\u007f',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), (pieces) => {
        const name = `b${pieces.join('')}`;
        let git = true;
        try {
          execFileSync('git', ['check-ref-format', `refs/heads/${name}`], { stdio: 'ignore' });
        } catch {
          git = false;
        }
        let ours = true;
        try {
          branchRef(name);
        } catch {
          ours = false;
        }
        assert.equal(ours, git, name);
      }),
      { numRuns: 150 },
    );
  });

  it('knows full commit ids of SHA-1 and SHA-256 only', () => {
    assert.ok(isCommitId('a'.repeat(40)) && isCommitId('0'.repeat(64)));
    for (const text of ['a'.repeat(39), 'A'.repeat(40), 'main', '--all', 'a'.repeat(41)])
      assert.ok(!isCommitId(text), text);
  });
});

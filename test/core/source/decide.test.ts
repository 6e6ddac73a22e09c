import assert from 'node:assert/strict';
import { type AncestryMeans, askAncestry, relationOf } from '../../../lib/core/source/ancestry.ts';
import { changesetNumber, changesetRelation, refuseShelveset } from '../../../lib/core/source/changesets.ts';
import {
  chooseRemote,
  decideOrder,
  protectedRef,
  type Relation,
  refusePullRequest,
  short,
} from '../../../lib/core/source/decide.ts';
import { CancelledError, ConflictError, InputError, UnreachableError } from '../../../lib/errors.ts';
import type { Answer } from '../../../lib/ports/git/repository.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);

describe('which branch may be deployed', () => {
  it('is the input, else the default branch of the remote', () => {
    assert.equal(protectedRef('release/1', 'refs/heads/main', true), 'refs/heads/release/1');
    assert.equal(protectedRef(undefined, 'refs/heads/trunk', true), 'refs/heads/trunk');
  });

  it('is main in a repository without remote', () => {
    assert.equal(protectedRef(undefined, undefined, false), 'refs/heads/main');
    assert.equal(protectedRef('trunk', undefined, false), 'refs/heads/trunk');
  });

  it('is never guessed for a remote that does not tell', () => {
    assert.throws(
      () => protectedRef(undefined, undefined, true),
      (error) => error instanceof InputError && /protectedBranch/.test(error.message),
    );
  });
});

describe('a pull request', () => {
  it('is refused by its merge ref and by its number', () => {
    assert.throws(
      () => refusePullRequest({ repository: { ref: 'refs/pull/17/merge' } }),
      /pull request 17.*refs\/pull\/17\/merge.*allowUnmerged/,
    );
    assert.throws(() => refusePullRequest({ pullRequestId: '4', repository: {} }), /pull request 4/);
    refusePullRequest({ repository: { ref: 'refs/heads/pull/17/merge' } });
    refusePullRequest({});
  });
});

describe('the order of deployments', () => {
  const order = (relation: Relation, more: object = {}) =>
    decideOrder({
      commit: A,
      deployed: { commit: B },
      relation,
      allowOlder: false,
      allowUnmerged: false,
      hostType: 'build',
      ...more,
    });

  it('lets a newer commit and the same one pass in silence', () => {
    assert.equal(order('newer'), undefined);
    assert.equal(order('same'), undefined);
  });

  for (const relation of ['older', 'diverged', 'unknown'] as const) {
    it(`refuses a commit whose relation is ${relation}, names allowOlder, and lets it pass with a warning when that is set`, () => {
      assert.throws(
        () => order(relation),
        (error) => {
          assert.ok(error instanceof ConflictError);
          assert.equal(error.outcome, 'olderCommit');
          assert.match(error.message, /aaaaaaaaaa.*bbbbbbbbbb.*allowOlder/);
          return true;
        },
      );
      assert.match(order(relation, { allowOlder: true }) ?? '', /because allowOlder is set/);
    });
  }

  it('tells a redeployed classic release that this is the input for rolling back', () => {
    assert.throws(() => order('older', { hostType: 'release' }), /redeployed to roll back, set the input allowOlder/);
  });

  it('lets a branch of a development target diverge, but still not go back', () => {
    assert.match(order('diverged', { allowUnmerged: true }) ?? '', /because allowUnmerged is set/);
    assert.throws(() => order('older', { allowUnmerged: true }), ConflictError);
    assert.throws(() => order('unknown', { allowUnmerged: true }), ConflictError);
  });

  it('says what was tried when nobody could tell', () => {
    assert.throws(
      () => order('unknown', { reasons: ['the server did not answer.'] }),
      /Tried: the server did not answer\. If/,
    );
  });

  it('shortens commit ids and nothing else', () => {
    assert.equal(short(A), 'aaaaaaaaaa');
    assert.equal(short('4711'), '4711');
  });
});

describe('the remote that decides', () => {
  const HOST = 'https://dev.azure.com/contoso/web/_git/shop';
  it('is the one that the run speaks of, whoever wrote the checkout’s configuration', () => {
    assert.deepEqual(chooseRemote(undefined, HOST, true), { kind: 'remote', url: HOST, ofHost: true });
    assert.throws(
      () => chooseRemote('https://evil.example/web/_git/shop', HOST, true),
      /evil\.example.*is not the repository of this run, https:\/\/dev\.azure\.com/,
    );
  });

  it('may be written in another form', () => {
    const origin = 'https://contoso@contoso.visualstudio.com/web/_git/shop';
    assert.deepEqual(chooseRemote(origin, HOST, true), { kind: 'remote', url: origin, ofHost: true });
  });

  it('is the checkout’s own for a second repository, and missing where nobody knows one', () => {
    const other = 'https://github.com/contoso/config';
    assert.deepEqual(chooseRemote(other, HOST, false), { kind: 'remote', url: other, ofHost: false });
    assert.deepEqual(chooseRemote(undefined, HOST, false), { kind: 'none' });
    assert.deepEqual(chooseRemote(undefined, undefined, true), { kind: 'none' });
  });

  it('is printed without credentials when it is refused', () => {
    assert.throws(
      () => chooseRemote('https://me:hunter2@evil.example/x', HOST, true),
      (error) => error instanceof InputError && !/hunter2/.test(error.message),
    );
  });
});

describe('asking for ancestry', () => {
  const means = (name: AncestryMeans['name'], answer: Answer | Error, log: string[] = []): AncestryMeans => ({
    name,
    isAncestor: async () => {
      log.push(name);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });

  it('stops at the first means that knows', async () => {
    const log: string[] = [];
    const all = [means('checkout', 'unknown', log), means('fetched', 'no', log), means('rest', 'yes', log)];
    const { answer, by } = await askAncestry(all, A, B);
    assert.deepEqual([answer, by, log], ['no', 'fetched', ['checkout', 'fetched']]);
  });

  it('goes on after a failure and keeps its reason', async () => {
    const { answer, by, reasons } = await askAncestry(
      [means('fetched', new UnreachableError('no answer')), means('rest', 'yes')],
      A,
      B,
    );
    assert.deepEqual([answer, by, reasons], ['yes', 'rest', ['no answer']]);
  });

  it('is undecided when nobody knows', async () => {
    const { answer, by, reasons } = await askAncestry([means('checkout', 'unknown')], A, B);
    assert.deepEqual([answer, by, reasons.length], ['unknown', 'none', 1]);
  });

  it('ends at a cancellation and does not hide a fault of ours', async () => {
    await assert.rejects(askAncestry([means('rest', new CancelledError())], A, B), CancelledError);
    await assert.rejects(askAncestry([means('rest', new TypeError('bug'))], A, B), TypeError);
  });

  for (const [forward, back, relation] of [
    ['yes', 'no', 'newer'],
    ['no', 'yes', 'older'],
    ['unknown', 'yes', 'older'],
    ['no', 'no', 'diverged'],
    ['unknown', 'no', 'unknown'],
    ['no', 'unknown', 'unknown'],
  ] as const) {
    it(`finds ${relation} when the commit contains the deployed one: ${forward}, and the other way round: ${back}`, async () => {
      const one: AncestryMeans = {
        name: 'rest',
        isAncestor: async (_, descendant) => (descendant === A ? forward : back),
      };
      assert.equal((await relationOf([one], A, B)).relation, relation);
    });
  }

  it('asks nobody about one and the same commit', async () => {
    assert.equal((await relationOf([], A, A)).relation, 'same');
  });
});

describe('changesets of TFVC', () => {
  it('are compared as numbers', () => {
    assert.equal(changesetRelation(100, '99'), 'newer');
    assert.equal(changesetRelation(99, 'C100'), 'older');
    assert.equal(changesetRelation(100, '100'), 'same');
    assert.equal(changesetRelation(100, A), 'unknown');
  });

  it('are numbers and nothing else', () => {
    assert.equal(changesetNumber('C42'), 42);
    for (const text of ['', 'C', 'main', '1e3', '-1', A]) assert.throws(() => changesetNumber(text), InputError);
  });

  it('are not shelvesets', () => {
    assert.throws(() => refuseShelveset({ repository: { ref: 'gated_2026;Norman Paulk' } }), /is not checked in/);
    refuseShelveset({ repository: { ref: '$/shop/main' } });
    refuseShelveset({});
  });
});

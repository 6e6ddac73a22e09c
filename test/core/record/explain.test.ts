import assert from 'node:assert/strict';
import {
  type ChangedObject,
  explainObject,
  explanationText,
  type SourceFacts,
} from '../../../lib/core/record/explain.ts';

const WEB: ChangedObject = {
  group: 'apps',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  changed: {
    commit: 'a'.repeat(40),
    at: '2026-11-23T19:46:52Z',
    run: 'https://dev.azure.com/contoso/shop/_build/results?buildId=7',
    requester: 'R. Requester',
  },
};
const FACTS: SourceFacts = {
  commit: { known: true, value: { author: 'A. Author', date: '2026-11-22T08:00:00Z', subject: 'Use 2 replicas' } },
  pullRequest: {
    known: true,
    value: {
      id: 42,
      title: 'Two replicas',
      url: 'https://dev.azure.com/contoso/shop/_git/shop/pullrequest/42',
      author: { name: 'A. Author' },
      reviewers: [
        { name: 'V. One', vote: 'approved' },
        { name: 'V. Two', vote: 'waitingForAuthor' },
      ],
    },
  },
  approvers: { known: true, value: [{ name: 'P. Approver', at: '2026-11-23T19:40:00Z' }] },
};

const lines = (entry: ChangedObject, facts: Partial<SourceFacts> = {}) =>
  explanationText(explainObject(entry, { ...FACTS, ...facts }));
const line = (label: string, ...args: Parameters<typeof lines>) =>
  lines(...args).find((one) => one.trim().startsWith(label)) ?? assert.fail(`no line ${label}`);

describe('the explanation of an object', () => {
  it('tells commit, pull request, author, reviewers, approver and run', () => {
    assert.deepEqual(lines(WEB), [
      'deployment.apps/shop/web',
      `  commit             ${'a'.repeat(40)}`,
      '  subject            Use 2 replicas',
      '  author             A. Author, 2026-11-22T08:00:00Z',
      '  pull request       42 "Two replicas", https://dev.azure.com/contoso/shop/_git/shop/pullrequest/42',
      '  opened by          A. Author',
      '  reviewers          V. One (approved); V. Two (waits for the author)',
      '  stage approved by  P. Approver, 2026-11-23T19:40:00Z',
      '  run                https://dev.azure.com/contoso/shop/_build/results?buildId=7',
      '  requested by       R. Requester',
      '  changed at         2026-11-23T19:46:52Z',
    ]);
  });

  it('says of what could not be found out that it is not known, and why', () => {
    const because = 'Azure DevOps did not answer';
    const unknown = { known: false, because } as const;
    const facts = { commit: unknown, pullRequest: unknown, approvers: unknown };
    for (const label of ['author', 'pull request', 'stage approved by']) {
      assert.match(line(label, WEB, facts), /not known: Azure DevOps did not answer$/);
    }
    const bare = { ...WEB, changed: { commit: 'a'.repeat(40) } };
    for (const label of ['run', 'requested by', 'changed at']) assert.match(line(label, bare), /not known: /);
  });

  it('tells nobody from not known, and a pushed commit from one whose pull request is not known', () => {
    assert.match(line('stage approved by', WEB, { approvers: { known: true, value: [] } }), /by {2}nobody$/);
    const pushed = { pullRequest: { known: true, value: undefined } } as const;
    assert.match(line('pull request', WEB, pushed), /none: the commit was pushed$/);
    assert.ok(!lines(WEB, pushed).some((one) => one.includes('reviewers')));
  });

  it('says of an object without a recorded change that only that is known', () => {
    const { changed: _, ...old } = WEB;
    assert.deepEqual(lines(old).length, 2);
    assert.match(line('commit', old), /not known: .*the next change of it is recorded$/);
  });

  it('keeps every fact on its line', () => {
    const commit = { known: true, value: { author: 'x', date: 'y', subject: 'a\n  run   https://evil' } } as const;
    assert.equal(lines(WEB, { commit }).length, lines(WEB).length);
  });
});

import assert from 'node:assert/strict';
import type { Applied } from '../../lib/sync/apply-stages.ts';
import type { Decision } from '../../lib/sync/decide.ts';
import { entriesByKey, type Inventory, type InventoryEntry } from '../../lib/sync/inventory.ts';
import type { Pruned } from '../../lib/sync/prune-objects.ts';
import { addMade, isSameInventory, recordRun, superset } from '../../lib/sync/record.ts';
import { applied, configMap, set, target } from './sample.ts';

const options = { fieldManager: set.fieldManager, digestKey: undefined };
const at = '2026-03-03T03:03:03Z';
const attempt = { commit: 'c1', at };
const known = (name: string, more: Partial<InventoryEntry> = {}): InventoryEntry => ({
  ...target(configMap(name)).id,
  version: 'v1',
  uid: `uid-${name}`,
  ...more,
});
const inventory = (...entries: InventoryEntry[]): Inventory => ({ epoch: 1, entries: entriesByKey(entries) });
const decision = (name: string, kind: Decision['kind'], more: Partial<Decision> = {}): Decision => ({
  target: target(configMap(name)),
  kind,
  ...(kind !== 'create' && { live: applied(configMap(name)) }),
  ...more,
});
const done = (of: Decision): Applied => ({
  decision: of,
  state: 'done',
  created: true,
  answer: applied(of.target.payload),
});
const entryOf = ({ entries }: Inventory, name: string) => entries.get(target(configMap(name)).key);

describe('the record before the first write', () => {
  it('has all that was recorded, and an intent for all that may be made or taken over', () => {
    const before = superset(inventory(known('old')), [decision('new', 'create'), decision('theirs', 'adopt')], attempt);
    assert.deepEqual(entryOf(before, 'old'), known('old'));
    assert.deepEqual(entryOf(before, 'new')?.pending, { intent: 'create', since: at });
    const adopting = { intent: 'adopt', since: at, seenUid: 'uid-theirs' };
    assert.deepEqual(entryOf(before, 'theirs')?.pending, adopting);
    assert.equal(entryOf(before, 'theirs')?.uid, undefined);
  });

  it('has an intent also for what carries our label but is not recorded, or under another uid', () => {
    const stale = known('b', { uid: 'other' });
    const todo = [decision('a', 'configure'), decision('b', 'configure', { entry: stale })];
    const before = superset(inventory(stale), todo, attempt);
    assert.deepEqual(
      ['a', 'b'].map((name) => entryOf(before, name)?.pending?.intent),
      ['adopt', 'adopt'],
    );
  });

  it('leaves alone what is recorded with its uid, and keeps the time of an intent that a run did not finish', () => {
    const record = known('a');
    const early = { intent: 'create' as const, since: '2026-01-01T00:00:00Z' };
    const { uid: _uid, ...unfinished } = known('b', { pending: early });
    const todo = [decision('a', 'configure', { entry: record }), decision('b', 'create', { entry: unfinished })];
    const before = superset(inventory(record, unfinished), todo, attempt);
    assert.equal(entryOf(before, 'a'), record);
    assert.deepEqual(entryOf(before, 'b')?.pending, early);
  });
});

describe('the record after a run', () => {
  const run = { prunes: [], pruned: [], deployment: attempt, isApplied: true, isHealthy: true };

  it('has uid and fingerprint of what was answered, and the intent of what was not', () => {
    const [made, failed] = [decision('made', 'create'), decision('failed', 'create')];
    const before = superset(inventory(), [made, failed], attempt);
    const results: Applied[] = [
      done(made),
      { decision: failed, state: 'failed', problem: { message: 'x' }, error: new Error('x') },
    ];
    const after = recordRun(before, { ...run, isApplied: false, applied: results }, options);
    assert.equal(entryOf(after, 'made')?.uid, 'uid-made');
    assert.ok(entryOf(after, 'made')?.fingerprint);
    assert.equal(entryOf(after, 'made')?.pending, undefined);
    assert.equal(entryOf(after, 'failed')?.pending?.intent, 'create');
    assert.deepEqual([after.deployed, after.attempt], [undefined, attempt]);
  });

  it('knows what was adopted, also runs later', () => {
    const first = recordRun(inventory(), { ...run, applied: [done(decision('a', 'adopt'))] }, options);
    const entry = entryOf(first, 'a');
    assert.equal(entry?.adopted, true);
    const later = done(decision('a', 'configure', { ...(entry && { entry }) }));
    assert.equal(entryOf(recordRun(first, { ...run, applied: [later] }, options), 'a')?.adopted, true);
  });

  it('forgets what is gone, and nothing that was kept, held or not reached', () => {
    const prune = (name: string, decided: 'prune' | 'forget' | 'keep') => {
      const { id, key } = target(configMap(name));
      return { id, key, decision: decided, reason: '' };
    };
    const pruned: Pruned[] = [
      { prune: prune('done', 'prune'), state: 'done' },
      { prune: prune('held', 'prune'), state: 'failed', problem: { message: 'x' }, error: new Error('x') },
      { prune: prune('late', 'prune'), state: 'notReached' },
      { prune: prune('full', 'prune'), state: 'kept', reason: 'x' },
    ];
    const names = ['done', 'held', 'late', 'full', 'gone', 'kept', 'stays'];
    const prunes = [...pruned.map((result) => result.prune), prune('gone', 'forget'), prune('kept', 'keep')];
    const after = recordRun(
      inventory(...names.map((name) => known(name))),
      { ...run, applied: [], prunes, pruned },
      options,
    );
    assert.deepEqual(
      [...after.entries.values()].map((one) => one.name),
      ['held', 'late', 'full', 'kept', 'stays'],
    );
  });

  it('is worth a write when it differs in more than the time of an equal deployment', () => {
    const of = (time: string, commit = 'c'): Inventory => ({
      ...inventory(known('a')),
      deployed: { commit, at: time },
    });
    assert.ok(isSameInventory(of('1'), of('2')));
    assert.ok(!isSameInventory(of('1'), of('1', 'd')));
    assert.ok(!isSameInventory(of('1'), { ...of('1'), entries: entriesByKey([known('a', { adopted: true })]) }));
  });

  it('adds what this run made to the record of a run that came in between, and changes nothing else in it', () => {
    const made = [done(decision('made', 'create')), done(decision('both', 'create'))];
    const ours = recordRun(inventory(known('old')), { ...run, applied: made }, options);
    const both = known('both', { adopted: true });
    const merged = addMade(inventory(known('theirs'), both), ours, made);
    assert.deepEqual(
      [...merged.entries.values()].map((one) => one.name),
      ['theirs', 'both', 'made'],
    );
    assert.equal(entryOf(merged, 'both'), both);
  });
});

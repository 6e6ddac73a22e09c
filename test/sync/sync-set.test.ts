import assert from 'node:assert/strict';
import { applySetId, syncSet } from '../../lib/sync/sync-set.ts';

describe('sync set', () => {
  it('has the ApplySet id that kubectl computes for the same parent', () => {
    // kubectl's own test vector: applyset_test.go.
    assert.equal(applySetId('my-set', 'test', 'Secret', ''), 'applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1');
  });

  it('has a field manager within the 128 bytes that the API server takes, and different ones for long names', () => {
    const long = 'a'.repeat(200);
    const one = syncSet(`${long}1`, 'n', 'e').fieldManager;
    const two = syncSet(`${long}2`, 'n', 'e').fieldManager;
    assert.ok(Buffer.byteLength(one) <= 128 && one.startsWith('azdo-gitops:'));
    assert.notEqual(one, two);
    assert.equal(syncSet('shop', 'n', 'e').fieldManager, 'azdo-gitops:shop');
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { itemKeys } from '../../../lib/core/objects/list-keys.ts';

const facts = JSON.parse(readFileSync(new URL('./fixtures/list-keys.json', import.meta.url), 'utf8')) as {
  lists: [name: string, keys: string[]][];
};

const keysOf = (name: string, before: unknown[], after: unknown[] = []) =>
  itemKeys(name, before, after)?.before.map((element) => (element.type === 'key' ? element.keys : element));

describe('Items of a list', () => {
  for (const [name, keys] of facts.lists) {
    it(`of ${name} are told apart by ${keys.join(' and ')}, as the server does`, () => {
      const item = Object.fromEntries(keys.map((key) => [key, `a ${key}`]));
      assert.deepEqual(keysOf(name, [{ ...item, more: 'x' }]), [item]);
    });
  }

  it('of any other list are told apart by name, if they have one', () => {
    assert.deepEqual(keysOf('routes', [{ name: 'a', to: 1 }]), [{ name: 'a' }]);
    assert.equal(keysOf('routes', [{ to: 1 }]), undefined);
    assert.equal(keysOf('routes', ['a']), undefined);
  });

  it('are told apart by place when two share a key, in either list', () => {
    assert.equal(itemKeys('env', [{ name: 'A' }, { name: 'A' }], []), undefined);
    assert.equal(itemKeys('env', [], [{ name: 'A' }, { name: 'A' }]), undefined);
  });

  it('may lack a part of the key: a toleration of all effects', () => {
    assert.deepEqual(keysOf('tolerations', [{ key: 'a' }, { key: 'a', effect: 'NoSchedule' }]), [
      { key: 'a' },
      { key: 'a', effect: 'NoSchedule' },
    ]);
    assert.equal(keysOf('tolerations', [{ operator: 'Exists' }]), undefined);
  });

  it('whose key is no plain value are told apart by place', () => {
    assert.equal(keysOf('env', [{ name: { a: 1 } }]), undefined);
    assert.equal(keysOf('env', [{ name: null }]), undefined);
  });

  it('of a list that is called like something every JavaScript object has are no trap', () => {
    assert.deepEqual(keysOf('constructor', [{ name: 'a' }]), [{ name: 'a' }]);
    assert.equal(keysOf('toString', [{ x: 'a' }]), undefined);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { fingerprint, isSameManifest, isUnchanged } from '../../lib/sync/fingerprint.ts';
import { applied, configMap, entry, set, target } from './sample.ts';

const options = { fieldManager: set.fieldManager, digestKey: randomBytes(32) };
const git = target(configMap('a')).payload;
const live = applied(configMap('a'));
const print = fingerprint(git, live, options);

describe('the fingerprint of an object as it was left', () => {
  it('stays the same while only others’ fields, status and versions move', () => {
    const moved: KubernetesObject = {
      ...live,
      metadata: {
        ...live.metadata,
        resourceVersion: '77',
        annotations: { other: 'x' },
        managedFields: [entry(set.fieldManager, ['key'], { time: '2026-02-02T00:00:00Z' }), entry('x', ['other'])],
      },
      data: { key: 'value', other: 'x' },
      status: { ready: true },
    };
    assert.ok(isUnchanged(print, git, moved, options));
  });

  it('changes with what Git declares, with a value of ours, with a field given or taken', () => {
    assert.ok(!isUnchanged(print, target(configMap('a', { key: 'new' })).payload, live, options));
    assert.ok(!isUnchanged(print, git, { ...live, data: { key: 'other' } }, options));
    assert.ok(
      !isUnchanged(print, git, applied(configMap('a'), { managedFields: [entry(set.fieldManager, [])] }), options),
    );
    assert.ok(!isUnchanged(print, git, applied(configMap('a'), { managedFields: [] }), options));
    assert.ok(!isUnchanged(undefined, git, live, options));
  });

  it('does not depend on the order of keys in Git', () => {
    const reordered = {
      ...git,
      metadata: Object.fromEntries(Object.entries(git.metadata).reverse()),
    } as KubernetesObject;
    assert.ok(isSameManifest(print, reordered, options));
  });

  it('of a Secret is keyed, so that nobody can try values; without a key there is none', () => {
    const secret: KubernetesObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { key: 'eA==' },
    };
    const made = applied(secret);
    const one = fingerprint(secret, made, options);
    const other = fingerprint(secret, made, { ...options, digestKey: randomBytes(32) });
    assert.ok(one !== undefined && other !== undefined);
    assert.notEqual(one.manifest, other.manifest);
    assert.notEqual(one.owned, other.owned);
    assert.equal(fingerprint(secret, made, { ...options, digestKey: undefined }), undefined);
    assert.ok(!isUnchanged(one, secret, made, { ...options, digestKey: undefined }));
  });
});

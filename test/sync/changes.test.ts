import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { type ChangeOptions, changeOf, foreignFieldNames, pruneChange, targetName } from '../../lib/sync/changes.ts';
import type { Decision } from '../../lib/sync/decide.ts';
import { foreignFields } from '../../lib/sync/foreign-fields.ts';
import type { Prepared } from '../../lib/sync/preflight.ts';
import { applied, configMap, entry, set, target } from './sample.ts';

const options: ChangeOptions = {
  fieldManager: set.fieldManager,
  displayKey: randomBytes(32),
  foreignFields: 'correct',
};
const git = target(configMap('a', { mode: 'new' }));
const live = applied(configMap('a', { mode: 'old' }));
const after = applied(configMap('a', { mode: 'new' }));
const prepared = (kind: Decision['kind'], more: Partial<Prepared> = {}, decided: Partial<Decision> = {}): Prepared => ({
  decision: { target: git, kind, ...(kind !== 'create' && { live }), ...decided },
  yielded: [],
  forced: [],
  ...more,
});
const edited: KubernetesObject = {
  ...live,
  data: { mode: 'old', added: 'by hand' },
  metadata: { ...live.metadata, managedFields: [entry(set.fieldManager, ['mode']), entry('kubectl-edit', ['added'])] },
};
const foreign = foreignFields(edited, set.fieldManager, { andTools: false });

describe('a change as it is told', () => {
  it('names the object, its place in Git and each field with both values', () => {
    assert.deepEqual(changeOf(prepared('configure', { after }), options), {
      target: { kind: 'ConfigMap', namespace: 'shop', name: 'a' },
      origin: { file: 'app.yaml', line: 1 },
      action: 'configure',
      fields: [{ path: 'data.mode', before: 'old', after: 'new' }],
    });
  });

  it('is none where the server would change nothing, but an adoption always is one', () => {
    assert.equal(changeOf(prepared('configure', { after: live }), options).action, 'unchanged');
    assert.equal(changeOf(prepared('adopt', { after: live }), options).action, 'adopt');
    assert.equal(changeOf(prepared('configure'), options).action, 'configure', 'the server was not asked');
  });

  it('shows what people added as going, with their name, though the dry run keeps it', () => {
    assert.ok(foreign);
    const change = changeOf(prepared('configure', { after: edited }, { live: edited, foreign }), options);
    assert.deepEqual(change.fields, [{ path: 'data.added', before: 'by hand', setBy: 'kubectl-edit' }]);
    assert.equal(change.reason, 'fields added by kubectl-edit');
    const left = changeOf(prepared('configure', { after: edited }, { live: edited, foreign }), {
      ...options,
      foreignFields: 'report',
    });
    assert.equal(left.action, 'unchanged');
    assert.deepEqual(foreignFieldNames({ target: git, kind: 'configure', live: edited, foreign }, options), [
      'data.added',
    ]);
  });

  it('is what the server answered in earnest, once it has', () => {
    const whole = changeOf(
      prepared('configure', { after, isDone: true }, { live: edited, ...(foreign && { foreign }) }),
      options,
    );
    assert.deepEqual(
      whole.fields.map((field) => [field.path, field.before, field.after]),
      [
        ['data.added', 'by hand', undefined],
        ['data.mode', 'old', 'new'],
      ],
    );
    assert.equal(changeOf(prepared('configure', { after: live, isDone: true }), options).action, 'unchanged');
  });

  it('says what is known only later, and what is left to its owner', () => {
    const waits = prepared('create', {}, { target: { ...git, awaitsDefinition: true } });
    assert.equal(changeOf(waits, options).reason, 'known after its definition is applied');
    const yielded = [
      { field: 'spec.replicas', path: undefined, manager: 'kube-controller-manager', subresource: 'scale' },
    ];
    assert.match(
      changeOf(prepared('configure', { after, yielded }), options).reason ?? '',
      /spec\.replicas is left to kube-controller-manager/,
    );
  });

  it('of what Git does not declare is to prune, to keep or to skip, and nothing of what is gone', () => {
    const { id, key } = git;
    const actions = (['prune', 'keep', 'stray', 'forget'] as const).map(
      (decision) => pruneChange({ id, key, decision, reason: 'r' })?.action,
    );
    assert.deepEqual(actions, ['prune', 'keep', 'skip', undefined]);
    assert.deepEqual(targetName({ group: 'apps', kind: 'Deployment', namespace: '', name: 'x' }), {
      kind: 'Deployment.apps',
      name: 'x',
    });
  });
});

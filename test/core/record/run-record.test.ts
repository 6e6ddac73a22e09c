import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { type Person, requesterOf, samePerson } from '../../../lib/core/record/people.ts';
import { type Approvals, recordText, requesterIsApprover } from '../../../lib/core/record/run-record.ts';
import { sampleRecord } from './sample-record.ts';

describe('the record of a run', () => {
  it('tells who, what, from where and when, in the shape of the schema that ships', async () => {
    const schema: unknown = JSON.parse(
      await readFile(new URL('../../../lib/core/record/run-record.schema.json', import.meta.url), 'utf8'),
    );
    const validate = new Ajv({ allErrors: true }).compile(closed(schema) as object);
    const terminal = sampleRecord({}, { host: { type: 'terminal' }, approvals: { known: true, approvers: [] } });
    for (const record of [sampleRecord(), terminal]) {
      const read: unknown = JSON.parse(recordText(record));
      assert.deepEqual(read, record, 'the text says all of it');
      assert.ok(validate(read), JSON.stringify(validate.errors));
    }
    assert.equal(validate({ ...sampleRecord(), kind: 'SyncResult' }), false);
  });

  it('holds every object that changed or failed, by name and action', () => {
    assert.deepEqual(sampleRecord().changes, [
      { kind: 'Deployment.apps', namespace: 'shop', name: 'web', action: 'create', state: 'done' },
      { kind: 'ConfigMap', namespace: 'shop', name: 'old', action: 'prune', state: 'done' },
      { kind: 'Namespace', name: 'shop', action: 'unchanged', state: 'failed' },
    ]);
  });

  it('holds no value, message or text of anybody, since it is kept for years', () => {
    assert.doesNotMatch(recordText(sampleRecord()), /SECRET/);
  });

  it('names plan, pull request, approver, run and the reason of a break-glass', () => {
    const record = sampleRecord();
    assert.equal(record.planDigest, 'sha256:abc');
    assert.equal(record.pullRequest?.id, 42);
    assert.equal(record.run.id, '4711');
    assert.equal(record.breakGlass?.reason, 'the shop is down');
    assert.equal(record.source?.previousCommit, 'b'.repeat(40));
    assert.equal(record.requesterIsApprover, false);
  });

  it('is one change a line', () => {
    assert.equal(recordText(sampleRecord()).split('\n').length, 1 + 3 + 1 + 1);
  });
});

describe('whether a requester approved the own run', () => {
  const requester: Person = { name: 'Sam', id: 'ABC', uniqueName: 'sam@example.com' };
  const approved = (...approvers: Person[]): Approvals => ({ known: true, approvers });

  it('is told by ids, whatever the display names are', () => {
    assert.equal(requesterIsApprover(requester, approved({ name: 'Somebody', id: 'abc' })), true);
    assert.equal(requesterIsApprover(requester, approved({ name: 'Sam', id: 'def' })), false);
  });

  it('is told by unique names where an id is missing', () => {
    assert.equal(requesterIsApprover(requester, approved({ name: 'x', uniqueName: 'SAM@example.com' })), true);
    assert.equal(requesterIsApprover(requester, approved({ name: 'x', uniqueName: 'pat@example.com' })), false);
  });

  it('is not told by display names, which anybody may choose', () => {
    assert.equal(requesterIsApprover(requester, approved({ name: 'Sam' })), undefined);
    assert.equal(samePerson({ name: 'Sam' }, { name: 'Pat' }), undefined);
  });

  it('needs one of several approvers', () => {
    assert.equal(
      requesterIsApprover(requester, approved({ name: 'Pat', id: 'def' }, { name: 'Sam', id: 'abc' })),
      true,
    );
    assert.equal(requesterIsApprover(requester, approved({ name: 'Pat', id: 'def' }, { name: 'Sam' })), undefined);
  });

  it('is no when nobody approved, and unknown when the approvals are', () => {
    assert.equal(requesterIsApprover(requester, approved()), false);
    assert.equal(requesterIsApprover(requester, { known: false, approvers: [] }), undefined);
    const record = sampleRecord({}, { approvals: { known: false, unknownBecause: 'no permission', approvers: [] } });
    assert.equal('requesterIsApprover' in record, false);
  });
});

describe('who asked for a run', () => {
  const asked = (type: 'build' | 'release', variables: Record<string, string>) =>
    requesterOf({ host: { type, requestedFor: 'Sam' }, variable: (name) => variables[name] });

  it('is in a build whom Build.RequestedFor names', () => {
    assert.deepEqual(asked('build', { 'Build.RequestedForId': 'abc', 'Build.RequestedForEmail': 's@example.com' }), {
      name: 'Sam',
      id: 'abc',
      uniqueName: 's@example.com',
    });
  });

  it('is in a release who asked for the deployment of the stage, never mixed with who made the release', () => {
    const ofRelease = { 'Release.RequestedForId': 'release', 'Build.RequestedForId': 'build' };
    assert.equal(asked('release', ofRelease)?.id, 'release');
    const deployment = { ...ofRelease, 'Release.Deployment.RequestedFor': 'Sam' };
    assert.equal(asked('release', deployment)?.id, undefined);
    assert.equal(asked('release', { ...deployment, 'Release.Deployment.RequestedForId': 'stage' })?.id, 'stage');
  });

  it('is nobody in a terminal', () => {
    assert.equal(requesterOf({ host: { type: 'terminal' }, variable: () => undefined }), undefined);
  });
});

/** Of the schema: a form that refuses what it does not describe, so that a field cannot be written and not documented. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy;
}

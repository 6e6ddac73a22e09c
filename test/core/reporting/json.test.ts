import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { outcomes, type RunResult } from '../../../lib/core/plan/result.ts';
import { jsonReport } from '../../../lib/core/reporting/json.ts';
import { foreignResult } from './foreign.ts';
import { change, failedRun, planRun, runResult } from './samples.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../lib/core/reporting/sync-result.schema.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;
const validate = new Ajv({ allErrors: true }).compile(schema);
/** The same schema without room for what it does not name: shows that it names everything we write. */
const validateStrictly = new Ajv({ allErrors: true }).compile({
  ...(closed(schema) as Record<string, unknown>),
  $id: 'closed',
});

function read(result: RunResult, maxBytes?: number): RunResult {
  const text = jsonReport(result, maxBytes === undefined ? {} : { maxBytes });
  const value: unknown = JSON.parse(text);
  assert.ok(validate(value), JSON.stringify(validate.errors));
  assert.ok(validateStrictly(value), JSON.stringify(validateStrictly.errors));
  return value as RunResult;
}

describe('The JSON report', () => {
  it('has everything, by its schema', () => {
    assert.deepEqual(read(failedRun), failedRun);
    assert.deepEqual(read(planRun), planRun);
    assert.deepEqual(read(runResult()), runResult());
  });

  it('has everything whatever is in it', () => {
    fc.assert(
      fc.property(foreignResult, (result) => {
        assert.deepEqual(read(result), JSON.parse(JSON.stringify(result)));
      }),
    );
  });

  it('is the same text for the same result, one object a line', () => {
    const shuffled = Object.fromEntries(Object.entries(failedRun).reverse()) as unknown as RunResult;
    assert.equal(jsonReport(shuffled), jsonReport(failedRun));
    assert.equal(jsonReport(failedRun).trimEnd().split('\n').length, failedRun.changes.length + 2);
  });

  it('has a schema that refuses what is no result', () => {
    const broken: unknown[] = [
      {},
      { ...failedRun, apiVersion: 'gitops.pipelines/v2' },
      { ...failedRun, outcome: 'fine' },
      { ...failedRun, counts: { ...failedRun.counts, failed: -1 } },
      { ...failedRun, changes: [{ ...failedRun.changes[0], action: 'explode' }] },
    ];
    for (const value of broken) assert.ok(!validate(value), JSON.stringify(value));
  });

  it('has a schema that knows every outcome', () => {
    const properties = schema['properties'] as { outcome: { enum: string[] } };
    assert.deepEqual([...properties.outcome.enum].sort(), Object.keys(outcomes).sort());
  });

  const many = (count: number, parts: Parameters<typeof change>[2]) =>
    Array.from({ length: count }, (_, index) => change('Deployment.apps', `shop/name-${index}`, parts));
  const fields = [{ path: 'spec.replicas', before: '1', after: '2', lines: ['- a', '+ b'] }];

  it('leaves out first what is unchanged', () => {
    const result = runResult({ changes: [...many(500, {}), ...many(5, { action: 'configure', fields })] });
    const cut = read(result, 10_000);
    assert.deepEqual(cut.truncated, { changes: 500, fields: 0 });
    assert.deepEqual(cut.changes, result.changes.slice(500));
    assert.deepEqual(cut.counts, result.counts);
  });

  it('then differences and details, then objects from the end, failed ones last', () => {
    const result = runResult({
      changes: [
        ...many(500, { action: 'configure', fields }),
        ...many(3, { action: 'configure', state: 'failed', fields, details: ['d'], message: 'm'.repeat(5000) }),
      ],
    });
    const text = jsonReport(result, { maxBytes: 20_000 });
    assert.ok(Buffer.byteLength(text) <= 20_000);
    const cut = read(result, 20_000);
    assert.deepEqual(
      cut.changes.slice(0, 3).map((entry) => entry.state),
      ['failed', 'failed', 'failed'],
    );
    assert.ok(cut.changes.every((entry) => entry.fields.length === 0 && entry.details === undefined));
    assert.deepEqual(cut.truncated, { changes: 503 - cut.changes.length, fields: 503 });
    assert.deepEqual(
      cut.changes.slice(3).map((entry) => entry.target.name),
      result.changes.slice(0, cut.changes.length - 3).map((entry) => entry.target.name),
    );
  });

  it('stays small when there are more problems than anybody reads', () => {
    const problems = Array.from({ length: 5000 }, () => ({ message: 'p'.repeat(5000) }));
    const text = jsonReport(runResult({ errors: problems, warnings: problems }));
    assert.ok(Buffer.byteLength(text) < 1_000_000);
    assert.deepEqual((JSON.parse(text) as RunResult).truncated, { changes: 0, fields: 0 });
  });
});

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, closed(member)]));
  return 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy;
}

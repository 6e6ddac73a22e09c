import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { globSync } from 'tinyglobby';
import { checkAgainst, type Schema, schemaKeywords } from '../../../lib/core/own-files/schema.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const files = globSync('lib/sync/schemas/*.schema.json', { cwd: root });

function load(file: string): Schema {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as Schema;
}

/** Every schema inside a schema. */
function parts(schema: Schema): Schema[] {
  const inner = [...Object.values(schema.properties ?? {}), ...Object.values(schema.definitions ?? {})];
  return [schema, ...[...inner, ...(schema.items ? [schema.items] : [])].flatMap(parts)];
}

const sample: Record<string, unknown> = {
  SyncGuardrails: {
    apiVersion: 'gitops.pipelines/v1',
    kind: 'SyncGuardrails',
    metadata: { name: 'platform' },
    rules: [
      {
        name: 'shop',
        repositories: ['https://dev.azure.com/contoso/shop/_git/*', '**', 'git@github.com:contoso/shop.git'],
        sets: ['shop-*'],
        environments: ['production'],
        namespaces: ['shop-*'],
        kinds: { allow: ['apps/*'], deny: ['*/ClusterRole*'] },
        clusterWide: ['core/Namespace'],
        options: { prune: false, breakGlass: true },
        maxPrune: 0,
        maxObjects: 100,
        requiredStatuses: [{ genre: 'gitops', name: 'policy', authors: ['Build\\abc'] }],
      },
    ],
  },
  FreezeWindows: {
    apiVersion: 'gitops.pipelines/v1',
    kind: 'FreezeWindows',
    windows: [
      {
        name: 'weekend',
        cron: '0 18 * * FRI',
        duration: '2d12h',
        timeZone: 'Europe/Berlin',
        reason: 'nobody is there',
        environments: ['production'],
        sets: ['*'],
        actions: ['sync', 'apply'],
        breakGlass: false,
      },
    ],
  },
  HealthRules: {
    apiVersion: 'gitops.pipelines/v1',
    kind: 'HealthRules',
    rules: [{ group: 'core', kind: 'Thing', version: 'v1', current: 'true', failed: 'false', message: 'hm' }],
  },
};

/** The same data with one thing changed somewhere. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  const junk = fc.constantFrom<unknown>(
    null,
    0,
    -1,
    1.5,
    1e6,
    '',
    ' ',
    'x',
    '*',
    'Ä',
    'a'.repeat(5000),
    true,
    [],
    {},
    [[]],
    {
      a: 1,
    },
  );
  if (Array.isArray(value)) {
    const options: fc.Arbitrary<unknown>[] = [junk, fc.constant([]), junk.map((one) => [...value, one])];
    for (const [index, item] of value.entries()) options.push(mutated(item).map((one) => value.with(index, one)));
    return fc.oneof(...options);
  }
  if (typeof value === 'object' && value !== null) {
    const record = value as Record<string, unknown>;
    const options: fc.Arbitrary<unknown>[] = [junk, junk.map((one) => ({ ...record, extra: one }))];
    for (const [key, item] of Object.entries(record)) {
      const { [key]: _, ...rest } = record;
      options.push(
        fc.constant(rest),
        mutated(item).map((one) => ({ ...record, [key]: one })),
      );
    }
    return fc.oneof(...options);
  }
  return junk;
}

describe('the schemas of our own files', () => {
  it('are there', () => assert.equal(files.length, 3));

  for (const file of files) {
    const schema = load(file);
    const kind = (schema.$id ?? '').split('/').at(-1) ?? '';

    describe(kind, () => {
      const validate = new Ajv({ allErrors: true, strict: true, useDefaults: false }).compile(schema as object);

      it('uses only keywords that the checker knows', () => {
        const used = parts(schema).flatMap((part) => Object.keys(part));
        assert.deepEqual(
          used.filter((keyword) => !schemaKeywords.has(keyword)),
          [],
        );
      });

      it('accepts a document with everything in it', () => {
        assert.deepEqual(checkAgainst(schema, sample[kind]), []);
        assert.ok(validate(sample[kind]));
      });

      it('has the same verdict from the checker and from ajv', () => {
        fc.assert(
          fc.property(mutated(sample[kind]), (value) => {
            assert.equal(checkAgainst(schema, value).length === 0, validate(value), JSON.stringify(value));
          }),
          { numRuns: 1500 },
        );
      });
    });
  }
});

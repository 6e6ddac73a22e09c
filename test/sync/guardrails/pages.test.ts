import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { Schema } from '../../../lib/core/own-files/schema.ts';
import { describeProblem } from '../../../lib/errors.ts';
import { allowedOptions, guardedOptionNames } from '../../../lib/sync/guardrails/guarded-options.ts';
import { guardrailsNamespace } from '../../../lib/sync/guardrails/judge.ts';
import { guardrailsConfigMap } from '../../../lib/sync/guardrails/load.ts';
import { readProtection } from '../../../lib/sync/guardrails/read.ts';
import { compileHealthRules } from '../../../lib/sync/health-rules/rules.ts';
import freezeSchema from '../../../lib/sync/schemas/freeze-windows.schema.json' with { type: 'json' };
import schema from '../../../lib/sync/schemas/sync-guardrails.schema.json' with { type: 'json' };

const docs = join(import.meta.dirname, '..', '..', '..', 'docs');
const page = (name: string) => readFileSync(join(docs, name), 'utf8');

/** The YAML blocks of a page. */
function blocks(name: string): string[] {
  return [...page(name).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
}

const ofKind = (name: string, kind: string) =>
  blocks(name).filter((text) => new RegExp(`^kind: ${kind}$`, 'm').test(text));

describe('the pages on guardrails, freeze windows and health rules', () => {
  for (const [name, kind] of [
    ['guardrails.md', 'SyncGuardrails'],
    ['freeze-windows.md', 'FreezeWindows'],
  ] as const) {
    it(`${name} has examples of kind ${kind} that are accepted`, () => {
      const found = ofKind(name, kind);
      assert.ok(found.length > 0);
      for (const text of found) assert.deepEqual(readProtection(text, name).problems.map(describeProblem), []);
    });
  }

  it('guardrails.md has a ConfigMap that is found and accepted', () => {
    const [text = ''] = ofKind('guardrails.md', 'ConfigMap');
    const map = (loadAll(text) as { kind: string; metadata: object; data: Record<string, string> }[]).find(
      ({ kind }) => kind === 'ConfigMap',
    );
    assert.deepEqual(map?.metadata, { name: guardrailsConfigMap, namespace: guardrailsNamespace });
    const read = readProtection(map?.data['guardrails.yaml'] ?? '', 'guardrails.yaml');
    assert.deepEqual([read.problems, read.guardrails.length], [[], 1]);
  });

  it('health-rules.md has an example that is accepted', () => {
    const [text = ''] = ofKind('health-rules.md', 'HealthRules');
    assert.deepEqual(compileHealthRules(text, 'health.yaml').problems.map(describeProblem), []);
  });

  it('name every option with what holds without a word, as the schema and the code do', () => {
    const { definitions } = schema as unknown as Schema;
    const properties = definitions?.['options']?.properties ?? {};
    const defaults = allowedOptions();
    assert.deepEqual(Object.keys(properties), guardedOptionNames);
    for (const name of guardedOptionNames) {
      assert.equal(properties[name]?.default, defaults[name], name);
      const row = new RegExp(`^\\| \`${name}\` \\|.*\\| ${defaults[name] ? 'allowed' : 'refused'} \\|$`, 'm');
      assert.match(page('guardrails.md'), row);
    }
  });

  it('name every field of the schemas', () => {
    const fields = (file: unknown, definition: string) =>
      Object.keys((file as Schema).definitions?.[definition]?.properties ?? {});
    for (const field of fields(schema, 'rule'))
      assert.match(page('guardrails.md'), new RegExp(`\`${field}(\\.allow)?\``));
    for (const field of fields(freezeSchema, 'window'))
      assert.match(page('freeze-windows.md'), new RegExp(`\`${field}\``));
  });

  it('name every code of a refusal', () => {
    const files = ['judge.ts', 'statuses.ts', 'load.ts'].map((name) =>
      join(docs, '..', 'lib', 'sync', 'guardrails', name),
    );
    const codes = files.flatMap((file) => readFileSync(file, 'utf8').match(/'guardrails?-[a-z-]+'/g) ?? []);
    const known = new Set(codes.map((code) => code.slice(1, -1)).filter((code) => code !== guardrailsConfigMap));
    for (const code of known) {
      assert.ok(page('guardrails.md').includes(`\`${code}\``), code);
    }
    assert.ok(known.size >= 7);
  });
});

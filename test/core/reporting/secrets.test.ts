import assert from 'node:assert/strict';
import fc from 'fast-check';
import { differences } from '../../../lib/core/objects/difference.ts';
import type { KubernetesObject } from '../../../lib/core/objects/kubernetes-object.ts';
import { jsonReport } from '../../../lib/core/reporting/json.ts';
import { junitReport } from '../../../lib/core/reporting/junit.ts';
import { logBlocks } from '../../../lib/core/reporting/log-table.ts';
import { markdownSummary } from '../../../lib/core/reporting/markdown.ts';
import { change, runResult } from './samples.ts';

const secretText = fc
  .string({ unit: fc.constantFrom(...'abcdefghkmnpqrstuvwxyzABCDEFGH23456789_.!~,;&'), minLength: 8, maxLength: 60 })
  .filter((text) => !/^[;&,]|[;&,]$/.test(text));

const places = fc.constantFrom(
  'data',
  'stringData',
  'annotation',
  'configMap',
  'file',
  'variable',
  'argument',
  'option',
  'url',
  'field',
  'lastApplied',
);

/** An object that has the value where secrets are found in the wild. */
function objectWith(place: string, secret: string): KubernetesObject {
  const base64 = Buffer.from(secret).toString('base64');
  const object = (kind: string, parts: Record<string, unknown>): KubernetesObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name: 'x' },
    ...parts,
  });
  const container = (parts: Record<string, unknown>) =>
    object('Pod', { spec: { containers: [{ name: 'web', ...parts }] } });
  const annotated = (kind: string, name: string, value: string) =>
    object(kind, { metadata: { name: 'x', annotations: { [name]: value } } });
  switch (place) {
    case 'data':
      return object('Secret', { data: { value: base64 } });
    case 'stringData':
      return object('Secret', { stringData: { value: secret } });
    case 'annotation':
      return { ...annotated('Secret', 'note', `it is ${secret} or ${base64}`), data: { value: base64 } };
    case 'configMap':
      return object('ConfigMap', { data: { DB_PASSWORD: secret } });
    case 'file':
      return object('ConfigMap', { data: { 'app.properties': `mode=fast\ndb.password=${secret}\nlast=1\n` } });
    case 'variable':
      return container({ env: [{ name: 'API_TOKEN', value: secret }] });
    case 'argument':
      return container({ args: ['serve', '--password', secret] });
    case 'option':
      return container({ args: ['serve', `--api-key=${secret}`] });
    case 'url':
      return container({ env: [{ name: 'DATABASE', value: `postgres://shop:${secret}@db:5432/shop` }] });
    case 'field':
      return object('Database', { spec: { adminPassword: secret } });
    default:
      return annotated('ConfigMap', 'kubectl.kubernetes.io/last-applied-configuration', `{"data":{"a":"${secret}"}}`);
  }
}

describe('No secret value', () => {
  it('is in any difference or report, neither as it is nor as base64, whether it is added, changed or removed', () => {
    fc.assert(
      fc.property(places, secretText, secretText, (place, first, second) => {
        const before = objectWith(place, first);
        const after = objectWith(place, second);
        const options = { digestKey: 'a key of this run' };
        const fields = [
          ...differences(before, after, options),
          ...differences(undefined, after, options),
          ...differences(before, undefined, options),
        ];
        assert.ok(fields.length >= 2);
        const result = runResult({
          changes: (['planned', 'done', 'failed'] as const).map((state) =>
            change('Kind', 'ns/x', { action: 'configure', state, fields }),
          ),
        });
        const texts = [
          JSON.stringify(fields),
          JSON.stringify(logBlocks(result)),
          markdownSummary(result),
          junitReport(result) ?? '',
          jsonReport(result),
        ];
        for (const secret of [first, second]) {
          for (const value of [secret, Buffer.from(secret).toString('base64')]) {
            for (const text of texts) assert.ok(!text.includes(value), `${value} is in ${text}`);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lineOf } from '../../../lib/core/manifests/load.ts';
import { CancelledError, describeProblem } from '../../../lib/errors.ts';
import { codes, configMap, names, places, removeWorkspaces, workspace } from './support/workspace.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('manifests that are taken as they are', () => {
  after(removeWorkspaces);

  const load = async (text: string, file = 'a.yaml') => await workspace({ [file]: text }).load({ manifests: [file] });
  const problems = async (text: string, file = 'a.yaml') =>
    await workspace({ [file]: text }).problems({ manifests: [file] });

  it('come with the file and the line of each object, and of each field', async () => {
    const space = workspace({
      'x/two.yaml': `# first\n${configMap('a', 'data:\n  key: value\n')}---\n---\n# second\n${configMap('b')}`,
    });
    const result = await space.load({ manifests: ['x'] });
    assert.deepEqual(
      result.manifests.map(({ origin }) => origin),
      [
        { file: 'x/two.yaml', line: 2 },
        { file: 'x/two.yaml', line: 11 },
      ],
    );
    const [first, second] = result.manifests;
    assert.ok(first && second);
    assert.equal(lineOf(first, ['data', 'key']), 7);
    assert.equal(lineOf(second, ['metadata', 'name']), 14);
    assert.equal(lineOf(second, ['spec']), undefined);
    assert.deepEqual([result.kind, result.renderer, result.warnings], ['manifests', { name: 'none' }, []]);
  });

  it('may be JSON', async () => {
    const text = JSON.stringify(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: 'y' } },
      null,
      '\t',
    );
    const result = await load(text, 'a.json');
    assert.deepEqual(result.manifests[0]?.object, JSON.parse(text));
    assert.equal(result.manifests[0] && lineOf(result.manifests[0], ['data', 'x']), 8);
  });

  it('may be lists, which are taken apart with the lines of their items', async () => {
    const result = await load(`apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Namespace
    metadata: {name: a}
  - apiVersion: v1
    kind: ConfigMapList
    items:
      - metadata: {name: b}
      - metadata: {name: c}
  - apiVersion: v1
    kind: List
    items:
`);
    assert.deepEqual(names(result), ['Namespace a', 'ConfigMap b', 'ConfigMap c']);
    assert.deepEqual(
      result.manifests.map(({ origin }) => origin.line),
      [4, 10, 11],
    );
    assert.equal(result.manifests[1]?.object.apiVersion, 'v1');
  });

  it('may be custom resources whose kind only sounds like a list', async () => {
    const result = await load('apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nitems: [{x: 1}]\n');
    assert.deepEqual(names(result), ['AllowList a']);
  });

  it('lose what the API server writes itself, with a warning', async () => {
    const result = await load(
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  namespace: ""\n  creationTimestamp: null\n  resourceVersion: "12"\n  uid: abc\n  managedFields: []\nspec: {}\n',
    );
    assert.deepEqual(result.manifests[0]?.object.metadata, { name: 'a' });
    assert.deepEqual(codes(result.warnings), ['server-field']);
    assert.match(
      result.warnings[0]?.message ?? '',
      /`metadata\.uid`, `metadata\.resourceVersion`, `metadata\.managedFields`/,
    );
  });

  it('warn where Kubernetes reads YAML otherwise than others do', async () => {
    const result = await load(
      `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      env:\n        - name: DEBUG\n          value: Y\n  volumes:\n    - name: v\n      secret: {defaultMode: 0400}\n    - {name: w, size: 010}\n`,
    );
    assert.deepEqual(result.warnings.map(describeProblem), [
      'a.yaml:9:11: Kubernetes reads `Y` as the boolean true (YAML 1.1), where YAML 1.2 reads the text "Y". Quote it if text is meant: `"Y"`.',
      'a.yaml:13:17: Kubernetes reads `010` as the number 8 (YAML 1.1), where YAML 1.2 reads the number 10. Quote it if text is meant: `"010"`.',
    ]);
  });

  it('are refused with all that is wrong, each with its line', async () => {
    const found = await problems(`apiVersion: v1
kind: ConfigMap
metadata:
  name: 12
  labels:
    on-call: yes
    port: 80
    fine: "1"
  annotations: [x]
---
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: 5
metadata: {}
---
apiVersion: v1
kind: Pod
metadata:
  generateName: x-
---
- a
---
replicaCount: 1
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
---
apiVersion: apps/v1/x
kind: Deploy ment
metadata:
  namespace: Not_Good
  name: a/b
---
apiVersion: v1
kind: ConfigMap
`);
    assert.deepEqual(
      found.map(({ code, at }) => `${code}:${at?.line}`),
      [
        'labels-invalid:6',
        'labels-invalid:7',
        'annotations-invalid:9',
        'name-invalid:4',
        'apiVersion-missing:11',
        'kind-invalid:15',
        'name-missing:16',
        'generate-name:21',
        'not-an-object:23',
        'not-a-manifest:25',
        'not-a-manifest:27',
        'apiVersion-invalid:30',
        'kind-invalid:31',
        'namespace-invalid:33',
        'name-invalid:34',
        'metadata-missing:36',
      ],
    );
    assert.match(found[1]?.message ?? '', /must be text, not the number `80`\. Quote it: `"80"`\./);
    assert.ok(found.every(({ input }) => input === 'manifests'));
  });

  it('are refused when two declare one object, which may name the namespace or leave it to the default', async () => {
    const space = workspace({
      'a.yaml': configMap('x'),
      'b.yaml': `${configMap('other')}---\n${configMap('x').replace('  name', '  namespace: shop\n  name')}`,
    });
    const source = { manifests: ['a.yaml', 'b.yaml'], namespace: 'shop' };
    assert.deepEqual((await space.problems(source)).map(describeProblem), [
      'b.yaml:6: ConfigMap shop/x is declared a second time; the first is in a.yaml:1. Remove one of the two.',
    ]);
    assert.equal((await space.load({ ...source, namespace: 'else' })).manifests.length, 3);
  });

  it('are refused when they are hooks; tests of charts are left out', async () => {
    const hook = (annotation: string): string =>
      `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations: {${annotation}}\n`;
    assert.deepEqual(codes(await problems(hook('argocd.argoproj.io/hook: PreSync'))), ['hook']);
    assert.deepEqual(codes(await problems(hook('helm.sh/hook: "test,post-install"'))), ['hook']);
    assert.deepEqual((await load(hook('helm.sh/hook: test'))).manifests, []);
    assert.equal((await load(hook('argocd.argoproj.io/sync-wave: "1"'))).manifests.length, 1);
  });

  describe('and are Secrets', () => {
    const secret = (more: string): string => `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n${more}`;

    it('get their `stringData` into `data`, where it wins, as in the API server', async () => {
      const result = await load(
        secret(
          `data:\n  a: ${base64('old')}\n  b: |\n    aGVs\n    bG8=\n  empty:\nstringData:\n  a: new\n  c: "12"\n`,
        ),
      );
      const object = result.manifests[0]?.object;
      assert.deepEqual(object?.['data'], { a: base64('new'), b: 'aGVsbG8=', empty: '', c: base64('12') });
      assert.equal(object !== undefined && 'stringData' in object, false);
      const [manifest] = result.manifests;
      assert.equal(manifest && lineOf(manifest, ['data', 'c']), 12);
    });

    it('have their values masked in both forms, also when something is wrong elsewhere', async () => {
      const space = workspace({
        'a.yaml': secret(
          'stringData:\n  password: hunter22\n  cert: |\n    line one\n    line two\n  on: "ok"\n'.replace('on:', 'x:'),
        ),
        'b.yaml': 'a: [',
      });
      await space.problems({ manifests: ['.'] });
      assert.deepEqual(space.masked, [
        'hunter22',
        base64('hunter22'),
        'line one\nline two\n',
        base64('line one\nline two\n'),
      ]);
    });

    it('are refused when a value is no base64 or no text, without showing it', async () => {
      const found = await problems(
        secret(
          'data:\n  a: s3cr3t!\n  b: [s3cr3t]\n  c: 1234567\n  d: abc\nstringData:\n  e: 7654321\n  f: {x: s3cr3t}\n',
        ),
      );
      assert.deepEqual(places(found), ['a.yaml:5', 'a.yaml:6', 'a.yaml:7', 'a.yaml:8', 'a.yaml:10', 'a.yaml:11']);
      assert.doesNotMatch(JSON.stringify(found), /s3cr3t|1234567|7654321/);
    });

    it('warn of YAML 1.1 without showing the value', async () => {
      const result = await load(secret('type: Opaque\nimmutable: No\nstringData: {a: "0123"}\n'));
      assert.deepEqual(codes(result.warnings), ['yaml-1.1']);
      assert.doesNotMatch(result.warnings[0]?.message ?? '', /`No`/);
    });

    it('without any data keep none', async () => {
      const result = await load(secret('type: Opaque\n'));
      assert.deepEqual(Object.keys(result.manifests[0]?.object ?? {}), ['apiVersion', 'kind', 'metadata', 'type']);
    });
  });

  describe('and are encrypted with SOPS', () => {
    const value = 'ENC[AES256_GCM,data:abc=,iv:def=,tag:ghi=,type:str]';

    it('are never taken as they are', async () => {
      const encrypted = `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: "${value}"}\nsops:\n  mac: "${value}"\n`;
      for (const text of [
        encrypted,
        encrypted.replace(/sops:.*/s, ''),
        `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Secret\n    metadata: {name: s}\n    data: {file: ${base64(`x: ${value}\n`)}}\n`,
        `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {a: "${value}"}\n`,
      ]) {
        const found = await problems(text);
        assert.deepEqual(codes(found), ['sops-encrypted'], text);
        assert.equal(found[0]?.input, 'decryptSops');
        assert.ok(found[0]?.at?.line !== undefined);
      }
    });

    it('are not suspected where a ConfigMap holds an encrypted file for a program', async () => {
      const text = configMap('a', `data:\n  config.yaml: |\n    password: ${value}\n`);
      assert.equal((await load(text)).manifests.length, 1);
    });
  });

  describe('and are no text', () => {
    it('are refused with the line of the fault', async () => {
      const found = await workspace({
        'a.yaml': Buffer.from('a: 1\nb: \xff\xfe\n', 'latin1'),
        'b.yaml': Buffer.from('\ufeffa: 1', 'utf16le'),
        'c.yaml': Buffer.from('a: 1\nb: 2\nc: \0\n'),
      }).problems({ manifests: ['.'] });
      assert.deepEqual(
        found.map(({ code, at }) => `${code} ${at?.file}:${at?.line}`),
        ['not-utf-8 a.yaml:2', 'not-utf-8 b.yaml:1', 'nul-character c.yaml:3'],
      );
    });

    it('may begin with a byte order mark', async () => {
      assert.equal((await load(`\ufeff${configMap('a')}`)).manifests.length, 1);
    });
  });

  it('are refused when they are too large, with what to do', async function () {
    this.timeout(30_000);
    const line = `    ${'x'.repeat(1000)}\n`;
    const large = configMap('a', `data:\n  text: |\n${line.repeat(18_000)}`);
    const space = workspace({ 'a.yaml': large, 'b.yaml': large.replace('name: a', 'name: b'), 'c.yaml': large });
    const found = await space.problems({ manifests: ['.'] });
    assert.deepEqual(codes(found), ['too-large']);
    assert.match(found[0]?.message ?? '', /larger than 50 MiB in all/);
  });

  it('are refused when they are small and hold more values than memory would', async () => {
    const dense = configMap('a', `x: [${'1,'.repeat(900_000)}]\n`);
    const names = ['a', 'b', 'c', 'd', 'e'];
    const space = workspace(Object.fromEntries(names.map((name) => [`${name}.yaml`, dense])));
    const found = await space.problems({ manifests: ['.'] });
    assert.deepEqual([codes(found), places(found)], [['too-large'], ['e.yaml']]);
  });

  it('are refused with as many problems as somebody may read', async () => {
    const found = await problems(`a: 1\n${'a: 2\n'.repeat(5000)}`);
    assert.equal(found.length, 101);
    assert.equal(found.at(-1)?.message, 'There are 4900 problems more. Correct these first.');
  });

  it('come with a warning when inputs for charts were given', async () => {
    const space = workspace({ 'a.yaml': configMap('a') });
    const result = await space.load({ manifests: ['.'], valueFiles: ['v.yaml'], overrides: [], chartVersion: '1.0.0' });
    assert.deepEqual(
      result.warnings.map(({ input, code }) => `${code} ${input}`),
      ['unused-input valueFiles', 'unused-input chartVersion'],
    );
  });

  it('may be nothing at all', async () => {
    assert.deepEqual((await load('# nothing\n---\n')).manifests, []);
  });

  it('stop with a cancellation', async () => {
    const space = workspace({ 'a.yaml': configMap('a') });
    await assert.rejects(space.load({ manifests: ['.'] }, { signal: AbortSignal.abort() }), CancelledError);
  });

  it('however hostile, end in objects or in problems that say where and what', async function () {
    this.timeout(60_000);
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom('##vso[task.complete result=Succeeded]', 'ENC[AES256_GCM,data:x]', '/', '..'),
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(text, tie('any'), { maxKeys: 3 }),
      ),
    })).any;
    const object = fc.record(
      {
        apiVersion: fc.oneof(fc.constantFrom('v1', 'apps/v1'), value),
        kind: fc.oneof(fc.constantFrom('Secret', 'List', 'ConfigMap', 'SecretList'), value),
        metadata: fc.oneof(
          fc.record(
            { name: fc.oneof(fc.constant('a'), value), labels: value, annotations: value, namespace: value },
            { requiredKeys: [] },
          ),
          value,
        ),
        data: value,
        stringData: value,
        items: value,
        sops: value,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(object, { maxLength: 4 }), async (objects) => {
        const space = workspace({ 'a.yaml': objects.map((one) => JSON.stringify(one)).join('\n---\n') });
        try {
          const { manifests } = await space.load({ manifests: ['a.yaml'] });
          for (const {
            object: { apiVersion, kind, metadata },
          } of manifests) {
            assert.deepEqual([typeof apiVersion, typeof kind, typeof metadata.name], ['string', 'string', 'string']);
          }
        } catch (error) {
          assert.equal((error as Error).name, 'InputError', String((error as Error).stack));
          for (const { at, message } of (error as { problems: { at?: { file: string }; message: string }[] })
            .problems) {
            assert.equal(at?.file, 'a.yaml', message);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${name}` in plain strings is what these tests are about.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { codes, configMap, removeWorkspaces, workspace } from './support/workspace.ts';

/** Loads one ConfigMap with the text as its `data`, or with all the text when it has a kind. */
async function load(text: string, variables: Record<string, string>, names = Object.keys(variables)) {
  const space = workspace({ 'a.yaml': text.includes('kind:') ? text : configMap('a', text) });
  const source = { manifests: ['a.yaml'], substitute: names };
  return await space.load(source, { variable: (name) => variables[name] });
}

const dataOf = async (text: string, variables: Record<string, string>, names?: string[]) =>
  (await load(text, variables, names)).manifests[0]?.object['data'];

describe('substitution of variables', () => {
  after(removeWorkspaces);

  const text =
    'data:\n  a: "x ${Build.BuildId} ${other} $Build.BuildId $(Build.BuildId)"\n  b: |\n    echo ${Build.BuildId} $${Build.BuildId} $${other}\n';

  it('is off without a list of names', async () => {
    assert.deepEqual(await dataOf(text, { 'Build.BuildId': '7' }, []), {
      a: 'x ${Build.BuildId} ${other} $Build.BuildId $(Build.BuildId)',
      b: 'echo ${Build.BuildId} $${Build.BuildId} $${other}\n',
    });
  });

  it('replaces the names of the list, leaves any other `${...}` as it is, and takes `$${name}` for an escape', async () => {
    assert.deepEqual(await dataOf(text, { 'Build.BuildId': '7' }), {
      a: 'x 7 ${other} $Build.BuildId $(Build.BuildId)',
      b: 'echo 7 ${Build.BuildId} $${other}\n',
    });
    assert.deepEqual(
      await dataOf('data: {a: "$$${x}", b: "${x}${x}", c: "${x", d: "${ x }", e: "$$${y}"}\n', { x: '1' }),
      {
        a: '$${x}',
        b: '11',
        c: '${x',
        d: '${ x }',
        e: '$$${y}',
      },
    );
  });

  it('does not look into the values for further variables', async () => {
    assert.deepEqual(await dataOf('data: {a: "${x}"}\n', { x: '${y}$&$1', y: 'no' }), { a: '${y}$&$1' });
  });

  it('refuses every listed name without a value, whether it is used or not, and what is no name', async () => {
    const found = await workspace({ 'a.yaml': configMap('a') }).problems(
      { manifests: ['a.yaml'], substitute: ['there', 'missing', '${x}', 'gone', 'a b'] },
      { variable: (name) => (name === 'there' ? '' : undefined) },
    );
    assert.deepEqual(codes(found), [
      'substitute-without-value',
      'substitute-name',
      'substitute-without-value',
      'substitute-name',
    ]);
    assert.ok(found.every(({ input }) => input === 'substitute'));
  });

  it('makes numbers and booleans where nothing but a variable stands without quotes', async () => {
    const result = await load(
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  replicas: ${n}\n  paused: ${flag}\n  quoted: "${n}"\n  partly: ${n}m\n  ratio: ${ratio}\n  word: ${word}\n  octal: ${octal}\n  hash: ${hash}\n  big: ${big}\n  tagged: !!int "${octal}"\n',
      {
        n: '3',
        flag: 'true',
        ratio: '0.5',
        word: 'Yes',
        octal: '0777',
        hash: '1234e5678',
        big: '12345678901234567890',
      },
    );
    assert.deepEqual(result.manifests[0]?.object['spec'], {
      replicas: 3,
      paused: true,
      quoted: '3',
      partly: '3m',
      ratio: 0.5,
      word: 'Yes',
      octal: '0777',
      hash: '1234e5678',
      big: '12345678901234567890',
      tagged: 511,
    });
    assert.deepEqual(result.warnings, []);
  });

  it('keeps text where Kubernetes takes only text', async () => {
    const result = await load(
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ${n}\n  labels:\n    v: ${n}\nspec:\n  template:\n    metadata:\n      annotations:\n        v: ${n}\n    spec:\n      nodeSelector:\n        v: ${n}\n      containers:\n        - name: a\n          args:\n            - ${n}\n          env:\n            - name: PORT\n              value: ${n}\n          ports:\n            - containerPort: ${n}\n',
      { n: '80' },
    );
    const object = JSON.parse(JSON.stringify(result.manifests[0]?.object));
    assert.deepEqual(object.metadata, { name: '80', labels: { v: '80' } });
    const { metadata, spec } = object.spec.template;
    assert.deepEqual([metadata.annotations, spec.nodeSelector], [{ v: '80' }, { v: '80' }]);
    const [container] = spec.containers;
    assert.deepEqual([container.args, container.env[0].value, container.ports[0].containerPort], [['80'], '80', 80]);
  });

  it('replaces in keys too, and finds keys that become one', async () => {
    assert.deepEqual(await dataOf('data: {"${x}-a": "1"}\n', { x: 'k' }), { 'k-a': '1' });
    const found = await workspace({ 'a.yaml': configMap('a', 'data: {k: "1", "${x}": "2"}\n') }).problems(
      { manifests: ['a.yaml'], substitute: ['x'] },
      { variable: () => 'k' },
    );
    assert.deepEqual(codes(found), ['duplicate-key']);
  });

  it('hints at quotes where `${name}` stands without them inside brackets, which YAML forbids', async () => {
    const space = workspace({ 'a.yaml': configMap('a', 'data: {k: ${x}}\n') });
    const [problem] = await space.problems({ manifests: ['a.yaml'], substitute: ['x'] }, { variable: () => '1' });
    assert.match(problem?.message ?? '', /Inside brackets, put `\$\{name\}` in quotes\./);
  });

  it('lets no value out of the place it stands in', async () => {
    const places = [
      '"${x}"',
      "'${x}'",
      '${x}',
      'a ${x} b',
      '|\n    ${x}',
      '>-\n    ${x}',
      '["${x}", 1]',
      '{k: "${x}"}',
    ];
    const hostile = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        '"\n  evil: true',
        '\n---\nkind: ClusterRoleBinding',
        ': {',
        "'",
        '&a',
        '*a',
        '!!int 1',
        '<<',
        '#',
        '\r\n',
        '##vso[task.x]',
      ),
    );
    await fc.assert(
      fc.asyncProperty(hostile, fc.constantFrom(...places), async (value, place) => {
        const shape = async (x: string) => {
          const result = await load(configMap('a', `spec:\n  v: ${place}\n  w: end\n`), { x });
          return JSON.stringify(
            result.manifests.map(({ object }) => object),
            (_key, leaf) =>
              typeof leaf === 'object' ? leaf : typeof leaf === 'string' && leaf.includes(x) ? 'VALUE' : leaf,
          );
        };
        fc.pre(
          !'apiVersion v1 kind ConfigMap metadata name a spec v w end b k'.includes(value) &&
            Number.isNaN(Number(value)),
        );
        assert.equal(await shape(value), await shape('PLAIN-TEXT'));
      }),
      { numRuns: 200 },
    );
  });
});

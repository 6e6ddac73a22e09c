import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { codes, configMap, names, places, removeWorkspaces, workspace } from './support/workspace.ts';

const kustomization = 'resources: []\n';
const chart = 'apiVersion: v2\nname: x\nversion: 1.0.0\n';

describe('what `manifests` finds', () => {
  after(removeWorkspaces);

  const tree = () =>
    workspace({
      'apps/b.yaml': configMap('b'),
      'apps/a.yml': configMap('a'),
      'apps/deep/er/c.json': '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}',
      'apps/.hidden.yaml': configMap('hidden'),
      'apps/.git/x.yaml': configMap('git'),
      'apps/README.md': '# no manifest',
      'apps/[odd] name.yaml': configMap('odd'),
      'other/d.yaml': configMap('d'),
    });

  const found = async (...manifests: string[]): Promise<string[]> =>
    (await tree().load({ manifests })).manifests.map(({ object }) => object.metadata.name);

  it('takes a folder with all below it that is YAML or JSON and not hidden, in the order of names', async () => {
    assert.deepEqual(await found('apps'), ['odd', 'a', 'b', 'c']);
    assert.deepEqual(await found('./apps/'), ['odd', 'a', 'b', 'c']);
  });

  it('takes files, globs and several lines; each file once', async () => {
    assert.deepEqual(await found('apps/b.yaml', 'apps/*.yml', 'apps/b.yaml'), ['b', 'a']);
    assert.deepEqual(await found('**/*.json', 'other'), ['c', 'd']);
    assert.deepEqual(await found('{apps,other}/[bd].yaml'), ['b', 'd']);
    assert.deepEqual(await found('*/?.y*ml'), ['a', 'b', 'd']);
  });

  it('takes a name with brackets literally when a file has it', async () => {
    assert.deepEqual(await found('apps/[odd] name.yaml'), ['odd']);
  });

  it('leaves out what a line with `!` names', async () => {
    assert.deepEqual(await found('.', '!apps/deep', '!**/[[]odd*'), ['a', 'b', 'd']);
  });

  it('takes the working directory itself', async () => {
    assert.deepEqual(await found('.'), ['odd', 'a', 'b', 'c', 'd']);
  });

  it('names what is near a path that is not there', async () => {
    const [problem] = await tree().problems({ manifests: ['apps/c.yaml'] });
    assert.equal(problem?.input, 'manifests');
    assert.match(problem?.message ?? '', /`apps\/c\.yaml` is not there\. In `apps` there are: `apps\/[ab]\.ya?ml`/);
  });

  it('reports every line that finds nothing', async () => {
    const problems = await tree().problems({ manifests: ['nope', 'apps/*.toml', 'apps/*.md', 'apps/.git', '../x'] });
    assert.deepEqual(codes(problems), [
      'path-not-found',
      'glob-without-match',
      'glob-without-match',
      'outside-working-directory',
    ]);
    assert.match(problems[2]?.message ?? '', /matches no file that ends in \.yaml, \.yml or \.json/);
  });

  it('says so when the input is empty', async () => {
    assert.deepEqual(codes(await tree().problems({ manifests: ['', ' '] })), ['invalid-input']);
  });

  describe('with symbolic links', () => {
    it('follows them inside the working directory, once each', async () => {
      const space = tree();
      symlinkSync('../other', join(space.root, 'apps/link'));
      symlinkSync('..', join(space.root, 'apps/loop'));
      const result = await space.load({ manifests: ['apps/link', 'apps/*.yml'] });
      assert.deepEqual(names(result), ['ConfigMap d', 'ConfigMap a']);
      assert.deepEqual(result.manifests[0]?.origin, { file: 'apps/link/d.yaml', line: 1 });
    });

    it('does not leave the working directory, wherever the link stands', async () => {
      const space = tree();
      symlinkSync('/etc', join(space.root, 'apps/etc'));
      symlinkSync('/etc/passwd', join(space.root, 'apps/passwd.yaml'));
      symlinkSync('/nowhere', join(space.root, 'apps/broken.yaml'));
      assert.deepEqual(places(await space.problems({ manifests: ['apps'] })), [
        'apps/broken.yaml',
        'apps/etc',
        'apps/passwd.yaml',
      ]);
      assert.deepEqual(codes(await space.problems({ manifests: ['apps/passwd.yaml'] })), ['outside-working-directory']);
      assert.deepEqual(codes(await space.problems({ manifests: ['apps/etc/**/*.yaml'] })), ['glob-without-match']);
    });
  });

  describe('with `renderType` auto', () => {
    it('asks for `renderType` when a folder is both a kustomization and a chart', async () => {
      const space = workspace({ 'x/kustomization.yml': kustomization, 'x/Chart.yaml': chart });
      const [problem] = await space.problems({ manifests: ['x'] });
      assert.equal(problem?.input, 'renderType');
      assert.match(problem?.message ?? '', /Set `renderType` to `kustomize` or `helm`/);
    });

    it('asks for `renderType` when lines need different renderers', async () => {
      const space = workspace({ 'x/Kustomization': kustomization, 'y/a.yaml': configMap('a') });
      assert.deepEqual(codes(await space.problems({ manifests: ['x', 'y'] })), ['mixed-renderers']);
    });

    it('does not take a kustomization or a chart below a plain folder for manifests', async () => {
      const space = workspace({
        'all/a.yaml': configMap('a'),
        'all/x/kustomization.yaml': kustomization,
        'all/y/Chart.yaml': chart,
      });
      const problems = await space.problems({ manifests: ['all'] });
      assert.deepEqual(codes(problems), ['nested-renderer', 'nested-renderer']);
      assert.deepEqual(places(problems), ['all/x/kustomization.yaml', 'all/y/Chart.yaml']);
    });
  });

  it('says what is missing when `renderType` asks for it', async () => {
    const space = workspace({ 'y/a.yaml': configMap('a') });
    for (const renderType of ['helm', 'kustomize'] as const) {
      const [problem] = await space.problems({ manifests: ['y'], renderType });
      assert.equal(problem?.code, 'nothing-to-render');
    }
    const chartAsFiles = { manifests: ['oci://registry.example.com/x'], renderType: 'kustomize' as const };
    assert.equal((await space.problems(chartAsFiles))[0]?.input, 'renderType');
  });
});

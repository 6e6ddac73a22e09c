import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { tool } from '../../tools/index.ts';
import { codes, configMap, type Files, names, places, removeWorkspaces, workspace } from './support/workspace.ts';

const shop: Files = {
  'base/kustomization.yaml':
    'resources: [web.yaml, config.yaml]\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n',
  'base/web.yaml': `# web\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n`,
  'base/config.yaml': `${configMap('one')}---\n${configMap('two')}`,
  'prod/kustomization.yaml':
    'resources: [../base]\nnamePrefix: prod-\nnamespace: shop\nbuildMetadata: [managedByLabel]\npatches: [{path: more.yaml}]\n',
  'prod/more.yaml': 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 5}\n',
};

describe('loadManifests with kustomize', function () {
  this.timeout(60_000);
  let kustomize = '';
  let kubectl = '';
  before(async () => {
    [kustomize, kubectl] = await Promise.all([tool('kustomize'), tool('kubectl')]);
  });
  after(removeWorkspaces);

  const origins = (result: Awaited<ReturnType<ReturnType<typeof workspace>['load']>>) =>
    Object.fromEntries(
      result.manifests.map(({ object, origin }) => [
        `${object.kind} ${object.metadata.name.replace(/-[a-z0-9]{10}$/, '')}`,
        `${origin.file}:${origin.line ?? '-'}`,
      ]),
    );

  it('renders what `kustomize build` renders, and tells file and line of each object', async () => {
    const space = workspace(shop);
    const result = await space.load({ manifests: ['prod'] }, { programs: { kustomize } });
    assert.equal(result.kind, 'kustomize');
    assert.equal(result.renderer.name, 'kustomize');
    assert.match(result.renderer.version ?? '', /^v5\./);
    assert.deepEqual(origins(result), {
      'Deployment prod-web': 'base/web.yaml:2',
      'Service prod-web': 'base/web.yaml:7',
      'ConfigMap prod-one': 'base/config.yaml:1',
      'ConfigMap prod-two': 'base/config.yaml:6',
      'ConfigMap prod-made': 'base/kustomization.yaml:-',
    });
    const deployment = result.manifests.find(({ object }) => object.kind === 'Deployment')?.object;
    assert.deepEqual(deployment?.['spec'], { replicas: 5 });
    // Settings that count only at the top of a build are those of the user, and the annotation of origins is not in the result.
    const { metadata } = deployment ?? {};
    assert.match(JSON.stringify(metadata?.labels), /app\.kubernetes\.io\/managed-by":"kustomize-v5/);
    assert.equal(metadata?.annotations, undefined);
    assert.deepEqual(space.leftovers(), []);
  });

  it('is understood by the name of the file too, and takes several folders', async () => {
    const space = workspace({ ...shop, 'x/kustomization.yml': 'resources: [z.yaml]\n', 'x/z.yaml': configMap('z') });
    const result = await space.load({ manifests: ['base/kustomization.yaml', 'x'] }, { programs: { kustomize } });
    assert.deepEqual(result.manifests.map(({ origin }) => `${origin.file}:${origin.line ?? '-'}`).sort(), [
      'base/config.yaml:1',
      'base/config.yaml:6',
      'base/kustomization.yaml:-',
      'base/web.yaml:2',
      'base/web.yaml:7',
      'x/z.yaml:1',
    ]);
  });

  it('leaves a line out where two declarations may be meant', async () => {
    const space = workspace({
      'kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: p-\n',
      'a.yaml': `${configMap('web')}---\n${configMap('p-web')}`,
    });
    const result = await space.load({ manifests: ['.'] }, { programs: { kustomize } });
    assert.deepEqual(origins(result), { 'ConfigMap p-web': 'a.yaml:-', 'ConfigMap p-p-web': 'a.yaml:-' });
  });

  it('uses the annotation when the user asked for it, and leaves it in', async () => {
    const space = workspace({
      'k/kustomization.yaml': 'resources: [sub]\nbuildMetadata: [originAnnotations]\n',
      'k/sub/kustomization.yaml': 'resources: [a.yaml]\n',
      'k/sub/a.yaml': `# c\n${configMap('a')}`,
    });
    const result = await space.load({ manifests: ['k'] }, { programs: { kustomize } });
    assert.deepEqual(result.manifests[0]?.origin, { file: 'k/sub/a.yaml', line: 2 });
    assert.deepEqual(result.manifests[0]?.object.metadata.annotations, {
      'config.kubernetes.io/origin': 'path: sub/a.yaml\n',
    });
  });

  it('falls back to the kustomize of kubectl when there is no other', async () => {
    const space = workspace(shop);
    const environment = { PATH: dirname(kubectl) };
    const result = await space.load({ manifests: ['prod'] }, { environment });
    assert.equal(result.renderer.name, 'kubectl kustomize');
    assert.match(result.renderer.version ?? '', /^v5\./);
    assert.equal(origins(result)['Deployment prod-web'], 'base/web.yaml:2');
  });

  it('says how to get kustomize when there is neither', async () => {
    const [problem] = await workspace(shop).problems(
      { manifests: ['prod'] },
      { environment: { PATH: join('/nowhere', delimiter) } },
    );
    assert.equal(problem?.code, 'program-missing');
    assert.equal(problem?.input, 'kustomizePath');
    assert.match(problem?.message ?? '', /`kustomize` was not found\. Install it/);
  });

  it('does not take another program than the one that the input names', async () => {
    const found = await workspace(shop).problems(
      { manifests: ['prod'] },
      { programs: { kustomize: '/nowhere/kustomize' }, environment: { PATH: dirname(kubectl) } },
    );
    assert.deepEqual(codes(found), ['program-missing']);
  });

  it("shows kustomize's own words when it fails", async () => {
    const space = workspace({ 'kustomization.yaml': 'resources: [nope.yaml]\n' });
    const [problem] = await space.problems({ manifests: ['.'] }, { programs: { kustomize } });
    assert.match(problem?.message ?? '', /`kustomize build \.` ended with exit code 1:\n.*nope\.yaml/s);
  });

  it('lets no kustomization read files from outside its folder, nor run anything', async () => {
    for (const text of [
      'resources: [../secret.yaml]\n',
      'generators: [exec.yaml]\n',
      'helmCharts: [{name: x, repo: "https://charts.example.com", version: 1.0.0}]\n',
    ]) {
      const space = workspace({
        'k/kustomization.yaml': text,
        'secret.yaml': configMap('a'),
        'k/exec.yaml':
          'apiVersion: x/v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n',
        'k/run.sh': '#!/bin/sh\necho\n',
      });
      assert.deepEqual(
        codes(await space.problems({ manifests: ['k'] }, { programs: { kustomize } })),
        ['kustomize-failed'],
        text,
      );
    }
  });

  it('refuses a base that lies outside of the working directory', async () => {
    const space = workspace({
      'repo/k/kustomization.yaml': 'resources: [../../base]\n',
      'base/kustomization.yaml': 'resources: [a.yaml]\n',
      'base/a.yaml': configMap('a'),
    });
    const found = await space.problems(
      { manifests: ['k'] },
      { workingDirectory: join(space.root, 'repo'), programs: { kustomize } },
    );
    assert.deepEqual(codes(found), ['outside-working-directory']);
  });

  it('takes a remote base, and fetches it once', async () => {
    const space = workspace({ 'remote/a.yaml': configMap('a'), 'remote/kustomization.yaml': 'resources: [a.yaml]\n' });
    const remote = join(space.root, 'remote');
    const git = async (...args: string[]) =>
      await promisify(execFile)('git', ['-C', remote, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
    await git('init', '-q', '-b', 'main');
    await git('add', '.');
    await git('commit', '-q', '-m', 'x');
    space.write({ 'k/kustomization.yaml': `resources: ["git::file://${remote}?ref=main"]\n` });
    const result = await space.load({ manifests: ['k'] }, { programs: { kustomize } });
    assert.deepEqual(names(result), ['ConfigMap a']);
    assert.deepEqual(result.manifests[0]?.origin, { file: 'k' });
  });

  it('substitutes in what was rendered, and keeps text where quotes were lost on the way', async () => {
    const space = workspace({
      'kustomization.yaml': 'resources: [a.yaml]\ncommonLabels: {v: x}\n',
      'a.yaml':
        // biome-ignore lint/suspicious/noTemplateCurlyInString: what is substituted.
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  replicas: ${n}\n  template: {spec: {containers: [{name: a, env: [{name: N, value: "${n}"}]}]}}\n',
    });
    const result = await space.load(
      { manifests: ['.'], substitute: ['n'] },
      { programs: { kustomize }, variable: () => '3' },
    );
    const spec = JSON.parse(JSON.stringify(result.manifests[0]?.object['spec']));
    assert.equal(spec.replicas, 3);
    assert.equal(spec.template.spec.containers[0].env[0].value, '3');
    assert.match(space.logged.join('\n'), /kustomize: .*commonLabels/);
  });

  it('reports problems of rendered objects with the file they come from', async () => {
    const space = workspace({
      'kustomization.yaml': 'resources: [sub]\n',
      'sub/kustomization.yaml': 'resources: [a.yaml]\n',
      'sub/a.yaml': `${configMap('x')}---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\n  annotations: {helm.sh/hook: pre-install}\n`,
    });
    assert.deepEqual(places(await space.problems({ manifests: ['.'] }, { programs: { kustomize } })), ['sub/a.yaml:6']);
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type ToolName, tool } from '../tools/index.ts';
import { configMap, type Files, useRig, yaml } from './rig.ts';

const execute = promisify(execFile);

const kustomization: Files = {
  'base/kustomization.yaml': 'resources: [config.yaml]\n',
  'base/config.yaml': configMap('config'),
  'deploy/kustomization.yaml':
    'resources: [../base]\nnamePrefix: prod-\npatches:\n  - patch: |\n      - {op: replace, path: /data/color, value: green}\n    target: {kind: ConfigMap}\n',
};

const chart: Files = {
  'deploy/Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\n',
  'deploy/values.yaml': 'color: blue\nsize: small\n',
  'deploy/templates/config.yaml': [
    'apiVersion: v1',
    'kind: ConfigMap',
    'metadata: {name: "{{ .Release.Name }}-config", namespace: "{{ .Release.Namespace }}"}',
    'data:',
    '  color: {{ .Values.color | quote }}',
    '  size: {{ .Values.size | quote }}',
    '  version: {{ .Capabilities.KubeVersion.Version | quote }}',
    '  policies: {{ .Capabilities.APIVersions.Has "policy/v1" | quote }}',
    '',
  ].join('\n'),
  'deploy/templates/test.yaml': configMap('only-for-helm-test').replace(
    '"name"',
    '"annotations": {"helm.sh/hook": "test"}, "name"',
  ),
  'production.yaml': 'color: green\n',
};

describe('GitOpsSync renders', function () {
  this.timeout(60_000);
  const rig = useRig();

  /** The agent's PATH with some programs on it, each under its own name. */
  const pathWith = async (...names: ToolName[]): Promise<Record<string, string>> => {
    const bin = join(rig.folder, `bin-${names.join('-')}`);
    await mkdir(bin, { recursive: true });
    for (const name of names) await symlink(await tool(name), join(bin, name)).catch(() => undefined);
    return { PATH: `${bin}:/usr/bin:/bin` };
  };

  it('a kustomization, by the program on the PATH or by kustomizePath', async () => {
    const shop = await rig.deployment(kustomization);
    const run = await shop.run({ environment: await pathWith('kustomize') });
    assert.equal(run.outputVariables['outcome'], 'applied');
    assert.match(run.log, /Git declares 1 object in 1 file rendered by kustomize v?5/);
    assert.deepEqual((await shop.find('configmaps/prod-config'))?.['data'], { color: 'green' });
    assert.equal(run.report.changes[0]?.origin?.file, 'base/config.yaml');

    const again = await shop.run({ inputs: { kustomizePath: await tool('kustomize') } });
    assert.equal(again.outputVariables['outcome'], 'noChanges');
  });

  it('a chart of the repository with values, overrides and what the cluster can do', async () => {
    const shop = await rig.deployment(chart);
    const inputs = { valueFiles: 'production.yaml', overrides: 'size=large', releaseName: 'web' };
    const run = await shop.run({ environment: await pathWith('helm'), inputs });
    assert.equal(run.outputVariables['outcome'], 'applied');
    const { gitVersion } = (await shop.client.get('/version')) as { gitVersion: string };
    assert.deepEqual((await shop.find('configmaps/web-config'))?.['data'], {
      color: 'green',
      size: 'large',
      version: gitVersion,
      policies: 'true',
    });
    assert.equal(run.outputVariables['created'], '1', 'what is for helm test only is left out');
    assert.equal(run.report.changes[0]?.origin?.file, 'deploy/templates/config.yaml');

    const again = await shop.run({ inputs: { ...inputs, helmPath: await tool('helm4') } });
    assert.equal(again.outputVariables['outcome'], 'noChanges', 'Helm 4 renders the same');
  });

  it('files that SOPS encrypted, with the keys of the agent, and shows no value of them', async () => {
    const { stdout } = await execute(await tool('age-keygen'), []);
    const identity = /^AGE-SECRET-KEY-.*$/m.exec(stdout)?.[0] ?? '';
    const recipient = /public key: (\S+)/.exec(stdout)?.[1] ?? '';
    const password = 'a-password-for-sops-9364';
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, stringData: { password } };
    const shop = await rig.deployment({ 'deploy/db.yaml': yaml(secret) });
    const sops = await tool('sops');
    const only = ['--age', recipient, '--encrypted-regex', '^stringData$'];
    await execute(sops, ['--encrypt', '--in-place', ...only, join(shop.clone, 'deploy/db.yaml')]);
    await shop.merge({}, 'Encrypt');

    const secretsOfRun = {
      sensitiveValues: [password, Buffer.from(password).toString('base64'), identity],
      debug: true,
    };
    const inputs = { decryptSops: 'true', sopsPath: sops };
    const locked = await shop.run({ ...secretsOfRun, inputs });
    assert.equal(locked.result, 'Failed');
    assert.match(locked.issues[0]?.message ?? '', /sops.*key/is);

    const run = await shop.run({ ...secretsOfRun, inputs, environment: { SOPS_AGE_KEY: identity } });
    assert.equal(run.outputVariables['outcome'], 'applied');
    assert.deepEqual((await shop.find('secrets/db'))?.['data'], { password: Buffer.from(password).toString('base64') });
    assert.ok(!run.everything.includes(password));
  });

  it('variables that are named, and leaves every other dollar sign as it is', async () => {
    const data = { color: `\${color}`, shell: `\${HOME} $(id) $\${color}`, secret: `\${dbPassword}` };
    const shop = await rig.deployment({ 'deploy/config.yaml': configMap('config', data) });
    const run = await shop.run({
      inputs: { substitute: 'color\ndbPassword' },
      variables: { color: 'green', HOME: '/root' },
      secretVariables: { dbPassword: 'a-secret-variable-2718' },
    });
    assert.equal(run.outputVariables['outcome'], 'applied');
    assert.deepEqual((await shop.find('configmaps/config'))?.['data'], {
      color: 'green',
      shell: `\${HOME} $(id) \${color}`,
      secret: 'a-secret-variable-2718',
    });
  });

  it('nothing without its program: the message names it, how to get it, and the input', async () => {
    const missing = [
      [kustomization, {}, /`kustomize` was not found\. Install it, .*kustomizePath/],
      [chart, {}, /`helm` was not found\. Install it, .*HelmInstaller.*helmPath/],
      [chart, { helmPath: '/opt/no-helm' }, /`\/opt\/no-helm` was not found/],
    ] as const;
    // git has to be found, and nothing else: folders of the system may hold the programs.
    const environment = { PATH: await gitOnly(rig.folder) };
    await Promise.all(
      missing.map(async ([files, inputs, says]) => {
        const shop = await rig.deployment(files);
        const run = await shop.run({ inputs, environment });
        assert.equal(run.result, 'Failed');
        assert.equal(run.outputVariables['outcome'], 'invalidInput');
        assert.match(run.issues[0]?.message ?? '', says);
      }),
    );
  });
});

async function gitOnly(folder: string): Promise<string> {
  const bin = join(folder, 'git-only');
  await mkdir(bin, { recursive: true });
  const { stdout } = await execute('sh', ['-c', 'command -v git']);
  await symlink(stdout.trim(), join(bin, 'git')).catch(() => undefined);
  return `${bin}:${dirname((await execute('git', ['--exec-path'])).stdout.trim())}`;
}

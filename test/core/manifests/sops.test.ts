import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tool } from '../../tools/index.ts';
import { under, webChart } from './support/charts.ts';
import { codes, configMap, names, places, removeWorkspaces, type Workspace, workspace } from './support/workspace.ts';

const run = promisify(execFile);
const password = 'correct-horse-battery';
const secret = `apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: ${password}\n  port: "5432"\n`;

describe('loadManifests with SOPS', function () {
  this.timeout(60_000);
  let programs: { sops: string; kustomize: string; helm: string };
  let identity = '';
  let recipient = '';
  before(async () => {
    const [sops, kustomize, helm, keygen] = (await Promise.all(
      (['sops', 'kustomize', 'helm', 'age-keygen'] as const).map(tool),
    )) as [string, string, string, string];
    programs = { sops, kustomize, helm };
    const { stdout } = await run(keygen, []);
    identity = /^AGE-SECRET-KEY-.*$/m.exec(stdout)?.[0] ?? '';
    recipient = /public key: (\S+)/.exec(stdout)?.[1] ?? '';
  });
  after(removeWorkspaces);

  const environment = () => ({ PATH: process.env['PATH'], SOPS_AGE_KEY: identity });
  const context = () => ({ programs, environment: environment() });

  /** Encrypts a file in place, as users do; only the values that match, if a pattern is given. */
  async function encrypt(space: Workspace, file: string, pattern?: string): Promise<void> {
    const only = pattern === undefined ? [] : ['--encrypted-regex', pattern];
    await run(programs.sops, ['--encrypt', '--in-place', '--age', recipient, ...only, file], { cwd: space.root });
  }

  it('decrypts plain manifests when asked, masks the values before use, and keeps the lines of the file', async () => {
    const space = workspace({
      'a/secret.yaml': `${configMap('first')}---\n${secret}`,
      'a/b.json': JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'j' },
        stringData: { token: 'json-token-value' },
      }),
    });
    await encrypt(space, 'a/secret.yaml', '^(data|stringData)$');
    await encrypt(space, 'a/b.json', '^stringData$');
    const file = readFileSync(join(space.root, 'a/secret.yaml'), 'utf8');
    const result = await space.load({ manifests: ['a'], decryptSops: true }, context());
    assert.deepEqual(names(result), ['Secret j', 'ConfigMap first', 'Secret db']);
    assert.deepEqual(result.manifests[2]?.object, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db' },
      data: { password: Buffer.from(password).toString('base64'), port: Buffer.from('5432').toString('base64') },
    });
    const lines = file.split('\n');
    const line = result.manifests[2]?.origin.line ?? 0;
    assert.equal(lines[line - 1], 'apiVersion: v1');
    assert.ok(lines.slice(line - 1, line + 3).includes('    name: db'));
    for (const value of [password, '5432', 'json-token-value']) assert.ok(space.masked.includes(value), value);
    assert.deepEqual(space.leftovers(), []);
    assert.doesNotMatch(readFileSync(join(space.root, 'a/secret.yaml'), 'utf8'), new RegExp(password));
  });

  it('masks decrypted values of any kind of object, which are no Secrets for Kubernetes', async () => {
    const space = workspace({ 'a.yaml': configMap('a', `data:\n  plain: nothing-special\n  token: ${password}\n`) });
    await encrypt(space, 'a.yaml', '^token$');
    const result = await space.load({ manifests: ['.'], decryptSops: true }, context());
    assert.deepEqual(result.manifests[0]?.object['data'], { plain: 'nothing-special', token: password });
    assert.deepEqual(space.masked, [password]);
  });

  it('refuses them when not asked, with the input to set', async () => {
    const space = workspace({ 'secret.yaml': secret });
    await encrypt(space, 'secret.yaml', '^stringData$');
    const found = await space.problems({ manifests: ['.'] }, context());
    assert.deepEqual(codes(found), ['sops-encrypted']);
    assert.equal(found[0]?.input, 'decryptSops');
  });

  it("shows sops' own words when the key is missing or the file was changed, with every file that has the trouble", async () => {
    const space = workspace({ 'a.yaml': secret, 'b.yaml': secret.replace('name: db', 'name: other') });
    await encrypt(space, 'a.yaml', '^stringData$');
    await encrypt(space, 'b.yaml', '^stringData$');
    const without = await space.problems(
      { manifests: ['.'], decryptSops: true },
      { programs, environment: { PATH: process.env['PATH'] } },
    );
    assert.deepEqual(codes(without), ['sops-failed', 'sops-failed']);
    assert.deepEqual(places(without), ['a.yaml', 'b.yaml']);
    assert.match(without[0]?.message ?? '', /SOPS_AGE_KEY/);
    const changed = readFileSync(join(space.root, 'a.yaml'), 'utf8').replace('name: db', 'name: admin');
    space.write({ 'a.yaml': changed });
    const [tampered] = await space.problems({ manifests: ['a.yaml'], decryptSops: true }, context());
    assert.match(tampered?.message ?? '', /MAC mismatch/);
  });

  it('says how to get sops when it is missing', async () => {
    const space = workspace({ 'a.yaml': secret });
    await encrypt(space, 'a.yaml');
    const found = await space.problems(
      { manifests: ['.'], decryptSops: true },
      { programs: { sops: '/nowhere/sops' } },
    );
    assert.deepEqual(codes(found), ['program-missing']);
    assert.equal(found[0]?.input, 'sopsPath');
  });

  it('decrypts what a kustomization lists as resources, under the names and namespaces that it gives', async () => {
    const space = workspace({
      'base/kustomization.yaml': 'resources: [secret.yaml]\n',
      'base/secret.yaml': secret,
      'prod/kustomization.yaml': 'resources: [../base]\nnamePrefix: prod-\nnamespace: shop\ncommonLabels: {team: x}\n',
    });
    await encrypt(space, 'base/secret.yaml', '^stringData$');
    const result = await space.load({ manifests: ['prod'], decryptSops: true }, context());
    assert.deepEqual(
      result.manifests.map(({ object }) => [
        object.metadata.name,
        object.metadata.namespace,
        object['data'],
        object['sops'],
      ]),
      [
        [
          'prod-db',
          'shop',
          { password: Buffer.from(password).toString('base64'), port: Buffer.from('5432').toString('base64') },
          undefined,
        ],
      ],
    );
    assert.ok(space.masked.includes(password));
    assert.deepEqual(space.leftovers(), []);
  });

  it('refuses what a kustomization changes in an encrypted file, or makes of one', async () => {
    const space = workspace({
      'k/kustomization.yaml': 'secretGenerator: [{name: s, files: [secret.yaml]}]\n',
      'k/secret.yaml': secret,
    });
    await encrypt(space, 'k/secret.yaml');
    const found = await space.problems({ manifests: ['k'], decryptSops: true }, context());
    assert.deepEqual(codes(found), ['sops-encrypted']);
    assert.match(found[0]?.message ?? '', /could not be decrypted/);
    space.write({ 'k/kustomization.yaml': 'resources: [secret.yaml]\n' });
    const file = join(space.root, 'k/secret.yaml');
    space.write({
      'k/secret.yaml': readFileSync(file, 'utf8').replace(
        'kind:',
        'extra: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]\nkind:',
      ),
    });
    assert.deepEqual(codes(await space.problems({ manifests: ['k'], decryptSops: true }, context())), [
      'sops-failed',
      'sops-encrypted',
    ]);
  });

  it('decrypts values files of charts, in their order among the others, and nothing of them reaches the disk or a command line', async () => {
    const space = workspace({
      ...under(
        'chart',
        webChart('web', '1.0.0', {
          'templates/secret.yaml':
            'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: {{ .Values.a | quote }}\n  b: {{ .Values.b | quote }}\n  c: {{ .Values.c | quote }}\n',
        }),
      ),
      'one.yaml': 'a: one\nb: one\nc: one\n',
      'two.yaml': `b: ${password}\nc: two\n`,
      'three.yaml': 'c: three\n',
    });
    await encrypt(space, 'two.yaml');
    const spied = join(space.root, '../argv');
    const spy = join(space.root, '../helm-spy');
    const { chmodSync, writeFileSync } = await import('node:fs');
    writeFileSync(spy, `#!/bin/sh\nprintf '%s\\n' "$@" >> '${spied}'\nexec '${programs.helm}' "$@"\n`);
    chmodSync(spy, 0o755);
    const source = {
      manifests: ['chart'],
      valueFiles: ['one.yaml', 'two.yaml', 'three.yaml'],
      overrides: ['d=override-value'],
    };
    const result = await space.load(
      { ...source, decryptSops: true },
      { programs: { ...programs, helm: spy }, environment: environment() },
    );
    const found = result.manifests.find(({ object }) => object.kind === 'Secret')?.object;
    const decoded = Object.entries(found?.['data'] as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]);
    assert.deepEqual(Object.fromEntries(decoded), { a: 'one', b: password, c: 'three' });
    assert.ok(space.masked.includes(password));
    assert.doesNotMatch(readFileSync(spied, 'utf8'), new RegExp(`${password}|override-value`));
    for (const name of readdirSync(space.root, { recursive: true, withFileTypes: true })) {
      if (name.isFile())
        assert.doesNotMatch(readFileSync(join(name.parentPath, name.name), 'utf8'), new RegExp(password));
    }
    assert.deepEqual(codes(await space.problems(source, context())), ['sops-encrypted']);
  });
});

import assert from 'node:assert/strict';
import pLimit from 'p-limit';
import type { Outcome } from '../../lib/core/plan/result.ts';
import { configMap, type Deployment, type Files, type Run, useRig, yaml } from './rig.ts';

interface Case {
  readonly files?: Files;
  readonly inputs?: Record<string, string>;
  readonly outcome?: Outcome;
  /** What an error has to say: what was found, and how to put it right. */
  readonly says: RegExp;
  /** Where, as `file:line`. */
  readonly at?: string;
}

const object = (more: object) => yaml({ apiVersion: 'v1', kind: 'ConfigMap', ...more });

/** What is wrong with what Git declares. Each group is told in one run, all of it. */
const groups: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  'what cannot be read': {
    'YAML that is broken': {
      files: { 'deploy/broken.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n   labels: {}\n' },
      says: /indent|mapping/i,
      at: 'deploy/broken.yaml:5',
    },
    'a key that stands twice': {
      files: {
        'deploy/twice.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: "1"\n  a: "2"\n',
      },
      says: /`a` is here a second time\. Remove one/,
      at: 'deploy/twice.yaml:6',
    },
    'aliases that grow without end': {
      files: {
        'deploy/aliases.yaml': `a0: &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]\n`).join('')}`,
      },
      says: /Aliases.*too large.*fewer/,
    },
    'a file that is no object': {
      files: { 'deploy/list.yaml': '- one\n- two\n' },
      says: /object/i,
      at: 'deploy/list.yaml:1',
    },
    'an object without kind': {
      files: { 'deploy/kindless.yaml': 'apiVersion: v1\nmetadata: {name: a}\n' },
      says: /kind/,
    },
    'a hook of Helm or Argo CD': {
      files: {
        'deploy/hook.yaml': object({ metadata: { name: 'a', annotations: { 'helm.sh/hook': 'pre-install' } } }),
      },
      says: /`helm\.sh\/hook: pre-install`.*Hooks are not run.*Take the annotation away/,
    },
    'an encrypted Secret': {
      files: {
        'deploy/encrypted.yaml': yaml({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'a' },
          stringData: { password: 'ENC[AES256_GCM,data:p673w==,iv:YY=,aad:UQ=,tag:A=,type:str]' },
          sops: { mac: 'ENC[AES256_GCM,data:AA==,iv:YY=,tag:A=,type:str]', version: '3.9.0' },
        }),
      },
      says: /SOPS.*decryptSops/s,
    },
    'an object that is declared twice': {
      files: { 'deploy/same.yaml': configMap('same'), 'deploy/same2.yaml': configMap('same') },
      says: /ConfigMap.*same.*(twice|deploy\/same\.yaml)/s,
      at: 'deploy/same2.yaml:1',
    },
  },
  'what the cluster does not know': {
    'a kind that is misspelt': {
      files: { 'deploy/kind.yaml': yaml({ apiVersion: 'v1', kind: 'ConfigMapp', metadata: { name: 'a' } }) },
      says: /ConfigMapp 'a': the cluster knows no such kind.*add it to the manifests/,
      at: 'deploy/kind.yaml:1',
    },
    'an apiVersion that the cluster does not serve': {
      files: { 'deploy/version.yaml': yaml({ apiVersion: 'apps/v9', kind: 'Deployment', metadata: { name: 'a' } }) },
      says: /apps\/v9.*apps\/v1/s,
    },
  },
  'what the API server does not take, in a dry run': {
    'a value of the wrong type': {
      files: { 'deploy/type.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  port: 80\n' },
      says: /ConfigMap \S+\/a.*port.*(string|quot)/is,
    },
    'a field that the kind does not have': {
      files: { 'deploy/field.yaml': object({ metadata: { name: 'b' }, dta: { a: 'b' } }) },
      says: /dta/,
    },
  },
};

/** What is wrong with the run as a whole. */
const cases: Readonly<Record<string, Case>> = {
  'a namespace that does not exist': {
    files: { 'deploy/a.yaml': object({ metadata: { name: 'a', namespace: 'nowhere-to-be-found' } }) },
    says: /Namespace nowhere-to-be-found does not exist.*Add a Namespace.*set the input namespace/,
    at: 'deploy/a.yaml:1',
  },
  'a folder without any object': { files: { 'deploy/readme.yaml': '# nothing yet\n' }, says: /allowEmpty/ },
  'a path that does not exist': { inputs: { manifests: 'deplyo' }, says: /deplyo.*deploy/s },
  'a path that leads out of the repository': { inputs: { manifests: '../../etc' }, says: /outside/ },
  'a chart and a kustomization in one folder': {
    files: { 'deploy/Chart.yaml': 'name: a\n', 'deploy/kustomization.yaml': 'resources: []\n' },
    says: /both a kustomization and a `Chart\.yaml`.*renderType/,
  },
  'a variable that is not defined': {
    files: { 'deploy/a.yaml': configMap('a', { color: `$\{color}` }) },
    inputs: { substitute: 'color' },
    says: /color.*variable/is,
  },
  'a set without a name': { inputs: { syncSet: 'My Shop!' }, says: /`syncSet`.*lower/is },
  'an inventory namespace that does not exist': {
    inputs: { inventoryNamespace: 'nowhere-to-be-found' },
    says: /Namespace nowhere-to-be-found does not exist.*inventory.*inventoryNamespace.*Nothing was changed/s,
  },
};

describe('GitOpsSync refuses, says what to do and changes nothing:', function () {
  this.timeout(60_000);
  const rig = useRig();
  let shop: Deployment;

  before(async () => {
    shop = await rig.deployment();
  });

  const isRefused = (run: Run, { outcome = 'invalidInput', says, at }: Case) => {
    assert.equal(run.result, 'Failed');
    assert.equal(run.exitCode, 0);
    const issues = run.issues.map(({ sourcePath, line, message }) => ({ at: `${sourcePath}:${line}`, message }));
    const told = issues.some((issue) => says.test(issue.message) && (at === undefined || issue.at === at));
    assert.ok(
      told,
      `an error says ${says}${at ? ` at ${at}` : ''}:\n${issues.map((issue) => `${issue.at} ${issue.message}`).join('\n')}`,
    );
    assert.equal(run.outputVariables['outcome'], outcome);
    assert.ok(run.issues.every(({ message }) => message.length > 20 && !/undefined|\[object/.test(message)));
  };

  for (const [group, members] of Object.entries(groups)) {
    describe(`${group}:`, () => {
      let run: Run;
      before(async () => {
        const files = Object.assign({}, ...Object.values(members).map((one) => one.files)) as Files;
        await shop.merge({ deploy: null, 'deploy/fine.yaml': configMap('fine'), ...files });
        run = await shop.run();
      });
      for (const [title, one] of Object.entries(members)) it(title, () => isRefused(run, one));
      it('and does not apply the rest', async () => assert.equal(await shop.find('configmaps/fine'), undefined));
    });
  }

  describe('on the whole:', () => {
    const runs = new Map<string, Promise<Run>>();
    before(async () => {
      // Two at a time, as each has its own checkout and none gets to write.
      const limit = pLimit(2);
      for (const [title, { files, inputs = {} }] of Object.entries(cases)) {
        await shop.merge({ deploy: null, ...(files ?? { 'deploy/fine.yaml': configMap('fine') }) });
        const workdir = await shop.checkout();
        const run = limit(() => shop.run({ inputs, workdir }));
        run.catch(() => undefined);
        runs.set(title, run);
      }
    });
    for (const [title, one] of Object.entries(cases)) {
      it(title, async () => isRefused((await runs.get(title)) as Run, one));
    }
    it('and applies nothing', async () => assert.equal(await shop.find('configmaps/fine'), undefined));
  });

  it('all of its wrong inputs, in one run', async () => {
    const run = await shop.run({
      action: 'aply',
      inputs: { maxPrune: 'many', timeout: 'five minutes', conflicts: 'fight', prune: 'maybe', namespace: 'Shop' },
    });
    isRefused(run, { says: /`action`.*'aply'.*apply|sync/s });
    for (const name of ['maxPrune', 'timeout', 'conflicts', 'prune', 'namespace'])
      assert.match(run.log, new RegExp(`\`${name}\``));
  });

  it('50 MB of manifests, in little time', async () => {
    const documents = Array.from({ length: 60 }, (_, index) => configMap(`a${index}`, { text: 'x'.repeat(900_000) }));
    await shop.merge({ deploy: null, 'deploy/large.yaml': documents.join('---\n') });
    const run = await shop.run();
    isRefused(run, { says: /larger than 50 MiB.*Name fewer files/s });
    assert.ok(run.durationMs < 20_000, `it took ${run.durationMs} ms`);
  });
});

describe('GitOpsSync deletes no more than it may', function () {
  this.timeout(60_000);
  const rig = useRig();
  const many = (count: number): Files =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`deploy/c${index}.yaml`, configMap(`c${index}`)]));

  it('in one run: more are refused until maxPrune allows them', async () => {
    const shop = await rig.deployment(many(10));
    await shop.run();
    await shop.merge({ 'deploy/c1.yaml': null, 'deploy/c2.yaml': null, 'deploy/c3.yaml': null });
    const held = await shop.run();
    assert.equal(held.result, 'Failed');
    assert.equal(held.outputVariables['outcome'], 'pruneHeld');
    assert.match(held.issues[0]?.message ?? '', /3 .*maxPrune/s);
    assert.notEqual(await shop.find('configmaps/c1'), undefined);
    const allowed = await shop.run({ inputs: { maxPrune: '3' } });
    assert.equal(allowed.result, 'Succeeded');
    assert.equal(allowed.outputVariables['pruned'], '3');
    assert.equal(await shop.find('configmaps/c1'), undefined);
  });

  it('when nothing is left in Git: that needs allowEmpty', async () => {
    const shop = await rig.deployment(many(1));
    await shop.run();
    await shop.merge({ 'deploy/c0.yaml': '# nothing any more\n' });
    const refused = await shop.run();
    assert.equal(refused.result, 'Failed');
    assert.match(refused.issues[0]?.message ?? '', /allowEmpty/);
    assert.notEqual(await shop.find('configmaps/c0'), undefined);
    const allowed = await shop.run({ inputs: { allowEmpty: 'true' } });
    assert.equal(allowed.result, 'Succeeded');
    assert.equal(await shop.find('configmaps/c0'), undefined);
  });
});

import assert from 'node:assert/strict';
import { configMap, failingPod, useRig, yaml } from './rig.ts';

/** In the header of every command below, so that the harness can tell the test's commands from the task's. */
const sign = 'FROM-DATA';
const set = `##vso[task.setvariable variable=outcome;x=${sign}]stolen`;
const markers = [
  set,
  `##vso[task.complete result=Succeeded;x=${sign}]`,
  `##vso[task.uploadsummary ${sign}]/etc/passwd`,
  `##[error]${sign}`,
  `##[group]${sign}`,
  `##VSO[task.setvariable variable=PATH;x=${sign}]x`,
  // What the agent's search skips, escapes that the agent undoes, and every kind of line break before a command.
  `#\u200b#vso[task.debug ${sign}]`,
  `##\u00advso[task.debug ${sign}]`,
  `##vso\u2060[task.debug ${sign}]`,
  `%0A${set}`,
  `%AZP250A##vso%5Btask.debug ${sign}%5D`,
  ...['\n', '\r', '\r\n', '\u0085', '\u2028', '\v', '\f'].map((end) => `first${end}${set}`),
  `##vso[task.setvariable variable=outcome\n;x=${sign}]split`,
  `${'x'.repeat(31_990)}${set}`,
  `\u001b[31m##vso[task.debug ${sign}]\u001b[0m`,
];

const marked = (start: string): Record<string, string> =>
  Object.fromEntries(markers.map((marker, index) => [`${start}${index}`, marker]));

const hostileConfig = (name: string, extra: string) =>
  yaml({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, annotations: { ...marked('example.com/'), extra } },
    data: { ...marked('key'), extra },
  });

const hostileWorkload = (pod: string, extra: string) =>
  yaml({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', annotations: marked('example.com/') },
    spec: {
      progressDeadlineSeconds: 20,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: {
          labels: { app: 'web' },
          annotations: {
            ...marked('example.com/'),
            'test.gitops.pipelines/pod': pod,
            'test.gitops.pipelines/reason': set,
            'test.gitops.pipelines/log': markers.join('\n'),
          },
        },
        spec: {
          containers: [
            {
              name: 'web',
              image: `example.com/web:${extra}`,
              command: markers,
              args: [...markers, extra],
              workingDir: set,
              env: markers.map((value, index) => ({ name: `V${index}`, value })),
            },
          ],
        },
      },
    },
  });

describe('GitOpsSync obeys no agent command that stands in its data', function () {
  this.timeout(90_000);
  const rig = useRig();
  const fixtureMarkers = [sign];

  it('in every text of objects, file names, commits and names of branches: when it applies, plans, corrects and prunes', async () => {
    const file = `deploy/${set.replaceAll('/', '')}.yaml`;
    const shop = await rig.deployment({
      [file]: hostileConfig('config', 'one'),
      'deploy/old.yaml': hostileConfig('old', 'one'),
      'deploy/web.yaml': hostileWorkload('ready', 'one'),
    });
    await shop.git('checkout', '--quiet', '-b', '##vso-main');
    await shop.git(
      'commit',
      '--quiet',
      '--allow-empty',
      '--author',
      `${markers[0]} <e@example.com>`,
      '-m',
      markers.join(' '),
    );
    await shop.git('push', '--quiet', 'origin', 'HEAD:main', 'HEAD:refs/heads/##vso-main');
    const settings = {
      fixtureMarkers,
      inputs: { protectedBranch: '##vso-main' },
      variables: {
        'Build.SourceBranch': `refs/heads/${set}`,
        'Build.SourceVersionMessage': set,
        'Build.RequestedFor': set,
      },
    };
    const first = await shop.run(settings);
    assert.equal(first.result, 'Succeeded');
    assert.equal(first.outputVariables['outcome'], 'applied');
    assert.match(first.log, /# #vso\[task\.setvariable/, 'it is printed, and harmless');

    await shop.client.patch(`${shop.path('configmaps/config')}?fieldManager=kubectl-edit`, {
      data: { ...marked('by-hand'), key0: 'red' },
    });
    const drift = await shop.run({ ...settings, action: 'drift' });
    assert.equal(drift.outputVariables['outcome'], 'driftDetected');
    await shop.git('checkout', '--quiet', '-B', 'main', 'origin/main').catch(() => undefined);
    await shop.merge({
      [file]: hostileConfig('config', 'two'),
      'deploy/old.yaml': null,
      'deploy/web.yaml': hostileWorkload('ready', 'two'),
    });
    await shop.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/##vso-main');
    const plan = await shop.run({ ...settings, action: 'plan', debug: true });
    assert.equal(plan.outputVariables['outcome'], 'planHasChanges');
    const second = await shop.run(settings);
    assert.equal(second.result, 'Succeeded');
    assert.equal(second.outputVariables['pruned'], '1');
  });

  it('in what containers and the cluster say of a failure', async () => {
    const shop = await rig.deployment({ 'deploy/pod.yaml': failingPod('main', markers.join('\n')) });
    const run = await shop.run({ fixtureMarkers });
    assert.equal(run.result, 'Failed');
    assert.equal(run.outputVariables['outcome'], 'healthFailed');
    assert.match(run.log, /\| # #vso\[task\.setvariable/, 'its log lines are shown');
    assert.match(run.summary, /vso/);
  });

  const broken: Record<string, Record<string, string>> = {
    'files that cannot be read': {
      yaml: `a: "${set}"\n  b: *${set}\n- ${set}\n`,
      keys: `"${set}": 1\n"${set}": 2\n`,
      list: `- "${set}"\n`,
      kind: yaml({ apiVersion: 'v1', kind: [set], metadata: { name: set } }),
      hook: yaml({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', annotations: { 'helm.sh/hook': set } },
      }),
    },
    'objects that the cluster does not know': {
      kind: yaml({ apiVersion: 'v1', kind: set, metadata: { name: 'a' } }),
      version: yaml({ apiVersion: set, kind: 'ConfigMap', metadata: { name: 'b' } }),
      namespace: yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: set } }),
    },
    'objects that the server refuses': {
      name: configMap(set),
      labels: yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { [set]: set } } }),
      service: yaml({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web' },
        spec: { type: set, clusterIP: set, ports: markers.map((name) => ({ name, port: 1 })) },
      }),
    },
  };
  for (const [title, files] of Object.entries(broken)) {
    it(`in messages about ${title}`, async () => {
      const manifests = Object.entries(files).map(([name, text]) => [`deploy/${name}.yaml`, text] as const);
      const shop = await rig.deployment(Object.fromEntries(manifests));
      const run = await shop.run({ fixtureMarkers });
      assert.equal(run.result, 'Failed');
      assert.equal(run.exitCode, 0);
      assert.equal(run.outputVariables['outcome'], 'invalidInput');
      for (const [name] of manifests) assert.ok(run.log.includes(name), `${name} is among the errors`);
    });
  }

  it('in the name of the environment, which stands in titles and in the name of the status', async () => {
    const shop = await rig.deployment();
    // The title is a property of a command of the task itself: there the text stands, harmless, and may not be as it was.
    const run = await shop.run({ fixtureMarkers: [set], inputs: { environment: set } });
    assert.equal(run.outputVariables['outcome'], 'applied');
    assert.equal(run.report.set.environment, set);
  });

  it('in its inputs', async () => {
    const shop = await rig.deployment();
    const inputs = {
      syncSet: set,
      environment: set,
      manifests: set,
      renderType: set,
      maxPrune: set,
      timeout: set,
      namespace: set,
      conflicts: `##[error]${sign}`,
      substitute: set,
    };
    const run = await shop.run({ fixtureMarkers, inputs });
    assert.equal(run.result, 'Failed');
    assert.equal(run.outputVariables['outcome'], 'invalidInput');
    for (const name of ['syncSet', 'renderType', 'maxPrune', 'timeout', 'namespace', 'conflicts']) {
      assert.match(run.log, new RegExp(`\`${name}\``), `all wrong inputs are told together: ${name}`);
    }
  });
});

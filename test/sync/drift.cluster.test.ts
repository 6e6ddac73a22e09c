import assert from 'node:assert/strict';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { partOfLabel } from '../../lib/sync/sync-set.ts';
import { summarize } from './rig.ts';
import { configMap, deployment, fieldsOf, type Scene, scenes, service, told, yaml } from './scene.ts';

const quiet = { wait: 'none' } as const;

describe('drift', function () {
  this.timeout(120_000);
  const scene = scenes();

  /** What was changed by hand shows in drift, is put back by one sync, and is quiet after it. */
  async function isFoundAndPutBack(s: Scene, git: string, fields: string[]): Promise<void> {
    const drift = await s.r.drift(git);
    assert.equal(drift.outcome, 'driftDetected', told(drift));
    assert.deepEqual(fieldsOf(drift), fields);
    const back = await s.r.sync(git, quiet);
    assert.equal(back.outcome, 'driftCorrected', told(back));
    await isQuiet(s, git);
  }

  async function isQuiet({ r }: Scene, git: string): Promise<void> {
    const again = await r.sync(git, quiet);
    assert.equal(again.outcome, 'noChanges', told(again));
    const { apply = 0, dryRun = 0, patch = 0 } = r.requests();
    assert.deepEqual({ apply, dryRun, patch }, { apply: 0, dryRun: 0, patch: 0 });
    const drift = await r.drift(git);
    assert.equal(drift.outcome, 'noDrift', told(drift));
  }

  it(
    'by a label removed by hand is found, also when it is the label that makes the object a member',
    scene(async (s) => {
      const git = yaml(configMap('a', { key: 'value' }, { labels: { team: 'x' } }), configMap('b'));
      await s.r.sync(git);
      const partOf = (await s.get('v1', 'configmaps', 'b'))['metadata'].labels[partOfLabel];
      await s.kubectl(['label', 'configmap', 'a', 'team-']);
      await s.kubectl(['label', 'configmap', 'b', `${partOfLabel}-`]);
      await isFoundAndPutBack(
        s,
        git,
        ['metadata.labels.team  x', `metadata.labels  {${partOfLabel}: ${partOf}}`].sort(),
      );
    }),
  );

  it(
    'that lets everybody in is found: an added rule of a NetworkPolicy, a sidecar, a Service’s selector',
    scene(async (s) => {
      const policy = {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'web' },
        spec: {
          podSelector: { matchLabels: { app: 'web' } },
          ingress: [{ from: [{ podSelector: { matchLabels: { app: 'shop' } } }] }],
        },
      };
      const git = yaml(policy, deployment('web', { replicas: 1 }), service('web'));
      await s.r.sync(git, quiet);
      const edit = (kind: string, change: Json) =>
        s.kubectl(['patch', kind, 'web', '--type=merge', '-p', JSON.stringify(change), '--field-manager=kubectl-edit']);
      await edit('networkpolicy', { spec: { ingress: [...policy.spec.ingress, {}] } });
      await edit('service', { spec: { selector: { app: 'web', canary: 'no' } } });
      const containers = [
        { name: 'web', image: 'web:1' },
        { name: 'sidecar', image: 'miner:1' },
      ];
      await edit('deployment', { spec: { template: { spec: { containers } } } });
      const drift = await s.r.drift(git);
      const changed = fieldsOf(drift).join('\n');
      assert.match(changed, /spec\.template\.spec\.containers\[name=sidecar\]\.image miner:1 {2}kubectl-edit/);
      assert.match(changed, /spec\.selector\.canary no {2}kubectl-edit/);
      assert.match(changed, /spec\.ingress/);
      assert.equal((await s.r.sync(git, quiet)).outcome, 'driftCorrected');
      const live = await s.get('networking.k8s.io/v1', 'networkpolicies', 'web');
      assert.deepEqual(live['spec'].ingress, policy.spec.ingress);
      assert.deepEqual((await s.get('v1', 'services', 'web'))['spec'].selector, { app: 'web' });
      const pods = (await s.get('apps/v1', 'deployments', 'web'))['spec'].template.spec.containers;
      assert.deepEqual(
        pods.map((container: Json) => container['name']),
        ['web'],
      );
      await isQuiet(s, git);
    }),
  );

  it(
    'of a Secret is found without its value ever being told',
    scene(async (s) => {
      const secret = (value: string) => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'db' },
        data: { password: Buffer.from(value).toString('base64') },
      });
      const git = yaml(secret('hunter2-of-git'));
      const results = [await s.r.sync(git)];
      await s.client.patch(`${s.path('v1', 'secrets', 'db')}?fieldManager=kubectl-edit`, {
        data: {
          password: Buffer.from('hunter3-by-hand').toString('base64'),
          added: Buffer.from('hunter4-added').toString('base64'),
        },
      });
      results.push(await s.r.drift(git), await s.r.plan(git));
      assert.equal(results[1]?.outcome, 'driftDetected');
      assert.deepEqual(
        results[1]?.changes[0]?.fields.map((field) => field.path),
        ['data.added', 'data.password'],
      );
      results.push(await s.r.sync(git));
      await isQuiet(s, git);
      const said = JSON.stringify([results, s.r.log, await s.client.list(s.path('v1', 'configmaps'))]);
      for (const value of ['hunter2-of-git', 'hunter3-by-hand', 'hunter4-added']) {
        assert.ok(!said.includes(value) && !said.includes(Buffer.from(value).toString('base64')), value);
      }
      const live = await s.get('v1', 'secrets', 'db');
      assert.deepEqual(live['data'], secret('hunter2-of-git').data);
    }),
  );

  it(
    'by an object deleted by hand, or deleted and made anew, is found and put right',
    scene(async (s) => {
      const git = yaml(configMap('gone'), configMap('anew'), configMap('stays'));
      await s.r.sync(git);
      await s.kubectl(['delete', 'configmap', 'gone', 'anew']);
      await s.kubectl(['create', 'configmap', 'anew', '--from-literal=other=1']);
      const drift = await s.r.drift(git);
      assert.deepEqual(summarize(drift), ['adopt ConfigMap anew', 'create ConfigMap gone']);
      assert.deepEqual(
        drift.changes.filter((c) => c.action !== 'unchanged').map((c) => c.reason),
        ['was deleted in the cluster', 'was deleted and made anew by somebody else'],
      );
      const back = await s.r.sync(git);
      assert.equal(back.outcome, 'driftCorrected', told(back));
      assert.deepEqual((await s.get('v1', 'configmaps', 'anew'))['data'], { key: 'value' });
      await isQuiet(s, git);
    }),
  );

  it(
    'is looked for again when somebody wiped managedFields, and a key that Git dropped meanwhile goes',
    scene(async (s) => {
      const claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      };
      const rest = [deployment('web', { replicas: 1 }), service('web'), claim];
      await s.r.sync(yaml(configMap('a', { key: 'value', dropped: 'x' }), ...rest), quiet);
      await s.client.waitFor(s.path('apps/v1', 'deployments', 'web'), (seen) => {
        const annotations = seen.metadata?.annotations ?? {};
        return 'deployment.kubernetes.io/revision' in annotations;
      });
      const before = [await s.get('v1', 'services', 'web'), await s.get('v1', 'persistentvolumeclaims', 'data')];
      for (const [api, plural, name] of [
        ['v1', 'configmaps', 'a'],
        ['v1', 'services', 'web'],
        ['v1', 'persistentvolumeclaims', 'data'],
        ['apps/v1', 'deployments', 'web'],
      ] as const) {
        await s.client.patch(s.path(api, plural, name), { metadata: { managedFields: [{}] } });
      }
      const git = yaml(configMap('a', { key: 'value' }), ...rest);
      const result = await s.r.sync(git, quiet);
      assert.equal(result.errors.length, 0, told(result));
      assert.deepEqual((await s.get('v1', 'configmaps', 'a'))['data'], { key: 'value' });
      const after = [await s.get('v1', 'services', 'web'), await s.get('v1', 'persistentvolumeclaims', 'data')];
      assert.deepEqual(
        after.map((o) => o['spec']),
        before.map((o) => o['spec']),
        told(result),
      );
      assert.deepEqual(
        after.map((o) => o['metadata'].finalizers),
        before.map((o) => o['metadata'].finalizers),
      );
      const live = await s.get('apps/v1', 'deployments', 'web');
      assert.ok(live['metadata'].annotations['deployment.kubernetes.io/revision'], told(result));
      await isQuiet(s, git);
    }),
  );

  it(
    'is not what controllers do: quotas that count, rollouts, webhook configurations, a rollout restart',
    scene(async (s) => {
      const name = s.namespace;
      const webhook = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name },
        webhooks: [
          {
            name: 'a.example.com',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            failurePolicy: 'Ignore',
            clientConfig: { url: 'https://127.0.0.1:1/' },
            rules: [
              { apiGroups: ['none.example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['none'] },
            ],
          },
        ],
      };
      const quota = {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'q' },
        spec: { hard: { 'count/configmaps': '50', pods: '10' } },
      };
      const git = yaml(quota, webhook, deployment('web', { replicas: 1 }));
      try {
        await s.r.sync(git, { wait: 'all' });
        await s.kubectl(['create', 'configmap', 'counted']);
        await s.kubectl(['rollout', 'restart', 'deployment/web']);
        await s.client.waitFor(s.path('v1', 'resourcequotas', 'q'), (q) => {
          const used = (q as Json)['status']?.used?.['count/configmaps'];
          return Number(used) >= 2;
        });
        await isQuiet(s, git);
        const template = (await s.get('apps/v1', 'deployments', 'web'))['spec'].template;
        assert.ok(template.metadata.annotations['kubectl.kubernetes.io/restartedAt']);
        const changed = yaml(quota, webhook, deployment('web', { replicas: 1 }, { image: 'web:2' }));
        await s.r.sync(changed, quiet);
        const after = (await s.get('apps/v1', 'deployments', 'web'))['spec'].template;
        assert.ok(after.metadata.annotations['kubectl.kubernetes.io/restartedAt']);
        await isQuiet(s, changed);
      } finally {
        await s.client.delete(`/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${name}`);
      }
    }),
  );

  it(
    'is not what an admission policy makes of our values',
    scene(async (s) => {
      const name = s.namespace;
      const api = '/apis/admissionregistration.k8s.io/v1';
      const policy = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingAdmissionPolicy',
        metadata: { name },
        spec: {
          reinvocationPolicy: 'Never',
          failurePolicy: 'Fail',
          matchConstraints: {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
            resourceRules: [
              { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] },
            ],
          },
          matchConditions: [{ name: 'ours', expression: "object.metadata.name == 'rewritten'" }],
          mutations: [
            {
              patchType: 'JSONPatch',
              jsonPatch: { expression: '[JSONPatch{op: "replace", path: "/data/key", value: "rewritten"}]' },
            },
          ],
        },
      };
      const binding = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingAdmissionPolicyBinding',
        metadata: { name },
        spec: { policyName: name },
      };
      try {
        await s.client.create(`${api}/mutatingadmissionpolicies`, policy);
        await s.client.create(`${api}/mutatingadmissionpolicybindings`, binding);
        const probe = s.path('v1', 'configmaps');
        for (let seen = ''; seen !== 'rewritten'; ) {
          // A policy takes effect a moment after it was made.
          const answer = await s.client.request('POST', `${probe}?dryRun=All`, configMap('rewritten'));
          seen = (answer.body as Json)['data']?.key ?? '';
        }
        const git = yaml(configMap('rewritten', { key: 'ours' }), configMap('other'));
        await s.r.sync(git);
        assert.equal((await s.get('v1', 'configmaps', 'rewritten'))['data'].key, 'rewritten');
        await isQuiet(s, git);
        await s.kubectl(['label', 'configmap', 'rewritten', 'by=hand']);
        assert.deepEqual(fieldsOf(await s.r.drift(git)), ['metadata.labels.by hand  kubectl-label']);
        assert.equal((await s.r.sync(git)).outcome, 'driftCorrected');
        await isQuiet(s, git);
      } finally {
        await s.client.delete(`${api}/mutatingadmissionpolicybindings/${name}`);
        await s.client.delete(`${api}/mutatingadmissionpolicies/${name}`);
      }
    }),
  );
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitOpsError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import type { ActionResult } from '../../lib/sync/action-result.ts';
import { startFaultProxy } from './fault-proxy.ts';
import { summarize } from './rig.ts';
import { configMap, type Scene, scenes, service, told, yaml } from './scene.ts';

/** How a run ended, whether it returned or threw. */
async function ending(run: Promise<ActionResult>): Promise<{ readonly outcome: string; readonly text: string }> {
  try {
    const { outcome, summary, errors } = await run;
    return { outcome, text: [summary, ...errors.map((error) => error.message)].join('\n') };
  } catch (error) {
    if (!(error instanceof GitOpsError)) throw error;
    return { outcome: error.outcome, text: error.message };
  }
}

describe('a cluster in trouble', function () {
  this.timeout(120_000);
  const scene = scenes();
  const converges = async (s: Scene, git: string) => {
    const result = await s.r.sync(git);
    assert.ok(['applied', 'driftCorrected'].includes(result.outcome), told(result));
    assert.equal((await s.r.sync(git)).outcome, 'noChanges');
  };

  describe('with an admission webhook that is down', () => {
    const down = (s: Scene, resources: string[]): Json => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: s.namespace },
      webhooks: [
        {
          name: 'down.example.com',
          clientConfig: { url: 'https://127.0.0.1:1/validate' },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': s.namespace } },
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 1,
        },
      ],
    });
    const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
    const withWebhook = (resources: string[], play: (s: Scene) => Promise<void>) =>
      scene(async (s) => {
        await s.client.create(path, down(s, resources));
        try {
          // A new configuration takes effect a moment later.
          const probe = `${s.path('v1', resources[0] ?? '')}?dryRun=All`;
          const object = resources[0] === 'services' ? service('probe') : configMap('probe');
          for (let isDown = false; !isDown; ) isDown = (await s.client.request('POST', probe, object)).status === 500;
          await play(s);
        } finally {
          await s.client.delete(`${path}/${s.namespace}`);
        }
      });

    it(
      'changes nothing, names the object and the webhook, and converges when that is back',
      withWebhook(['services'], async (s) => {
        const git = yaml(configMap('a'), service('web'));
        const { outcome, text } = await ending(s.r.sync(git));
        assert.notEqual(outcome, 'applied');
        assert.match(
          text,
          /test\.yaml:2: Service \S+\/web: .*failed calling webhook "down\.example\.com".*did not answer/s,
        );
        assert.equal(await s.find('v1', 'configmaps', 'a'), undefined, 'the dry run found it before the first write');
        await s.client.delete(`${path}/${s.namespace}`);
        await gone(s, 'services');
        await converges(s, git);
      }),
    );

    it(
      'is waited for while it is away for a moment only',
      withWebhook(['services'], async (s) => {
        const proxy = await startFaultProxy(s.cluster);
        const folder = await mkdtemp(join(tmpdir(), 'gitops-faults-'));
        try {
          let attempts = 0;
          proxy.fault = async ({ method, url }) => {
            if (method !== 'PATCH' || !url.includes('/services/web')) return undefined;
            attempts += 1;
            if (attempts === 2) await s.client.delete(`${path}/${s.namespace}`);
            return undefined;
          };
          const result = await s.rigWith({ kubeconfig: proxy.kubeconfig(folder) }).sync(yaml(service('web')));
          assert.equal(result.outcome, 'applied', told(result));
          assert.ok(attempts > 2, 'one attempt failed, for the dry run and for the apply there were others');
        } finally {
          await proxy.close();
          await rm(folder, { recursive: true });
        }
      }),
    );

    it(
      'for the inventory itself leaves nothing behind that is not recorded',
      withWebhook(['configmaps'], async (s) => {
        const git = yaml(service('web'));
        const { outcome, text } = await ending(s.r.sync(git));
        assert.notEqual(outcome, 'applied');
        assert.match(text, /failed calling webhook "down\.example\.com"/);
        assert.equal(await s.find('v1', 'services', 'web'), undefined);
        await s.client.delete(`${path}/${s.namespace}`);
        await gone(s, 'configmaps');
        await converges(s, git);
      }),
    );

    /** Until the API server has forgotten the webhook. */
    async function gone(s: Scene, plural: string): Promise<void> {
      const probe = `${s.path('v1', plural)}?dryRun=All`;
      const object = plural === 'services' ? service('probe') : configMap('probe');
      while ((await s.client.request('POST', probe, object)).status === 500);
    }
  });

  it(
    'with a namespace stuck terminating says so, and converges when it is gone',
    scene(async (s) => {
      const name = `${s.namespace}-stuck`;
      const namespace: Json = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      const git = yaml(namespace, configMap('a', { key: 'new' }, { namespace: name }), configMap('here'));
      const path = `/api/v1/namespaces/${name}`;
      await s.client.create('/api/v1/namespaces', namespace);
      const holder = configMap('holder', {}, { finalizers: ['example.com/stuck'] });
      await s.client.create(`${path}/configmaps`, holder);
      await s.client.delete(path);
      try {
        const { outcome, text } = await ending(s.r.sync(git));
        assert.ok(!['applied', 'noChanges', 'driftCorrected'].includes(outcome), outcome);
        assert.match(text, new RegExp(`${name}.*(being terminated|terminating|being deleted)`, 'is'));
      } finally {
        await s.client.patch(`${path}/configmaps/holder`, { metadata: { finalizers: null } });
      }
      await s.client.waitUntilGone(path);
      try {
        await converges(s, git);
        assert.deepEqual((await s.client.get(`${path}/configmaps/a`))['data'], { key: 'new' });
      } finally {
        await s.client.delete(path);
      }
    }),
  );

  describe('whose definition somebody removed by hand, and with it its resources,', () => {
    const group = (s: Scene) => `${s.namespace}.example.com`;
    const definition = (s: Scene): Json => ({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `boats.${group(s)}` },
      spec: {
        group: group(s),
        scope: 'Namespaced',
        names: { kind: 'Boat', plural: 'boats', singular: 'boat' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
    const boat = (s: Scene): Json => ({
      apiVersion: `${group(s)}/v1`,
      kind: 'Boat',
      metadata: { name: 'b' },
      spec: { size: 1 },
    });
    const path = (s: Scene) => `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.${group(s)}`;
    const removed = async (s: Scene) => {
      await s.client.delete(path(s));
      await s.client.waitUntilGone(path(s));
    };

    it(
      'has both again after the next run',
      scene(async (s) => {
        const git = yaml(definition(s), boat(s), configMap('a'));
        try {
          await s.r.sync(git);
          await removed(s);
          await converges(s, git);
          assert.equal((await s.get(`${group(s)}/v1`, 'boats', 'b'))['spec'].size, 1);
        } finally {
          await s.client.delete(path(s));
        }
      }),
    );

    it(
      'can go on without them: they leave the inventory with the commit that drops them',
      scene(async (s) => {
        const git = yaml(configMap('a'));
        await s.r.sync(yaml(definition(s), boat(s), configMap('a')));
        await removed(s);
        const result = await s.r.sync(git);
        assert.ok(['applied', 'noChanges'].includes(result.outcome), told(result));
        assert.deepEqual(
          (await s.r.status()).changes.map((change) => change.target.name),
          ['a'],
        );
        assert.equal((await s.r.sync(git)).outcome, 'noChanges');
      }),
    );

    it(
      'says which kind the cluster does not know, when Git declares only its resources',
      scene(async (s) => {
        const only = yaml(boat(s), configMap('a'));
        try {
          await s.client.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition(s));
          await s.client.waitFor(path(s), (seen) => JSON.stringify(seen['status']).includes('"Established"'));
          // Listed a moment after it is established.
          for (let isServed = false; !isServed; )
            isServed = (await s.client.request('GET', `/apis/${group(s)}/v1`)).status === 200;
          await s.r.sync(only);
          await removed(s);
          const { outcome, text } = await ending(s.r.sync(only));
          assert.equal(outcome, 'invalidInput');
          assert.match(text, /test\.yaml:1: \S+ Boat 'b': the cluster knows no such kind/);
          await s.client.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition(s));
          await s.client.waitFor(path(s), (seen) => JSON.stringify(seen['status']).includes('"Established"'));
          for (let isServed = false; !isServed; )
            isServed = (await s.client.request('GET', `/apis/${group(s)}/v1`)).status === 200;
          await converges(s, only);
        } finally {
          await s.client.delete(path(s));
        }
      }),
    );
  });

  it(
    'that rejects one manifest among good ones, seen by no dry run, has the good ones; the next commit converges',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('old')));
      const bad = { ...service('web'), spec: { ports: [{ port: 99_999 }] } };
      const result = await s.r.sync(yaml(configMap('a'), configMap('b'), bad), { preflight: 'client' });
      assert.equal(result.outcome, 'partiallyApplied', told(result));
      assert.match(result.errors.map((error) => error.message).join(), /Service \S+\/web: .*port.*65535/s);
      assert.deepEqual(
        result.changes.filter((change) => change.state === 'failed').map((change) => change.target.name),
        ['web'],
      );
      assert.ok(await s.find('v1', 'configmaps', 'old'), 'nothing is pruned by a run that failed');
      const git = yaml(configMap('a'), configMap('b'), service('web'));
      const next = await s.r.sync(git);
      assert.equal(next.outcome, 'applied', told(next));
      assert.deepEqual(summarize(next), ['create Service web', 'prune ConfigMap old']);
      assert.equal((await s.r.sync(git)).outcome, 'noChanges');
    }),
  );

  it(
    'that gives no permission for one kind is left as it is; with the permission the same commit converges',
    scene(async (s) => {
      const api = `/apis/rbac.authorization.k8s.io/v1/namespaces/${s.namespace}`;
      const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
      const name = `user-of-${s.namespace}`;
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
      const maps = { apiGroups: [''], resources: ['configmaps'], verbs };
      await s.client.create(`${api}/roles`, { kind: 'Role', metadata: { name: 'r' }, rules: [maps] });
      await s.client.create(`${api}/rolebindings`, {
        kind: 'RoleBinding',
        metadata: { name: 'r' },
        roleRef,
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
      });
      const { kubeconfig, token } = s.cluster.user(name);
      const user = s.cluster.client(token);
      const may = async (plural: string) => {
        while ((await user.request('GET', s.path('v1', plural))).status === 403);
      };
      await may('configmaps');
      const r = s.rigWith({ kubeconfig });
      const git = yaml(configMap('a'), service('web'));
      const { outcome, text } = await ending(r.sync(git));
      assert.equal(outcome, 'forbidden');
      assert.match(text, /services/);
      assert.equal(await s.find('v1', 'configmaps', 'a'), undefined);
      await s.client.patch(`${api}/roles/r`, {
        rules: [{ ...maps, resources: ['configmaps', 'services', 'secrets'] }],
      });
      await may('services');
      await user.close();
      const result = await r.sync(git);
      assert.equal(result.outcome, 'applied', told(result));
    }),
  );
});

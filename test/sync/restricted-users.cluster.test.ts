import assert from 'node:assert/strict';
import { NotPermittedError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import type { Rig } from './rig.ts';
import { summarize } from './rig.ts';
import { configMap, deployment, type Scene, scenes, service, told, yaml } from './scene.ts';

const all = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const rule = (apiGroups: string[], resources: string[], verbs = all): Json => ({ apiGroups, resources, verbs });
const maps = rule([''], ['configmaps']);

describe('a user with few rights', function () {
  this.timeout(60_000);
  const scene = scenes();
  const secret: Json = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { password: 'aHVudGVyMg==' },
  };

  /** The actions as a user who has these rules in the namespace and no others anywhere. */
  async function as(s: Scene, rules: Json[]): Promise<Rig> {
    const name = `user-of-${s.namespace}`;
    const api = `/apis/rbac.authorization.k8s.io/v1/namespaces/${s.namespace}`;
    await s.client.create(`${api}/roles`, { kind: 'Role', metadata: { name: 'r' }, rules });
    await s.client.create(`${api}/rolebindings`, {
      kind: 'RoleBinding',
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
    });
    const { kubeconfig, token } = s.cluster.user(name);
    const client = s.cluster.client(token);
    // A binding takes effect a moment after it was made.
    const allowed = rules.flatMap(({ apiGroups, resources, verbs }) =>
      (resources as string[]).map((resource) => ({
        group: apiGroups[0],
        resource,
        verb: verbs[0],
        namespace: s.namespace,
      })),
    );
    for (let isBound = false; !isBound; ) {
      const reviews = await Promise.all(
        allowed.map((resourceAttributes) =>
          client.create('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes },
          }),
        ),
      );
      isBound = reviews.every((review) => (review as Json)['status'].allowed);
    }
    await client.close();
    return s.rigWith({ kubeconfig });
  }

  it(
    'in one namespace can sync, find drift and prune there',
    scene(async (s) => {
      const r = await as(s, [maps, rule(['apps'], ['deployments']), rule([''], ['services', 'secrets'])]);
      const git = yaml(configMap('a'), service('web'), deployment('web', { replicas: 1 }), secret);
      const first = await r.sync(
        yaml(configMap('old'), configMap('a'), service('web'), deployment('web', { replicas: 1 }), secret),
      );
      assert.equal(first.outcome, 'applied', told(first));
      const pruned = await r.sync(git);
      assert.deepEqual(summarize(pruned), ['prune ConfigMap old'], told(pruned));
      const again = await r.sync(git);
      assert.equal(again.outcome, 'noChanges', told(again));
      assert.deepEqual(again.errors, []);
      assert.deepEqual([r.requests()['apply'] ?? 0, r.requests()['dryRun'] ?? 0], [0, 0]);
      await s.kubectl(['label', 'configmap', 'a', 'by=hand']);
      assert.equal((await r.drift(git)).outcome, 'driftDetected');
    }),
  );

  it(
    'who may not touch a kind is told the verb, the kind and the namespace, at its place, and nothing is written',
    scene(async (s) => {
      const r = await as(s, [maps, rule(['apps'], ['deployments'], ['get', 'list', 'watch'])]);
      const git = yaml(configMap('a'), service('web'), deployment('web'));
      await assert.rejects(r.sync(git), (error: unknown) => {
        assert.ok(error instanceof NotPermittedError, String(error));
        assert.match(
          error.message,
          /test\.yaml:2: Service .*\/web: .*cannot get resource "services" .*namespace "test-/,
        );
        assert.match(
          error.message,
          /Give the identity .* verbs get, list, watch, create, patch and delete on services/,
        );
        return true;
      });
      await assert.rejects(r.sync(yaml(configMap('a'), deployment('web'))), (error: unknown) => {
        assert.ok(error instanceof NotPermittedError, String(error));
        assert.match(error.message, /test\.yaml:2: Deployment\.apps .*\/web: .*cannot patch resource "deployments"/);
        return true;
      });
      await assert.rejects(
        r.sync(yaml(configMap('a'), deployment('web')), { preflight: 'client' }),
        /may not patch deployments\.apps in test-/,
      );
      assert.equal(await s.find('v1', 'configmaps', 'a'), undefined);
    }),
  );

  it(
    'who may not delete is told before anything is written',
    scene(async (s) => {
      await s.r.sync(yaml(configMap('a'), configMap('old')));
      const r = await as(s, [rule([''], ['configmaps'], all.slice(0, -1))]);
      await assert.rejects(r.sync(yaml(configMap('a', { key: 'new' }))), /may not delete configmaps in test-/);
      assert.equal((await s.get('v1', 'configmaps', 'a'))['data'].key, 'value');
    }),
  );

  it(
    'who may not write ConfigMaps is told that the inventory needs it, and nothing is written',
    scene(async (s) => {
      const r = await as(s, [rule([''], ['services']), rule([''], ['configmaps'], ['get', 'list'])]);
      await assert.rejects(r.sync(yaml(service('web'))), (error: unknown) => {
        assert.ok(error instanceof NotPermittedError, String(error));
        assert.match(
          error.message,
          /inventory of .* cannot be written: .*Give the identity .* on configmaps in namespace/,
        );
        return true;
      });
      assert.equal(await s.find('v1', 'services', 'web'), undefined);
    }),
  );

  it(
    'without the right to create Secrets keeps no digests of them, and is right all the same',
    scene(async (s) => {
      // Who may not create Secrets can keep no key beside the inventory; the set's Secret is there already.
      await s.kubectl(['create', 'secret', 'generic', 's']);
      const r = await as(s, [maps, rule([''], ['secrets'], ['list', 'get', 'patch', 'delete'])]);
      const git = yaml(secret, configMap('a'));
      assert.equal((await r.sync(git)).outcome, 'applied');
      assert.equal(await s.find('v1', 'secrets', `gitops-sync-${s.namespace}-key`), undefined);
      const again = await r.sync(git);
      assert.equal(again.outcome, 'noChanges', told(again));
      assert.deepEqual(
        [r.requests()['apply'] ?? 0, r.requests()['dryRun'] ?? 0],
        [0, 1],
        'only the Secret is asked about',
      );
      assert.equal((await r.drift(git)).outcome, 'noDrift');
      const changed = yaml({ ...secret, data: { password: 'aHVudGVyMw==' } }, configMap('a'));
      assert.deepEqual(summarize(await r.sync(changed)), ['configure Secret s']);
      assert.equal((await s.get('v1', 'secrets', 's'))['data'].password, 'aHVudGVyMw==');
    }),
  );
});

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConflictError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { syncSet } from '../../lib/sync/sync-set.ts';
import { summarize } from './rig.ts';
import { configMap, deployment, fieldsOf, type Scene, scenes, service, told, yaml } from './scene.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

describe('ownership', function () {
  this.timeout(120_000);
  const scene = scenes();

  /** After taking something over, there is nothing left to do, and nothing is asked for each object. */
  async function staysQuiet({ r }: Scene, git: string): Promise<void> {
    const again = await r.sync(git, { wait: 'none' });
    assert.equal(again.outcome, 'noChanges', told(again));
    const { apply = 0, dryRun = 0, patch = 0, create = 0, update = 0 } = r.requests();
    assert.deepEqual({ apply, dryRun, patch, create, update }, { apply: 0, dryRun: 0, patch: 0, create: 0, update: 0 });
    assert.equal((await r.drift(git)).outcome, 'noDrift');
  }

  it(
    'reports every object that another tool owns, each with its place, before anything is written',
    scene(async ({ r, client, namespace, path, get }) => {
      const owned: [string, string, Json][] = [
        [
          'helm',
          'Helm release prod/shop',
          {
            labels: { 'app.kubernetes.io/managed-by': 'Helm' },
            annotations: { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'prod' },
          },
        ],
        [
          'argo',
          'Argo CD application shop',
          { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:/ConfigMap:x/argo' } },
        ],
        [
          'flux',
          'Flux Kustomization flux-system/apps',
          {
            labels: {
              'kustomize.toolkit.fluxcd.io/name': 'apps',
              'kustomize.toolkit.fluxcd.io/namespace': 'flux-system',
            },
          },
        ],
        ['kapp', 'kapp application 1234', { labels: { 'kapp.k14s.io/app': '1234' } }],
        [
          'other',
          'another sync set or ApplySet',
          { labels: { 'applyset.kubernetes.io/part-of': syncSet('other', namespace, 'test').applySetId } },
        ],
      ];
      for (const [name, , metadata] of owned) {
        await client.create(path('v1', 'configmaps'), configMap(name, { key: 'theirs' }, metadata));
      }
      const git = yaml(configMap('new'), ...owned.map(([name]) => configMap(name)));
      await assert.rejects(r.sync(git), (error: unknown) => {
        assert.ok(error instanceof ConflictError);
        assert.equal(error.outcome, 'ownershipConflict');
        assert.deepEqual(
          error.problems.map((problem) => problem.at?.line),
          [2, 3, 4, 5, 6],
        );
        for (const [index, [name, owner]] of owned.entries()) {
          const message = error.problems[index]?.message ?? '';
          assert.ok(message.startsWith(`ConfigMap ${namespace}/${name} exists and belongs to ${owner}`), message);
        }
        return true;
      });
      const names = (await client.list(path('v1', 'configmaps'))).map((item) => item.metadata?.name).sort();
      assert.deepEqual(names, ['argo', 'flux', 'helm', 'kapp', 'kube-root-ca.crt', 'other']);
      const theirs = await get('v1', 'configmaps', 'other');
      assert.equal(theirs['data'].key, 'theirs');
    }),
  );

  it(
    'takes nothing that exists with adopt: never, what nobody owns with ifUnowned, and everything with always',
    scene(async (s) => {
      const { r, client, path, get } = s;
      const helm = { annotations: { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'prod' } };
      await client.create(path('v1', 'configmaps'), configMap('nobodys', { key: 'theirs' }));
      await client.create(path('v1', 'configmaps'), configMap('helms', { key: 'theirs' }, helm));
      const git = yaml(configMap('nobodys'));
      const both = yaml(configMap('nobodys'), configMap('helms'));
      await assert.rejects(r.sync(git, { adopt: 'never' }), /ConfigMap .*\/nobodys exists already and adopt is never/);
      await assert.rejects(r.sync(both), /ConfigMap .*\/helms exists and belongs to Helm release prod\/shop/);
      const plan = await r.plan(both, { adopt: 'always' });
      assert.deepEqual(summarize(plan), ['adopt ConfigMap helms', 'adopt ConfigMap nobodys']);
      const result = await r.sync(both, { adopt: 'always' });
      assert.deepEqual(summarize(result), summarize(plan), told(result));
      assert.equal((await get('v1', 'configmaps', 'helms'))['data'].key, 'value');
      await staysQuiet(s, both);
    }),
  );

  it(
    'takes over what kubectl apply made: its last-applied annotation and the fields that Git does not declare are gone',
    scene(async (s) => {
      const { r, kubectl, get } = s;
      const before = yaml(
        configMap('settings', { key: 'value', dropped: 'long ago' }, { labels: { team: 'a', old: 'label' } }),
        service('web'),
        deployment('web', { replicas: 1 }, { env: [{ name: 'OLD', value: '1' }] }),
      );
      await kubectl(['apply', '-f', '-'], { input: before });
      assert.ok((await get('v1', 'configmaps', 'settings'))['metadata'].annotations[lastApplied]);
      const git = yaml(
        configMap('settings', { key: 'value' }, { labels: { team: 'a' } }),
        service('web'),
        deployment('web', { replicas: 1 }),
      );
      const result = await r.sync(git, { wait: 'none' });
      assert.equal(result.outcome, 'applied', told(result));
      assert.deepEqual(summarize(result), [
        'adopt ConfigMap settings',
        'adopt Deployment.apps web',
        'adopt Service web',
      ]);
      const settings = await get('v1', 'configmaps', 'settings');
      assert.deepEqual(settings['data'], { key: 'value' });
      assert.equal(settings['metadata'].annotations, undefined);
      assert.deepEqual(Object.keys(settings['metadata'].labels).sort(), ['applyset.kubernetes.io/part-of', 'team']);
      const live = await get('apps/v1', 'deployments', 'web');
      assert.equal(live['spec'].template.spec.containers[0].env, undefined);
      assert.equal(live['metadata'].annotations[lastApplied], undefined);
      await staysQuiet(s, git);
      const gone = await r.sync(yaml(service('web')), { wait: 'none', maxPrune: 5 });
      assert.deepEqual(summarize(gone), ['prune ConfigMap settings', 'prune Deployment.apps web'], told(gone));
      assert.match(gone.changes.find((c) => c.action === 'prune')?.reason ?? '', /was adopted/);
    }),
  );

  it(
    'tells with preflight: client what a dry run would have told',
    scene(async (s) => {
      const made = yaml(configMap('settings', { mode: 'theirs', dropped: 'x' }), deployment('web', { replicas: 1 }));
      await s.kubectl(['apply', '-f', '-'], { input: made });
      const git = yaml(configMap('settings', { mode: 'ours' }), deployment('web', { replicas: 2 }));
      const result = await s.r.sync(git, { preflight: 'client', wait: 'none' });
      const fields = fieldsOf(result).filter((field) => !field.startsWith('metadata.'));
      assert.deepEqual(fields, [
        'data.dropped x  kubectl-client-side-apply',
        'data.mode theirs ours kubectl-client-side-apply',
        'spec.replicas 1 2 kubectl-client-side-apply',
      ]);
      await staysQuiet(s, git);
    }),
  );

  it(
    'takes over what kubectl create and an unnamed client made, with other values in the fields that Git declares',
    scene(async (s) => {
      const { r, kubectl, client, path, get } = s;
      await kubectl(['create', '-f', '-'], { input: yaml(deployment('web', { replicas: 3 }, { image: 'web:0' })) });
      // The test's client names no field manager: the server calls it by its user agent.
      await client.create(path('v1', 'configmaps'), configMap('settings', { key: 'other' }));
      const git = yaml(deployment('web', { replicas: 1 }), configMap('settings'));
      const result = await r.sync(git, { wait: 'none' });
      assert.equal(result.outcome, 'applied', told(result));
      const live = await get('apps/v1', 'deployments', 'web');
      assert.equal(live['spec'].replicas, 1);
      assert.equal(live['spec'].template.spec.containers[0].image, 'web:1');
      assert.equal((await get('v1', 'configmaps', 'settings'))['data'].key, 'value');
      await staysQuiet(s, git);
    }),
  );

  it(
    'takes over a Helm release, with its marks that Git does not declare, when adopt is always',
    scene(async (s) => {
      const { r, run, kubectl, get, namespace } = s;
      const chart = await mkdtemp(join(tmpdir(), 'chart-'));
      try {
        await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: shop\nversion: 1.0.0\n');
        const objects = [configMap('settings', { key: 'value' }), service('web'), deployment('web', { replicas: 1 })];
        await mkdir(join(chart, 'templates'));
        await writeFile(join(chart, 'templates', 'all.yaml'), yaml(...objects));
        await run('helm', ['install', 'shop', chart]);
        const git = await run('helm', ['template', 'shop', chart]);
        await assert.rejects(r.sync(git), (error: unknown) => {
          assert.ok(error instanceof ConflictError && error.problems.length === 3, String(error));
          assert.match(error.message, new RegExp(`belongs to Helm release ${namespace}/shop`));
          return true;
        });
        const result = await r.sync(git, { adopt: 'always', wait: 'none' });
        assert.equal(result.outcome, 'applied', told(result));
        const settings = await get('v1', 'configmaps', 'settings');
        assert.equal(settings['metadata'].annotations, undefined);
        assert.deepEqual(Object.keys(settings['metadata'].labels), ['applyset.kubernetes.io/part-of']);
        await staysQuiet(s, git);
        await kubectl(['delete', 'configmap', 'settings']);
        await kubectl(['apply', '-f', '-'], { input: git });
        const again = await r.sync(git, { wait: 'none' });
        assert.deepEqual(
          again.changes.filter((c) => c.action === 'adopt').map((c) => c.target.name),
          ['settings'],
          told(again),
        );
        await staysQuiet(s, git);
      } finally {
        await rm(chart, { recursive: true, force: true });
      }
    }),
  );

  it(
    'lets an object move to another set, and the old set forgets it without deleting it',
    scene(async ({ r, rigWith, namespace, find }) => {
      const other = rigWith({ set: `${namespace}-b` });
      await r.sync(yaml(configMap('moves'), configMap('stays')));
      await assert.rejects(other.sync(yaml(configMap('moves'))), /belongs to another sync set/);
      await other.sync(yaml(configMap('moves')), { adopt: 'always' });
      await assert.rejects(r.sync(yaml(configMap('moves'), configMap('stays'))), /belongs to another sync set/);
      const forgets = await r.sync(yaml(configMap('stays')));
      assert.equal(forgets.outcome, 'noChanges', told(forgets));
      assert.ok(await find('v1', 'configmaps', 'moves'));
      assert.equal((await r.status()).changes.length, 1);
      assert.equal((await other.sync(yaml(configMap('moves')))).outcome, 'noChanges');
    }),
  );
});

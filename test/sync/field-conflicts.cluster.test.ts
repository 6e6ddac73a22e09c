import assert from 'node:assert/strict';
import { ConflictError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { configMap, deployment, fieldsOf, type Scene, scenes, told, yaml } from './scene.ts';

describe('fields that somebody else owns', function () {
  this.timeout(60_000);
  const scene = scenes();
  const git = yaml(configMap('settings', { mode: 'ours' }), configMap('other', { mode: 'changed' }));
  const before = yaml(configMap('settings', { mode: 'ours' }), configMap('other', { mode: 'value' }));

  /** Another tool applies the ConfigMap `settings` of the set by force. */
  const takeover = (s: Scene, manager: string, data: Record<string, string>) =>
    s.client.apply(s.path('v1', 'configmaps', 'settings'), configMap('settings', data), manager);
  const mode = async (s: Scene) => (await s.get('v1', 'configmaps', 'settings'))['data'].mode;

  it(
    'fail the run when a tool set another value, naming object, field and manager, before anything is written',
    scene(async (s) => {
      await s.r.sync(before);
      await takeover(s, 'helm', { mode: 'theirs' });
      await assert.rejects(s.r.sync(git), (error: unknown) => {
        assert.ok(error instanceof ConflictError && error.outcome === 'conflict', String(error));
        assert.match(error.message, /test\.yaml:1: ConfigMap .*\/settings: .* data\.mode \(helm\)/);
        return true;
      });
      assert.equal(await mode(s), 'theirs');
      assert.equal((await s.get('v1', 'configmaps', 'other'))['data'].mode, 'value');
      const drift = await s.r.drift(before);
      assert.deepEqual(fieldsOf(drift), ['data.mode theirs ours helm'], told(drift));
    }),
  );

  it(
    'are taken with conflicts: force and left with conflicts: yield, which stays quiet',
    scene(async (s) => {
      await s.r.sync(before);
      await takeover(s, 'a-tool', { mode: 'theirs' });
      const yields = await s.r.sync(before, { conflicts: 'yield' });
      assert.equal(await mode(s), 'theirs');
      assert.equal(yields.outcome, 'noChanges', told(yields));
      assert.equal((await s.r.sync(before, { conflicts: 'yield' })).outcome, 'noChanges');
      assert.equal((await s.r.drift(before)).outcome, 'noDrift');
      const forces = await s.r.sync(
        yaml(configMap('settings', { mode: 'newer' }), configMap('other', { mode: 'value' })),
        {
          conflicts: 'force',
        },
      );
      assert.equal(forces.outcome, 'applied', told(forces));
      assert.equal(await mode(s), 'newer');
    }),
  );

  it(
    'are taken from a person, unless conflicts is fail or yield',
    scene(async (s) => {
      await s.r.sync(before);
      await s.client.patch(`${s.path('v1', 'configmaps', 'settings')}?fieldManager=kubectl-edit`, {
        data: { mode: 'by hand' },
      });
      await assert.rejects(s.r.sync(before, { conflicts: 'fail' }), /data\.mode \(kubectl-edit\)/);
      await s.r.sync(before, { conflicts: 'yield', foreignFields: 'ignore' });
      assert.equal(await mode(s), 'by hand');
      const result = await s.r.sync(before);
      assert.equal(await mode(s), 'ours');
      assert.equal(result.outcome, 'driftCorrected', told(result));
    }),
  );

  it(
    'do not conflict while the values are equal, and stay when Git drops them and their other owner does not',
    scene(async (s) => {
      await s.r.sync(before);
      await takeover(s, 'a-tool', { mode: 'ours', more: 'theirs' });
      assert.equal((await s.r.sync(before)).outcome, 'noChanges');
      const result = await s.r.sync(yaml(configMap('settings', {}), configMap('other', { mode: 'value' })));
      assert.equal(result.outcome, 'noChanges', told(result));
      assert.deepEqual((await s.get('v1', 'configmaps', 'settings'))['data'], { mode: 'ours', more: 'theirs' });
      const owners = (await s.get('v1', 'configmaps', 'settings'))['metadata'].managedFields as Json[];
      assert.deepEqual(
        owners.filter((entry) => JSON.stringify(entry).includes('f:mode')).map((entry) => entry['manager']),
        ['a-tool'],
      );
    }),
  );

  it(
    'that an autoscaler sets are left to it: replicas stay, without endless drift',
    scene(async (s) => {
      const { r, client, path, get } = s;
      const app = yaml(deployment('web', { replicas: 2 }));
      const other = yaml(deployment('web', { replicas: 2 }, { image: 'web:2' }));
      const replicas = async () => (await get('apps/v1', 'deployments', 'web'))['spec'].replicas;
      await r.sync(app, { wait: 'none' });
      const scale = `${path('apps/v1', 'deployments', 'web')}/scale?fieldManager=kube-controller-manager`;
      await client.patch(scale, { spec: { replicas: 5 } });
      const first = await r.sync(app, { wait: 'none' });
      assert.equal(first.outcome, 'noChanges', told(first));
      assert.equal(await replicas(), 5);
      assert.equal((await r.drift(app)).outcome, 'noDrift');
      const changed = await r.sync(other, { wait: 'none' });
      assert.deepEqual(fieldsOf(changed), ['spec.template.spec.containers[name=web].image web:1 web:2'], told(changed));
      assert.match(changed.changes[0]?.reason ?? '', /spec\.replicas is left to kube-controller-manager/);
      assert.equal(await replicas(), 5);
      await client.patch(scale, { spec: { replicas: 6 } });
      assert.equal((await r.sync(other, { wait: 'none' })).outcome, 'noChanges');
      const { dryRun = 0, apply = 0 } = r.requests();
      assert.deepEqual({ dryRun, apply }, { dryRun: 0, apply: 0 });
      assert.equal(await replicas(), 6);
    }),
  );

  it(
    'that a person scales are put back',
    scene(async ({ r, kubectl, get }) => {
      const app = yaml(deployment('web', { replicas: 2 }));
      await r.sync(app, { wait: 'none' });
      await kubectl(['scale', 'deployment/web', '--replicas=4']);
      assert.deepEqual(fieldsOf(await r.drift(app)), ['spec.replicas 4 2 kubectl']);
      assert.equal((await r.sync(app, { wait: 'none' })).outcome, 'driftCorrected');
      assert.equal((await get('apps/v1', 'deployments', 'web'))['spec'].replicas, 2);
      assert.equal((await r.sync(app, { wait: 'none' })).outcome, 'noChanges');
    }),
  );

  it(
    'that an autoscaler is about are handed over, not reset, when Git stops naming them',
    scene(async ({ r, get }) => {
      const autoscaler = {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'web' },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          minReplicas: 1,
          maxReplicas: 9,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          ],
        },
      };
      await r.sync(yaml(deployment('web', { replicas: 3 })), { wait: 'none' });
      const handsOver = yaml(deployment('web'), autoscaler);
      const result = await r.sync(handsOver, { wait: 'none' });
      assert.equal((await get('apps/v1', 'deployments', 'web'))['spec'].replicas, 3, told(result));
      assert.equal((await r.sync(handsOver, { wait: 'none' })).outcome, 'noChanges');
    }),
  );
});

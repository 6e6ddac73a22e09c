import assert from 'node:assert/strict';
import { syncSet } from '../../lib/sync/sync-set.ts';
import { configMap, type Scene, scenes, told, yaml } from './scene.ts';

describe('an ApplySet beside kubectl', function () {
  this.timeout(60_000);
  const scene = scenes();
  const prune = (s: Scene, parent: string, input: string) =>
    s.kubectl(['apply', '--server-side', '--prune', `--applyset=${parent}`, '-f', '-'], {
      input,
      environment: { KUBECTL_APPLYSET: 'true' },
      mayFail: true,
    });

  it(
    'is refused by kubectl because of its tooling, which does not touch the members',
    scene(async (s) => {
      const { r, namespace, find } = s;
      await r.sync(yaml(configMap('ours'), configMap('also')));
      const said = await prune(s, `configmap/gitops-sync-${namespace}`, yaml(configMap('theirs')));
      // It has parsed id, kinds and namespaces when it says this: source, ApplySet.FetchParent of kubectl.
      assert.match(said, /ApplySet parent object .* already exists and is managed by tooling "azdo-gitops/);
      assert.ok(await find('v1', 'configmaps', 'ours'));
      assert.equal(await find('v1', 'configmaps', 'theirs'), undefined);
      assert.equal((await r.sync(yaml(configMap('ours'), configMap('also')))).outcome, 'noChanges');
    }),
  );

  it(
    'refuses a parent that kubectl made, and objects that are in it, and neither tool prunes what the other made',
    scene(async (s) => {
      const { r, namespace, client, path, find } = s;
      // kubectl makes Secrets as parents by itself; a ConfigMap it takes when it is marked as its own.
      const annotations = {
        'applyset.kubernetes.io/tooling': 'kubectl/v1.36',
        'applyset.kubernetes.io/contains-group-kinds': '',
      };
      const id = syncSet(namespace, namespace, 'test').applySetId;
      const labels = { 'applyset.kubernetes.io/id': id };
      await client.create(path('v1', 'configmaps'), configMap(`gitops-sync-${namespace}`, {}, { annotations, labels }));
      const made = await prune(s, `configmap/gitops-sync-${namespace}`, yaml(configMap('theirs')));
      assert.match(made, /theirs serverside-applied/);
      await assert.rejects(r.sync(yaml(configMap('ours'))), /is not an inventory of this task .*kubectl\/v1\.36/);
      const other = s.rigWith({ set: `${namespace}-b` });
      await assert.rejects(other.sync(yaml(configMap('theirs'))), /belongs to another sync set or ApplySet/);
      const result = await other.sync(yaml(configMap('ours')));
      assert.equal(result.outcome, 'applied', told(result));
      assert.match(
        await prune(s, `configmap/gitops-sync-${namespace}`, yaml(configMap('next'))),
        /configmap\/theirs pruned/,
      );
      assert.ok(await find('v1', 'configmaps', 'ours'));
      await other.sync(yaml(configMap('ours-too')), { maxPrune: 1 });
      assert.ok(await find('v1', 'configmaps', 'next'));
    }),
  );
});

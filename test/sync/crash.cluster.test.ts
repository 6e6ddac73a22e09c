import assert from 'node:assert/strict';
import { CancelledError } from '../../lib/errors.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { partOfLabel } from '../../lib/sync/sync-set.ts';
import { type Cluster, sharedCluster, withNamespace } from '../cluster/index.ts';
import { intercept } from './intercept.ts';
import { configMap, playIn, type Scene, scenes, service, told, yaml } from './scene.ts';

const secret: Json = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { password: 'aHVudGVyMg==' } };
const earlier = [configMap('stays'), configMap('dropped'), service('web')];
const first = [configMap('stays', { key: 'changed' }), configMap('made'), configMap('taken'), secret, service('web')];
/** Drops what the first commit made, and has some of it under another name. */
const second = [configMap('stays', { key: 'again' }), configMap('renamed'), configMap('taken'), service('web')];
const options = { wait: 'none', maxPrune: 10 } as const;

describe('a sync that is cut off', function () {
  this.timeout(120_000);
  const scene = scenes();
  let cluster: Cluster;
  before(async () => {
    cluster = await sharedCluster();
  });

  const inNewNamespace = (play: (s: Scene) => Promise<void>) =>
    withNamespace(cluster, (namespace) => playIn(cluster, namespace, play));

  /** What is in the cluster before the run that does not end. */
  async function prepare(s: Scene): Promise<void> {
    await s.r.sync(yaml(...earlier), options);
    await s.kubectl(['create', 'configmap', 'taken', '--from-literal=old=1']);
    await s.client.create(s.path('v1', 'configmaps'), configMap('foreign', { not: 'ours' }));
  }

  /** The namespace holds what Git declares and what is not ours, all of it recorded, and nothing is left to do. */
  async function equalsGit(s: Scene, git: readonly Json[], what: string): Promise<void> {
    const result = await s.r.sync(yaml(...git), options);
    assert.deepEqual(result.errors, [], `${what}: ${told(result)}`);
    const seen: string[] = [];
    for (const plural of ['configmaps', 'secrets', 'services']) {
      for (const item of await s.client.list(s.path('v1', plural))) {
        const { name = '', labels } = item.metadata ?? {};
        if (labels?.[partOfLabel] !== undefined) seen.push(`${plural}/${name}`);
      }
    }
    const wanted = git.map((object) => `${String(object['kind']).toLowerCase()}s/${object['metadata'].name}`);
    assert.deepEqual(seen.sort(), wanted.sort(), what);
    for (const { kind, metadata, data } of git as Json[]) {
      if (kind !== 'ConfigMap') continue;
      assert.deepEqual((await s.get('v1', 'configmaps', metadata.name))['data'], data, `${what}: ${metadata.name}`);
    }
    assert.deepEqual((await s.get('v1', 'configmaps', 'foreign'))['data'], { not: 'ours' }, what);
    const status = await s.r.status();
    assert.deepEqual(
      status.changes.map((c) => [c.target.name, c.reason]).sort(),
      git.map((o) => [o['metadata'].name, undefined]).sort(),
      what,
    );
    assert.equal((await s.r.sync(yaml(...git), options)).outcome, 'noChanges', what);
  }

  /** From the n-th write on nothing reaches the cluster, or nothing but that one, whose answer is lost: the process is dead. */
  const dyingAt = (n: number, how: 'before' | 'after') => {
    let isDead = false;
    const die = () => {
      isDead = true;
      throw new Error('killed');
    };
    return intercept({
      before: ({ number }) => {
        if (isDead || (how === 'before' && number >= n)) die();
      },
      after: ({ number }) => {
        if (isDead || number >= n) die();
      },
    });
  };

  async function countWrites(): Promise<number> {
    let count = 0;
    await inNewNamespace(async (s) => {
      await prepare(s);
      const counting = intercept({
        before: ({ number }) => {
          count = number;
        },
      });
      await s.rigWith({ wrap: counting }).sync(yaml(...first), options);
    });
    return count;
  }

  for (const how of ['before', 'after'] as const) {
    it(`${how} any of its writes leaves nothing that the next run, of the same or another commit, does not put right`, async () => {
      const writes = await countWrites();
      assert.ok(writes >= 7, `${writes} writes`);
      for (let n = 1; n <= writes; n += 1) {
        await Promise.all(
          [first, second].map((next) =>
            inNewNamespace(async (s) => {
              await prepare(s);
              await s
                .rigWith({ wrap: dyingAt(n, how) })
                .sync(yaml(...first), options)
                .catch(() => undefined);
              await equalsGit(s, next, `${how} write ${n}, then the ${next === first ? 'same' : 'next'} commit`);
            }),
          ),
        );
      }
    });
  }

  it(
    'while it adopts does not delete what it had not fully taken over, and does not lose sight of it',
    scene(async (s) => {
      await prepare(s);
      let supersets = 0;
      const dying = intercept({
        after: ({ verb, name }) => {
          if (verb === 'apply' && name === 'taken') throw new Error('killed');
        },
        before: ({ verb, kind }) => {
          if (verb === 'replace' && kind === 'ConfigMap' && supersets++ > 0) throw new Error('killed');
        },
      });
      await s
        .rigWith({ wrap: dying })
        .sync(yaml(...earlier, configMap('taken')), options)
        .catch(() => undefined);
      const result = await s.r.sync(yaml(...earlier), options);
      assert.ok(await s.find('v1', 'configmaps', 'taken'));
      assert.match(
        result.changes.find((c) => c.action === 'keep')?.reason ?? '',
        /taking it over did not end/,
        told(result),
      );
      await s.r.sync(yaml(...earlier, configMap('taken')), options);
      const gone = await s.r.sync(yaml(...earlier), options);
      assert.equal(gone.outcome, 'applied', told(gone));
      assert.equal(await s.find('v1', 'configmaps', 'taken'), undefined);
    }),
  );

  it('by a cancellation at any write returns at once, says so, and has its record', async () => {
    const writes = await countWrites();
    for (let n = 1; n <= writes; n += 1) {
      await inNewNamespace(async (s) => {
        await prepare(s);
        const controller = new AbortController();
        let at = 0;
        const wrap = intercept({
          before: ({ number }) => {
            if (number !== n) return;
            at = Date.now();
            controller.abort();
          },
        });
        const outcome = await s
          .rigWith({ wrap, signal: controller.signal })
          .sync(yaml(...first), options)
          .then(
            (result) => result.outcome,
            (error: unknown) => {
              assert.ok(error instanceof CancelledError, String(error));
              return 'canceled';
            },
          );
        assert.equal(outcome, 'canceled', `at write ${n}`);
        assert.ok(Date.now() - at < 3000, `${Date.now() - at} ms at write ${n}`);
        await equalsGit(s, second, `cancelled at write ${n}`);
      });
    }
  });

  it(
    'by a cancellation while it waits ends the wait, and prunes nothing',
    scene(async (s) => {
      const hangs: Json = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'p',
          annotations: { 'test.gitops.pipelines/pod': 'never-ready', 'test.gitops.pipelines/termination': '100' },
        },
        spec: { containers: [{ name: 'c', image: 'web:1' }] },
      };
      await s.r.sync(yaml(configMap('dropped'), configMap('stays')));
      const controller = new AbortController();
      const running = s.rigWith({ signal: controller.signal }).sync(yaml(configMap('stays'), hangs));
      await s.client.waitFor(s.path('v1', 'pods', 'p'), (pod) => (pod as Json)['status']?.phase === 'Running');
      const at = Date.now();
      controller.abort();
      const result = await running;
      assert.ok(Date.now() - at < 3000, `${Date.now() - at} ms`);
      assert.equal(result.outcome, 'canceled', told(result));
      assert.ok(await s.find('v1', 'configmaps', 'dropped'));
      assert.deepEqual((await s.r.status()).changes.map((c) => c.target.name).sort(), ['dropped', 'p', 'stays']);
    }),
  );
});

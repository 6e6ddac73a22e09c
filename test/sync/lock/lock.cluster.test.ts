import assert from 'node:assert/strict';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import { accessFromKubeconfigFile } from '../../../lib/ports/kubernetes/kubeconfig.ts';
import type { Json, KubernetesClient } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { leaseApi } from '../../../lib/sync/lock/lease-api.ts';
import { SyncLock } from '../../../lib/sync/lock/lock.ts';
import { systemLockClock } from '../../../lib/sync/lock/lock-clock.ts';
import { type SyncSet, syncSet } from '../../../lib/sync/sync-set.ts';
import { type Cluster, sharedCluster, withNamespace } from '../../cluster/index.ts';
import { createGate } from '../gate.ts';

const running = new AbortController().signal;
/** Looks and renews 20 times as often, so that a test need not wait; a lock lasts as long as ever. */
const hasty = {
  ...systemLockClock,
  sleep: (milliseconds: number, signal: AbortSignal) => systemLockClock.sleep(milliseconds / 20, signal),
};

describe('the lock on a real API server', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let client: KubernetesClient;
  let said: string[];
  let locks: SyncLock[];

  const clientOf = async (file: string) =>
    connect(await accessFromKubeconfigFile({ file, environment: {}, maskSecret: () => undefined }), {
      network: { proxyBypass: [], skipCertValidation: false },
    });
  before(async () => {
    cluster = await sharedCluster();
    client = await clientOf(cluster.kubeconfig);
  });
  beforeEach(() => {
    said = [];
    locks = [];
  });
  // A lock that is held renews itself for ever.
  afterEach(() => Promise.all(locks.map((lock) => lock.release())));
  after(() => client?.close());

  const lockOf = (set: SyncSet, holder: string, as = client) => {
    const lock = new SyncLock(set, {
      holder,
      api: leaseApi(as, set),
      steady: leaseApi(as, set),
      clock: hasty,
      onInfo: (text) => said.push(text),
      onWarning: (text) => said.push(text),
    });
    locks.push(lock);
    return lock;
  };
  const inNamespace = (play: (set: SyncSet, lease: () => Promise<Json | undefined>) => Promise<void>) => () =>
    withNamespace(cluster, (namespace) => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/gitops-sync-shop`;
      return play(syncSet('shop', namespace, 'test'), () => cluster.client().find(path));
    });

  it(
    'is held by one of two, is renewed, and goes to the other when it is given back',
    inNamespace(async (set, lease) => {
      const first = lockOf(set, 'org/shop/deploy/build 1/attempt 1');
      const second = lockOf(set, 'org/shop/deploy/build 2/attempt 1');
      await first.acquire({ signal: running });
      const taken = await lease();
      const holders: string[] = [];
      const waits = createGate();
      const waiting = second.acquire({
        signal: running,
        onWait: ({ holder }) => {
          holders.push(holder);
          waits.open();
        },
      });
      await waits.opened;
      await cluster
        .client()
        .waitFor(
          `/apis/coordination.k8s.io/v1/namespaces/${set.namespace}/leases/gitops-sync-shop`,
          (now) => (now as Json)['spec'].renewTime !== taken?.['spec'].renewTime,
        );
      assert.equal(first.problem(), undefined);
      await first.release();
      await waiting;
      assert.match(holders[0] ?? '', /build 1\/attempt 1_[0-9a-f]{12}$/);
      assert.match((await lease())?.['spec'].holderIdentity, /build 2/);
      assert.equal((await lease())?.['spec'].leaseTransitions, 1);
      await second.release();
      assert.equal((await lease())?.['spec'].holderIdentity, undefined);
      assert.equal((await lease())?.['metadata'].uid, taken?.['metadata'].uid, 'the Lease is kept');
      assert.deepEqual(said, []);
    }),
  );

  it(
    'is never held by two of many that want it at once',
    inNamespace(async (set, lease) => {
      let holding = 0;
      await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const lock = lockOf(set, `run ${index}`);
          await lock.acquire({ signal: new AbortController().signal });
          holding += 1;
          assert.equal(holding, 1);
          await lease();
          assert.equal(lock.problem(), undefined);
          assert.equal(holding, 1);
          holding -= 1;
          await lock.release();
        }),
      );
      assert.equal((await lease())?.['spec'].leaseTransitions, 11);
    }),
  );

  it(
    'is taken over when its time has passed without a sign of life',
    inNamespace(async (set) => {
      await cluster.client().create(`/apis/coordination.k8s.io/v1/namespaces/${set.namespace}/leases`, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: set.parentName },
        spec: { holderIdentity: 'dead', leaseDurationSeconds: 1, renewTime: '2200-01-01T00:00:00.000000Z' },
      });
      const started = Date.now();
      const lock = lockOf(set, 'next');
      await lock.acquire({ signal: running });
      assert.ok(Date.now() - started >= 990, `${Date.now() - started} ms`);
      assert.match(said.join(), /taken over from dead/);
      await lock.release();
    }),
  );

  it(
    'is done without by an identity that may not use leases',
    inNamespace(async (set, lease) => {
      const nobody = await clientOf(cluster.user('lock-nobody').kubeconfig);
      try {
        const lock = lockOf(set, 'a', nobody);
        await lock.acquire({ signal: running });
        assert.match(said.join(), /is not locked.*cannot get resource "leases"/);
        await lock.release();
        assert.equal(await lease(), undefined);
      } finally {
        await nobody.close();
      }
    }),
  );

  it('is done without in a namespace that does not exist yet', async () => {
    const lock = lockOf(syncSet('shop', 'not-there-yet', 'test'), 'a');
    await lock.acquire({ signal: running });
    assert.match(said.join(), /namespace not-there-yet does not exist yet/);
    await lock.release();
  });

  it(
    'leaves nothing behind when the set has ended',
    inNamespace(async (set, lease) => {
      const lock = lockOf(set, 'a');
      await lock.acquire({ signal: running });
      await lock.release({ remove: true });
      assert.equal(await lease(), undefined);
      assert.deepEqual(said, []);
    }),
  );
});

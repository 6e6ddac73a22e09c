import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import pLimit from 'p-limit';
import type { Outcome } from '../../lib/core/plan/result.ts';
import { startCluster } from '../cluster/index.ts';
import { type Fault, type FaultProxy, type Proxied, startFaultProxy } from '../sync/fault-proxy.ts';
import { configMap, Deployment, type Run, useRig } from './rig.ts';

interface Case {
  /** What goes wrong with each request; `count` counts those that something went wrong with. */
  readonly fault: (seen: Proxied, count: number, proxy: FaultProxy, set: string) => Fault | undefined;
  readonly outcome: Outcome;
  /** What the log has to say. */
  readonly says?: RegExp;
}

const applies = ({ method, isWrite }: Proxied) => method === 'PATCH' && isWrite;
const inventory = ({ method, url }: Proxied, set: string) =>
  method === 'PUT' && url.includes(`/configmaps/gitops-sync-${set}`);
const lease = ({ method, url }: Proxied) => method === 'PUT' && url.includes('/leases/');

const cases: Readonly<Record<string, Case>> = {
  'is overloaded now and then (429 with Retry-After)': {
    fault: ({ number }, count) => (number % 9 === 0 && count < 4 ? { status: 429, retryAfterSeconds: 1 } : undefined),
    outcome: 'applied',
    says: /The fault proxy says 429\.? Trying again/,
  },
  'is away behind its load balancer for a few requests (503)': {
    fault: (seen, count) =>
      seen.number > 10 && !['PUT', 'POST'].includes(seen.method) && count < 4 ? { status: 503 } : undefined,
    outcome: 'applied',
    says: /The fault proxy says 503\.? Trying again/,
  },
  'elects a new leader of its database (500)': {
    fault: (seen, count) =>
      (applies(seen) || seen.method === 'GET') && seen.number % 8 === 0 && count < 4
        ? { status: 500, message: 'etcdserver: leader changed' }
        : undefined,
    outcome: 'applied',
    says: /leader changed\.? Trying again/,
  },
  'answers slowly': { fault: () => ({ delayMs: 60 }), outcome: 'applied' },
  'breaks connections before requests reach it': {
    fault: (seen, count) => (applies(seen) && count < 3 ? { cut: 'before' } : undefined),
    outcome: 'applied',
  },
  'does what is asked and then breaks the connection': {
    fault: (seen, count) => (applies(seen) && count < 3 ? { cut: 'after' } : undefined),
    outcome: 'applied',
  },
  'breaks off in the middle of its answers': {
    fault: (seen, count) =>
      (applies(seen) || seen.method === 'GET') && seen.number % 7 === 0 && count < 3 ? { cut: 'midway' } : undefined,
    outcome: 'applied',
  },
  'deletes what is asked and then breaks the connection': {
    fault: ({ method }, count) => (method === 'DELETE' && count < 1 ? { cut: 'after' } : undefined),
    outcome: 'applied',
  },
  'breaks the connection when the lock is taken': {
    fault: (seen, count) => (lease(seen) && count < 1 ? { cut: 'after' } : undefined),
    outcome: 'applied',
  },
  'refuses connections for a while, in the middle of the run': {
    fault: (seen, count, proxy) => {
      if (!applies(seen) || count > 0) return undefined;
      void proxy.restart(1500);
      return { cut: 'before' };
    },
    outcome: 'applied',
    says: /Trying again/,
  },
  'fails with one object (500)': {
    fault: (seen) =>
      applies(seen) && seen.url.includes('/configmaps/b?') ? { status: 500, message: 'out of order' } : undefined,
    outcome: 'partiallyApplied',
    says: /ConfigMap \S+\/b: out of order/,
  },
  'breaks the connection when the record of what is to be done is written': {
    fault: (seen, count, _, set) => (inventory(seen, set) && count < 1 ? { cut: 'after' } : undefined),
    outcome: 'connectionLost',
    says: /No answer from/,
  },
  'breaks the connection when the record of what was done is written': {
    fault: (seen, _count, proxy, set) =>
      inventory(seen, set) && proxy.requests.filter((one) => inventory(one, set)).length > 1
        ? { cut: 'after' }
        : undefined,
    outcome: 'connectionLost',
    says: /No answer from/,
  },
};

describe('GitOpsSync with an API server that', function () {
  this.timeout(120_000);
  const rig = useRig();
  const earlier = { 'deploy/a.yaml': configMap('a'), 'deploy/b.yaml': configMap('b'), 'deploy/c.yaml': configMap('c') };
  const change = {
    'deploy/a.yaml': configMap('a', { color: 'green' }),
    'deploy/b.yaml': configMap('b', { color: 'green' }),
    'deploy/c.yaml': null,
    'deploy/d.yaml': configMap('d'),
  };
  const inputs = { maxPrune: '3', commitStatus: 'false' };
  let runs: Map<string, Promise<{ readonly run: Run; readonly shop: Deployment }>>;

  async function disturbed(one: Case): Promise<{ readonly run: Run; readonly shop: Deployment }> {
    const shop = await rig.deployment(earlier);
    assert.equal((await shop.run({ inputs })).result, 'Succeeded');
    await shop.merge(change);
    const proxy = await startFaultProxy(rig.cluster);
    try {
      let count = 0;
      proxy.fault = (seen) => {
        const fault = one.fault(seen, count, proxy, shop.set);
        if (fault !== undefined) count += 1;
        return fault;
      };
      const run = await runThrough(proxy, shop);
      assert.ok(count > 0, 'something went wrong');
      return { run, shop };
    } finally {
      await proxy.close();
    }
  }

  async function runThrough(proxy: FaultProxy, shop: Deployment): Promise<Run> {
    const folder = dirname(shop.clone);
    await mkdir(folder, { recursive: true });
    return shop.run({ inputs, connections: { kubernetesServiceConnection: proxy.kubeconfig(folder) } });
  }

  async function equalsGit(shop: Deployment): Promise<void> {
    const maps = await shop.client.list(shop.path('configmaps'));
    const data = maps
      .filter(({ metadata }) => /^[a-d]$/.test(metadata?.name ?? ''))
      .map((map) => [map.metadata?.name, (map['data'] as Record<string, string>)['color']])
      .sort();
    assert.deepEqual(data, [
      ['a', 'green'],
      ['b', 'green'],
      ['d', 'blue'],
    ]);
  }

  // Begun together: most of a disturbed run's time is waiting.
  before(() => {
    const limit = pLimit(3);
    runs = new Map(Object.entries(cases).map(([title, one]) => [title, limit(() => disturbed(one))]));
    // Each is looked at in a test of its own.
    for (const run of runs.values()) run.catch(() => undefined);
  });

  for (const [title, { outcome, says = /./ }] of Object.entries(cases)) {
    it(title, async () => {
      const disturbance = runs.get(title);
      assert.ok(disturbance);
      const { run, shop } = await disturbance;
      assert.equal(run.outputVariables['outcome'], outcome, run.log);
      assert.equal(run.result, outcome === 'applied' ? 'Succeeded' : 'Failed');
      assert.match(run.log, says);
      if (outcome === 'applied') await equalsGit(shop);
      const next = await shop.run({ inputs });
      assert.equal(next.result, 'Succeeded', next.log);
      await equalsGit(shop);
      // A run that ended well left nothing to do.
      if (outcome === 'applied') assert.equal(next.outputVariables['outcome'], 'noChanges', next.log);
    });
  }

  it('is restarted in the middle of the run', async () => {
    const cluster = await startCluster();
    const { azureDevOps, folder } = rig;
    const shop = await Deployment.create({ cluster, azureDevOps, folder }, earlier);
    const proxy = await startFaultProxy(cluster);
    try {
      assert.equal((await shop.run({ inputs })).result, 'Succeeded');
      await shop.merge(change);
      let restarting: Promise<void> | undefined;
      proxy.fault = (seen) => {
        if (applies(seen)) restarting ??= cluster.restartApiServer();
        return undefined;
      };
      const run = await runThrough(proxy, shop);
      assert.ok(restarting);
      await restarting;
      assert.equal(run.outputVariables['outcome'], 'applied', run.log);
      await equalsGit(shop);
      assert.equal((await shop.run({ inputs })).outputVariables['outcome'], 'noChanges');
    } finally {
      await proxy.close();
      await shop.dispose();
      await cluster.stop();
    }
  });
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { countChanges } from '../../lib/core/plan/result.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { type Cluster, startCluster, withNamespace } from '../cluster/index.ts';
import { type Rig, rig, summarize } from './rig.ts';
import { configMap, deployment, service, told, yaml } from './scene.ts';

const quiet = { wait: 'none' } as const;

// Counted by the API server itself, in its audit log, so nothing that we forgot to count is missing.
describe('requests', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ audit: true });
  });
  after(() => cluster.stop());

  interface Request {
    readonly verb: string;
    readonly uri: string;
    readonly user: string;
    readonly name: string | undefined;
  }

  /** One user for each set, so that the log tells them apart. */
  function rigOf(namespace: string, set = namespace): { r: Rig; user: string } {
    const user = `user-of-${set}`;
    return { r: rig({ kubeconfig: cluster.user(user, ['system:masters']).kubeconfig, set, namespace }), user };
  }

  async function requestsOf(user: string): Promise<Request[]> {
    const lines = (await readFile(cluster.auditLog ?? '', 'utf8')).trim().split('\n');
    return lines
      .map((line) => JSON.parse(line) as Json)
      .filter((event) => event['user']?.username === user && event['stage'] === 'ResponseComplete')
      .map((event) => ({
        verb: event['verb'] as string,
        uri: event['requestURI'] as string,
        user,
        name: event['objectRef']?.name as string | undefined,
      }));
  }

  async function during(user: string, action: () => Promise<unknown>): Promise<Request[]> {
    const before = (await requestsOf(user)).length;
    await action();
    return (await requestsOf(user)).slice(before);
  }

  const writes = (requests: Request[]) =>
    requests
      .filter(({ verb, uri }) => !['get', 'list', 'watch'].includes(verb) && !uri.includes('dryRun=All'))
      .filter(({ uri }) => !uri.includes('selfsubjectaccessreviews'))
      .map(({ verb, uri }) => `${verb} ${uri}`);
  const maps = (count: number) => Array.from({ length: count }, (_, index) => configMap(`m${index}`));
  const inNamespace = (test: (namespace: string) => Promise<void>) => () => withNamespace(cluster, test);

  it(
    'of an unchanged set are the same few, however many objects it has, and none is for one object',
    inNamespace(async (namespace) => {
      const { r, user } = rigOf(namespace);
      const cost = async (count: number) => {
        const git = yaml(...maps(count), service('web'), deployment('web', { replicas: 1 }));
        await r.sync(git, { ...quiet, maxPrune: 100 });
        const requests = await during(user, async () => {
          assert.equal((await r.sync(git, quiet)).outcome, 'noChanges');
        });
        assert.deepEqual(writes(requests), []);
        const ofMembers = requests.filter(({ name }) => name !== undefined && /^(m\d|web)/.test(name));
        assert.deepEqual(ofMembers, []);
        return requests.length;
      };
      const few = await cost(3);
      const many = await cost(60);
      assert.equal(many, few);
      // Discovery, the inventory, and one list for each of three kinds.
      assert.equal(few, 2 + 1 + 3);
    }),
  );

  it(
    'of one set are not about another, in the same namespace or elsewhere',
    inNamespace(async (namespace) => {
      const a = rigOf(namespace, `${namespace}-a`);
      const b = rigOf(namespace, `${namespace}-b`);
      await a.r.sync(yaml(configMap('of-a'), configMap('old-a')), quiet);
      await b.r.sync(yaml(configMap('of-b'), configMap('old-b')), quiet);
      const ofA = await during(a.user, () => a.r.sync(yaml(configMap('of-a', { key: 'new' })), quiet));
      const ofB = await during(b.user, () => b.r.sync(yaml(configMap('of-b', { key: 'new' })), quiet));
      assert.deepEqual(
        ofA.filter(({ uri }) => /of-b|old-b|-b\b/.test(uri)),
        [],
      );
      assert.deepEqual(
        ofB.filter(({ uri }) => /of-a|old-a|-a\b/.test(uri)),
        [],
      );
      const client = cluster.client();
      const left = (await client.list(`/api/v1/namespaces/${namespace}/configmaps`)).map((item) => item.metadata?.name);
      assert.deepEqual(left.filter((name) => /^(of|old)-/.test(name ?? '')).sort(), ['of-a', 'of-b']);
      await client.close();
    }),
  );

  it(
    'of plan, drift and status write nothing, and sync then does what the plan said',
    inNamespace(async (namespace) => {
      const { r, user } = rigOf(namespace);
      const client = cluster.client();
      const secret: Json = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { a: 'eA==' } };
      const api = `/api/v1/namespaces/${namespace}/configmaps`;
      const first = yaml(configMap('a'), configMap('b'), configMap('gone'), configMap('deleted'), secret);
      const none = await during(user, async () => {
        assert.equal((await r.plan(first)).outcome, 'planHasChanges');
      });
      assert.deepEqual(writes(none), [], 'also before the first sync');
      await r.sync(first, quiet);
      await client.create(api, configMap('adopted', { key: 'other' }));
      await client.patch(`${api}/b?fieldManager=kubectl-edit`, { data: { added: 'by hand' } });
      await client.delete(`${api}/deleted`);
      const git = yaml(
        configMap('a', { key: 'new' }),
        configMap('b'),
        configMap('deleted'),
        configMap('adopted'),
        configMap('new'),
        { ...secret, data: { a: 'eQ==' } },
        deployment('web', { replicas: 1 }),
      );
      let plan = await r.plan(git);
      const looks = await during(user, async () => {
        plan = await r.plan(git);
        assert.equal((await r.drift(git)).outcome, 'driftDetected');
        await r.status();
      });
      assert.deepEqual(writes(looks), []);
      const result = await r.sync(git, quiet);
      assert.deepEqual(summarize(result), summarize(plan), told(result));
      assert.deepEqual(countChanges(result.changes), countChanges(plan.changes));
      assert.deepEqual(
        result.changes.map((change) => [
          change.target.name,
          change.fields.map(({ path, before, after }) => [path, before === undefined, after === undefined]),
        ]),
        plan.changes.map((change) => [
          change.target.name,
          change.fields.map(({ path, before, after }) => [path, before === undefined, after === undefined]),
        ]),
      );
      assert.deepEqual(summarize(result), [
        'adopt ConfigMap adopted',
        'configure ConfigMap a',
        'configure ConfigMap b',
        'configure Secret s',
        'create ConfigMap deleted',
        'create ConfigMap new',
        'create Deployment.apps web',
        'prune ConfigMap gone',
      ]);
      await client.close();
    }),
  );
});

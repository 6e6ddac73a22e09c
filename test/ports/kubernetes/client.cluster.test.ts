import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import type { ApiResource } from '../../../lib/ports/kubernetes/discovery.ts';
import { accessFromKubeconfigFile } from '../../../lib/ports/kubernetes/kubeconfig.ts';
import type { KubernetesClient, WatchEvent } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { resourcePath } from '../../../lib/ports/kubernetes/paths.ts';
import { type Cluster, hasCondition, sharedCluster, withNamespace } from '../../cluster/index.ts';
import {
  clusterRole,
  customResourceDefinition,
  limitRange,
  networkPolicy,
  type Sample,
} from './objects-that-models-break.ts';
import { configMaps, direct, resourceOf, stranger } from './stub-server.ts';

const options = { fieldManager: 'gitops-test', force: true };
const pods = resourceOf('v1', 'Pod', 'pods');
const unique = () => randomBytes(4).toString('hex');

describe('the Kubernetes client and a real API server', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let client: KubernetesClient;

  const accessOf = (file: string) => accessFromKubeconfigFile({ file, environment: {}, maskSecret: () => undefined });
  const open = async (file: string) => connect(await accessOf(file), { network: direct });

  before(async () => {
    cluster = await sharedCluster();
    client = await open(cluster.kubeconfig);
  });
  after(() => client?.close());

  /** What an independent client reads back, without what the server adds. */
  async function readBack(resource: ApiResource, namespace: string, name: string) {
    const independent = cluster.client();
    try {
      return await independent.get(resourcePath(resource, namespace, name));
    } finally {
      await independent.close();
    }
  }

  async function applied(sample: Sample, namespace = '') {
    const { resource, body } = sample;
    await client.apply(resource, namespace, body.metadata.name, body, options);
    return (await readBack(resource, namespace, body.metadata.name)) as Record<string, never> & { spec: never };
  }

  it('keep what typed models lose: `from`, `default`, `enum`, validations', async () => {
    await withNamespace(cluster, async (namespace) => {
      assert.deepEqual((await applied(networkPolicy, namespace)).spec, networkPolicy.body['spec']);
      assert.deepEqual((await applied(limitRange, namespace)).spec, limitRange.body['spec']);
    });
    const sample = customResourceDefinition(`t${unique()}.example.com`);
    try {
      const definition = await applied(sample);
      const schema = (spec: unknown) => (spec as { versions: { schema: unknown }[] }).versions[0]?.schema;
      assert.deepEqual(schema(definition.spec), schema(sample.body['spec']));
    } finally {
      await client.delete(sample.resource, '', sample.body.metadata.name);
    }
  });

  it('keep upper case in a name, and a second name that differs in case only', async () => {
    const suffix = unique();
    const names = [`MyRole:Admin-${suffix}`, `myrole:admin-${suffix}`];
    try {
      for (const name of names) await applied({ ...clusterRole, body: { ...clusterRole.body, metadata: { name } } });
      await client.delete(clusterRole.resource, '', names[0] ?? '');
      assert.equal(await client.get(clusterRole.resource, '', names[0] ?? ''), undefined);
      assert.equal((await client.get(clusterRole.resource, '', names[1] ?? ''))?.['metadata'].name, names[1]);
    } finally {
      for (const name of names) await client.delete(clusterRole.resource, '', name);
    }
  });

  it('keep the fields and timestamps of an object exactly as the server has them', async () => {
    await withNamespace(cluster, async (namespace) => {
      await applied(networkPolicy, namespace);
      const { resource, body } = networkPolicy;
      const read = await client.get(resource, namespace, body.metadata.name);
      assert.deepEqual(read, await readBack(resource, namespace, body.metadata.name));
      assert.match(String(read?.['metadata']?.creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const [listed] = (await client.list(resource, { namespace })).items;
      assert.deepEqual(listed, read);
      const [metadata] = (await client.list(resource, { namespace, metadataOnly: true })).items;
      const { apiVersion, kind } = read ?? {};
      assert.deepEqual(metadata, { apiVersion, kind, metadata: read?.['metadata'] });
    });
  });

  it('put more than a page together', async () => {
    await withNamespace(cluster, async (namespace) => {
      const names = Array.from({ length: 510 }, (_, index) => `n${index}`);
      await Promise.all(names.map((name) => client.create(configMaps, namespace, { metadata: { name } })));
      const { items, resourceVersion } = await client.list(configMaps, { namespace, metadataOnly: true });
      const found = items.map((item) => item['metadata'].name as string).filter((name) => name.startsWith('n'));
      assert.deepEqual(found.sort(), names.sort());
      assert.match(resourceVersion, /^\d+$/);
    });
  });

  it('tell changes as they happen, from where a list ended', async () => {
    await withNamespace(cluster, async (namespace) => {
      const { resourceVersion } = await client.list(configMaps, { namespace });
      const stop = new AbortController();
      const events: WatchEvent[] = [];
      const watching = (async () => {
        const watch = client.watch(configMaps, { namespace, resourceVersion, signal: stop.signal });
        for await (const event of watch) {
          if ('object' in event && event.object['metadata'].name === 'a') events.push(event);
          if (event.type === 'DELETED') stop.abort();
        }
      })();
      await client.create(configMaps, namespace, { metadata: { name: 'a' }, data: { x: '1' } });
      await client.mergePatch(configMaps, namespace, 'a', { data: { x: 'ü' } });
      await client.jsonPatch(configMaps, namespace, 'a', [{ op: 'replace', path: '/data/x', value: '3' }]);
      await client.delete(configMaps, namespace, 'a');
      await watching;
      assert.deepEqual(
        events.map((event) => ('object' in event ? [event.type, event.object['data'].x] : [event.type])),
        [
          ['ADDED', '1'],
          ['MODIFIED', 'ü'],
          ['MODIFIED', '3'],
          ['DELETED', '3'],
        ],
      );
    });
  });

  it('hold a replacement to its resourceVersion and a deletion to its uid', async () => {
    await withNamespace(cluster, async (namespace) => {
      const first = await client.create(configMaps, namespace, { metadata: { name: 'a' } });
      await client.mergePatch(configMaps, namespace, 'a', { data: { x: '1' } });
      await assert.rejects(client.replace(configMaps, namespace, 'a', first), { status: 409, reason: 'Conflict' });
      const uid = '00000000-0000-0000-0000-000000000000';
      await assert.rejects(client.delete(configMaps, namespace, 'a', { uid }), { status: 409 });
      const { resourceVersion } = first['metadata'];
      await assert.rejects(client.delete(configMaps, namespace, 'a', { resourceVersion }), { status: 409 });
      await client.delete(configMaps, namespace, 'a', { uid: first['metadata'].uid, dryRun: true });
      assert.ok(await client.get(configMaps, namespace, 'a'));
      await client.delete(configMaps, namespace, 'a', { uid: first['metadata'].uid });
      assert.equal(await client.get(configMaps, namespace, 'a'), undefined);
      await assert.rejects(client.create(configMaps, namespace, { metadata: { name: 'No_Name' } }), {
        status: 422,
        reason: 'Invalid',
      });
    });
  });

  it('pass on the server’s warnings, and whether an object was created', async () => {
    await withNamespace(cluster, async (namespace) => {
      const endpoints = resourceOf('v1', 'Endpoints', 'endpoints');
      const body = { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'a' } };
      const { created, warnings } = await client.apply(endpoints, namespace, 'a', body, options);
      assert.equal(created, true);
      assert.deepEqual(warnings, ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice']);
      assert.equal((await client.apply(endpoints, namespace, 'a', body, options)).created, false);
    });
  });

  it('read logs, and take a container that has not started for one without', async () => {
    await withNamespace(cluster, async (namespace) => {
      const pod = (name: string, annotations: object, image = 'shop') =>
        client.create(pods, namespace, {
          metadata: { name, annotations },
          spec: { containers: [{ name: 'app', image }] },
        });
      await pod('talks', { 'test.gitops.pipelines/pod': 'ready', 'test.gitops.pipelines/log': 'one\ntwo\nthree' });
      await pod('waits', {}, 'broken');
      const independent = cluster.client();
      await independent.waitFor(`/api/v1/namespaces/${namespace}/pods/talks`, (o) => hasCondition(o, 'Ready'));
      await independent.close();
      assert.match((await client.logs(namespace, 'talks', { container: 'app' })) ?? '', /one\ntwo\nthree/);
      assert.equal(await client.logs(namespace, 'waits', { container: 'app' }), undefined);
      assert.equal(await client.logs(namespace, 'nobody', { container: 'app' }), undefined);
    });
  });

  it('say who may not do what, in the server’s words, and who is not known', async () => {
    const alice = await open(cluster.user('alice', ['devs']).kubeconfig);
    await assert.rejects(alice.list(configMaps, { namespace: 'default' }), {
      name: 'KubernetesNotPermittedError',
      status: 403,
      message: `Not permitted by ${cluster.server}: configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" in the namespace "default"`,
    });
    await alice.close();
    const late = await open(cluster.user('late', [], -1000).kubeconfig);
    await assert.rejects(late.version(), {
      name: 'KubernetesNotPermittedError',
      status: 401,
      message: /user 'late' of the kubeconfig/,
    });
    await late.close();
  });

  it('impersonate, held to what the other may do', async () => {
    const access = await accessOf(cluster.kubeconfig);
    const deployer = connect(
      { ...access, impersonation: { 'Impersonate-User': 'deployer', 'Impersonate-Group': ['a', 'b'] } },
      { network: direct },
    );
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const { status } = await deployer.request({ method: 'POST', path, body: review });
    assert.equal(status.userInfo.username, 'deployer');
    assert.deepEqual(status.userInfo.groups.slice(0, 2), ['a', 'b']);
    await assert.rejects(deployer.list(configMaps), { status: 403, message: /User "deployer" cannot list/ });
    await deployer.close();
  });

  it('do not speak when the authority is another', async () => {
    const access = { ...(await accessOf(cluster.kubeconfig)), ca: stranger.cert };
    const distrustful = connect(access, { network: direct });
    await assert.rejects(distrustful.version(), {
      name: 'InputError',
      message: /put the cluster's CA into the connection/,
    });
    const careless = connect({ ...access, skipTlsVerify: true }, { network: direct });
    assert.match((await careless.version()).gitVersion, /^v1\./);
    await distrustful.close();
    await careless.close();
  });
});

import assert from 'node:assert/strict';
import {
  type Cluster,
  type ClusterClient,
  hasCondition,
  type KubernetesJson,
  kubernetesVersion,
  sharedCluster,
  withNamespace,
} from './index.ts';
import { container, deployment, eventsOf, job, pod, podPath } from './test-objects.ts';

describe('The test cluster', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let client: ClusterClient;

  before(async function () {
    this.timeout(15 * 60_000); // builds the programs on a machine that has none
    cluster = await sharedCluster();
    client = cluster.client();
  });
  after(() => client?.close());

  it('is the Kubernetes release that go.mod pins', async () => {
    const version = await client.get('/version');
    assert.equal(version['gitVersion'], `v${kubernetesVersion}`);
  });

  it('makes a Deployment of two replicas Available, and removes its Pods with it', async () => {
    await withNamespace(cluster, async (namespace) => {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      await client.create(path, deployment('web', { replicas: 2 }));
      const seen = await client.waitFor(`${path}/web`, (one) => hasCondition(one, 'Available'));
      assert.equal((seen['status'] as { readyReplicas: number }).readyReplicas, 2);
      await client.delete(`${path}/web`);
      const pods = `/api/v1/namespaces/${namespace}/pods`;
      await client.waitFor(pods, (list) => (list['items'] as unknown[]).length === 0);
    });
  });

  it('runs a DaemonSet on its node and a StatefulSet in order', async () => {
    await withNamespace(cluster, async (namespace) => {
      const path = `/apis/apps/v1/namespaces/${namespace}`;
      const { selector, template } = deployment('web').spec;
      const set = (kind: string, spec: object) => ({ apiVersion: 'apps/v1', kind, metadata: { name: 'web' }, spec });
      await client.create(`${path}/daemonsets`, set('DaemonSet', { selector, template }));
      const ordered = { selector, template, serviceName: 'web', replicas: 2 };
      await client.create(`${path}/statefulsets`, set('StatefulSet', ordered));
      const ready = (field: string, count: number) => (one: KubernetesJson) =>
        (one['status'] as Record<string, unknown> | undefined)?.[field] === count;
      await client.waitFor(`${path}/daemonsets/web`, ready('numberReady', 1));
      await client.waitFor(`${path}/statefulsets/web`, ready('readyReplicas', 2));
      assert.ok(await client.find(podPath(namespace, 'web-1')), 'the second Pod has its ordinal for a name');
    });
  });

  it('completes a Job, and fails one whose Pod fails', async () => {
    await withNamespace(cluster, async (namespace) => {
      const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
      await client.create(path, job('good'));
      await client.create(path, job('bad', { pod: 'fail', 'exit-code': '7' }));
      await client.waitFor(`${path}/good`, (one) => hasCondition(one, 'Complete'));
      await client.waitFor(`${path}/bad`, (one) => hasCondition(one, 'Failed'));
    });
  });

  it('shows a broken image as ImagePullBackOff, with the message and events of a kubelet', async () => {
    await withNamespace(cluster, async (namespace) => {
      await client.create(`/api/v1/namespaces/${namespace}/pods`, pod('web', {}, 'shop/web:does-not-exist'));
      const seen = await client.waitFor(
        podPath(namespace, 'web'),
        (one) => container(one)?.state?.waiting?.reason === 'ImagePullBackOff',
      );
      assert.match(
        container(seen)?.state?.waiting?.message ?? '',
        /^Back-off pulling image "shop\/web:does-not-exist"/,
      );
      const events = await eventsOf(client, namespace, 'web', 'Error: ImagePullBackOff');
      assert.ok(events.some((one) => one.type === 'Warning' && one.reason === 'Failed'));
      assert.ok(events.some((one) => one.message.includes('docker.io/shop/web:does-not-exist: not found')));
      await assert.rejects(client.log(namespace, 'web'), /400 .*waiting to start: trying and failing to pull image/);
    });
  });

  it('lets a container crash again and again, with its last state and the log of the run before', async () => {
    await withNamespace(cluster, async (namespace) => {
      const script = { pod: 'crash-loop', 'exit-code': '137', reason: 'OOMKilled', 'previous-log': 'one\ntwo\nthree' };
      await client.create(`/api/v1/namespaces/${namespace}/pods`, pod('web', script));
      const seen = await client.waitFor(
        podPath(namespace, 'web'),
        (one) => container(one)?.state?.waiting?.reason === 'CrashLoopBackOff',
      );
      const { restartCount, lastState } = container(seen) ?? {};
      assert.ok((restartCount ?? 0) >= 1);
      assert.equal(lastState?.terminated?.exitCode, 137);
      assert.equal(lastState?.terminated?.reason, 'OOMKilled');
      assert.equal(await client.log(namespace, 'web', '?previous=true&tailLines=2'), 'two\nthree\n');
      const events = await eventsOf(client, namespace, 'web', 'Back-off restarting failed container');
      assert.ok(events.some((one) => one.type === 'Warning' && one.reason === 'BackOff'));
    });
  });

  it('serves logs through the API server, and follows them until the container ends', async () => {
    await withNamespace(cluster, async (namespace) => {
      const script = { pod: 'succeed', log: 'first\nsecond\nthird', 'log-interval': '300', runs: '1200' };
      await client.create(`/api/v1/namespaces/${namespace}/pods`, pod('task', script, 'task', 'Never'));
      await client.waitFor(podPath(namespace, 'task'), (one) => container(one)?.state?.running !== undefined);
      assert.doesNotMatch(await client.log(namespace, 'task'), /third/, 'not all of it is there at once');
      assert.equal(await client.log(namespace, 'task', '?follow=true'), 'first\nsecond\nthird\n');
    });
  });

  it('waits for what a Pod refers to, and starts it once that is there', async () => {
    await withNamespace(cluster, async (namespace) => {
      const wanting = pod('web');
      wanting.spec.containers[0] = { name: 'app', image: 'web', envFrom: [{ secretRef: { name: 'credentials' } }] };
      await client.create(`/api/v1/namespaces/${namespace}/pods`, wanting);
      const seen = await client.waitFor(
        podPath(namespace, 'web'),
        (one) => container(one)?.state?.waiting?.reason === 'CreateContainerConfigError',
      );
      assert.equal(container(seen)?.state?.waiting?.message, 'secret "credentials" not found');
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'credentials' } };
      await client.create(`/api/v1/namespaces/${namespace}/secrets`, secret);
      await client.waitFor(podPath(namespace, 'web'), (one) => hasCondition(one, 'Ready'));
    });
  });

  it('runs init containers first and shows which of them fails', async () => {
    await withNamespace(cluster, async (namespace) => {
      const script = { pod: 'fail', container: 'migrate' };
      const failing = pod('web', script);
      const initContainers = [{ name: 'migrate', image: 'web' }];
      await client.create(`/api/v1/namespaces/${namespace}/pods`, {
        ...failing,
        spec: { ...failing.spec, initContainers },
      });
      const seen = await client.waitFor(
        podPath(namespace, 'web'),
        (one) => container(one, 'initContainerStatuses')?.state?.waiting?.reason === 'CrashLoopBackOff',
      );
      assert.equal(container(seen)?.state?.waiting?.reason, 'PodInitializing');
      assert.equal((seen['status'] as { phase: string }).phase, 'Pending');
    });
  });

  it('plays a Pod anew when its script changes', async () => {
    await withNamespace(cluster, async (namespace) => {
      await client.create(`/api/v1/namespaces/${namespace}/pods`, pod('web', { pod: 'never-ready' }));
      const path = podPath(namespace, 'web');
      const running = await client.waitFor(path, (one) => container(one)?.state?.running !== undefined);
      assert.ok(hasCondition(running, 'Ready', 'False'));
      await client.patch(path, { metadata: { annotations: { 'test.gitops.pipelines/pod': 'ready' } } });
      const ready = await client.waitFor(path, (one) => hasCondition(one, 'Ready'));
      const { conditions } = ready['status'] as { conditions: { type: string; reason?: string }[] };
      assert.equal(conditions.find((one) => one.type === 'Ready')?.reason, undefined);
    });
  });

  it('says so in the Pod when a script cannot be followed', async () => {
    await withNamespace(cluster, async (namespace) => {
      await client.create(`/api/v1/namespaces/${namespace}/pods`, pod('web', { pod: 'explode' }));
      const seen = await client.waitFor(
        podPath(namespace, 'web'),
        (one) => container(one)?.state?.waiting?.reason === 'CreateContainerConfigError',
      );
      assert.match(container(seen)?.state?.waiting?.message ?? '', /"explode" is none of ready, never-ready/);
    });
  });

  it('finishes the deletion of a namespace', async () => {
    const path = '/api/v1/namespaces/test-goes-away';
    await client.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'test-goes-away' },
    });
    await client.create(`${path}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' } });
    await client.delete(path);
    await client.waitUntilGone(path);
  });

  it('lets a user do what a Role grants, and nothing else', async () => {
    await withNamespace(cluster, async (namespace) => {
      const user = cluster.client(cluster.user('alice', ['developers']).token);
      const maps = `/api/v1/namespaces/${namespace}/configmaps`;
      const refused = await user.request('GET', maps);
      assert.equal(refused.status, 403);
      assert.match((refused.body as { message: string }).message, /^configmaps is forbidden: User "alice" cannot list/);
      const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
      const apiVersion = 'rbac.authorization.k8s.io/v1';
      const metadata = { name: 'read' };
      const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
      await client.create(`${rbac}/roles`, { apiVersion, kind: 'Role', metadata, rules });
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'read' };
      const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'developers' }];
      await client.create(`${rbac}/rolebindings`, { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects });
      const end = Date.now() + 5000; // the authorizer learns of the binding by a watch
      while ((await user.request('GET', maps)).status !== 200) assert.ok(Date.now() < end, 'the group may list by now');
      assert.equal((await user.request('GET', `/api/v1/namespaces/${namespace}/secrets`)).status, 403);
      await user.close();
    });
  });

  it('does not know a user whose token has expired or was tampered with', async () => {
    const { token } = cluster.user('bob');
    const [head, , signature] = token.split('.');
    const admin = Buffer.from(JSON.stringify({ name: 'bob', groups: ['system:masters'], expires: 1e15 }));
    for (const wrong of [cluster.user('bob', [], -1).token, `${head}.${admin.toString('base64url')}.${signature}`]) {
      const stranger = cluster.client(wrong);
      assert.equal((await stranger.request('GET', '/api/v1/namespaces/default')).status, 401);
      await stranger.close();
    }
  });
});

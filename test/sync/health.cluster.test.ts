import assert from 'node:assert/strict';
import pLimit from 'p-limit';
import { groupOf, type KubernetesObject, versionOf } from '../../lib/core/objects/kubernetes-object.ts';
import { connect } from '../../lib/ports/kubernetes/connect.ts';
import { accessFromKubeconfigFile } from '../../lib/ports/kubernetes/kubeconfig.ts';
import type { Json, KubernetesClient } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { type Diagnosis, describeDiagnosis, diagnose } from '../../lib/sync/diagnosis.ts';
import { type WaitOptions, type WaitResult, type WaitTarget, waitForHealth } from '../../lib/sync/wait.ts';
import { type Cluster, sharedCluster, withNamespace } from '../cluster/index.ts';

type Script = Readonly<Record<string, string>>;

const annotations = (script: Script): Json =>
  Object.fromEntries(Object.entries(script).map(([name, value]) => [`test.gitops.pipelines/${name}`, value]));

function template(labels: Json, script: Script, image: string, restartPolicy: string): Json {
  return {
    metadata: { labels, annotations: annotations(script) },
    spec: { restartPolicy, containers: [{ name: 'app', image }] },
  };
}

function deployment(name: string, { script = {} as Script, image = 'shop:1', spec = {} as Json } = {}): Json {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: template(labels, script, image, 'Always'),
      ...spec,
    },
  };
}

function job(name: string, script: Script, spec: Json = {}): Json {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { backoffLimit: 0, template: template({ job: name }, script, 'shop:1', 'Never'), ...spec },
  };
}

describe('health of a real cluster', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let client: KubernetesClient;
  const never = new AbortController().signal;

  async function clientOf(file: string): Promise<KubernetesClient> {
    const access = await accessFromKubeconfigFile({ file, environment: {}, maskSecret: () => undefined });
    return connect(access, { network: { proxyBypass: [], skipCertValidation: false } });
  }

  const scenarios: (() => void)[] = [];

  before(async () => {
    cluster = await sharedCluster();
    client = await clientOf(cluster.kubeconfig);
    for (const start of scenarios) start();
  });
  after(() => client?.close());

  // Most of the time is spent waiting: several at once, each in a namespace of its own.
  const limit = pLimit(5);

  function scenario(title: string, test: (namespace: string) => Promise<void>): void {
    let run = Promise.resolve();
    scenarios.push(() => {
      run = limit(() => withNamespace(cluster, test));
      run.catch(() => 'told by the test below');
    });
    it(title, () => run);
  }

  /** Applies as the task does, and says what to wait for. */
  async function apply(namespace: string, ...objects: Json[]): Promise<WaitTarget[]> {
    const targets: WaitTarget[] = [];
    for (const object of objects) {
      const { apiVersion, kind, metadata } = object as KubernetesObject;
      const resource = (await client.catalog()).find(apiVersion, kind);
      assert.ok(resource, `${apiVersion} ${kind}`);
      const place = resource.namespaced ? namespace : '';
      const answer = await client.apply(resource, place, metadata.name, object, { fieldManager: 'test', force: false });
      assert.equal(resource.group, groupOf(apiVersion));
      assert.equal(resource.version, versionOf(apiVersion));
      targets.push({
        resource,
        id: { group: resource.group, kind, namespace: place, name: metadata.name },
        uid: answer.object['metadata'].uid,
        object: answer.object,
      });
    }
    return targets;
  }

  function wait(targets: readonly WaitTarget[], options: Partial<WaitOptions> = {}, by = client): Promise<WaitResult> {
    return waitForHealth(by, targets, { timeoutMs: 60_000, signal: never, settleMs: 2_000, ...options });
  }

  function explain(target: WaitTarget, since: Date, by = client): Promise<Diagnosis> {
    return diagnose(by, target, { since, signal: never });
  }

  scenario('of a Deployment is seen by a watch as soon as all its Pods are available', async (namespace) => {
    const targets = await apply(namespace, deployment('web', { script: { delay: '1500' } }));
    const seen: string[] = [];
    const result = await wait(targets, {
      onProgress: ({ waitingFor }) => seen.push(...waitingFor.map(({ health }) => health.status)),
    });
    assert.equal(result.outcome, 'healthy', JSON.stringify(result));
    assert.ok(result.ms >= 1_000 && result.ms < 15_000, `${result.ms} ms`);
    assert.ok(seen.includes('Progressing'));
  });

  scenario('of a new revision is waited for, not that of the old one that still runs', async (namespace) => {
    await wait(await apply(namespace, deployment('web')));
    const result = await wait(
      await apply(namespace, deployment('web', { image: 'shop:2', script: { delay: '1000' } })),
    );
    assert.equal(result.outcome, 'healthy');
    const live = result.objects[0]?.live;
    assert.equal(live?.['status'].observedGeneration, live?.['metadata'].generation);
    assert.equal(live?.['metadata'].generation, 2);
    assert.ok(result.ms >= 900, `${result.ms} ms`);
  });

  scenario(
    'of a Deployment with a broken image is given up long before the time is up, with reason and event of the container',
    async (namespace) => {
      const since = new Date();
      const [target] = await apply(namespace, deployment('web', { image: 'shop:does-not-exist' }));
      assert.ok(target);
      const result = await wait([target]);
      assert.equal(result.outcome, 'healthFailed', JSON.stringify(result));
      assert.ok(result.ms < 20_000, `${result.ms} ms`);
      assert.match(
        result.objects[0]?.health.message ?? '',
        /Container app of Pod web-\S+ is waiting: \S*(ImagePull)\S*: .*shop:does-not-exist/,
      );

      const diagnosis = await explain(target, since);
      assert.match(
        diagnosis.summary,
        /^Deployment\.apps \S+\/web: container app of Pod web-\S+ is waiting: \S*ImagePull/,
      );
      assert.deepEqual(
        // Pods in another state than the first, such as one between two tries, have links of their own.
        diagnosis.chain.slice(0, 3).map((link) => link.split(' ')[0]),
        ['Deployment', 'ReplicaSet', 'Pod'],
      );
      assert.equal(diagnosis.containers[0]?.image, 'shop:does-not-exist');
      assert.ok(
        diagnosis.events.some(({ reason, message }) => reason === 'Failed' && message.includes('shop:does-not-exist')),
        JSON.stringify(diagnosis.events),
      );
      assert.match(diagnosis.notes.join('\n'), /1 more of its 2 Pods/);
    },
  );

  scenario(
    'of a Deployment that crashes is given up after three restarts, with exit code and the last lines of both runs',
    async (namespace) => {
      const since = new Date();
      const script = {
        pod: 'crash-loop',
        'exit-code': '3',
        log: 'connecting\nno database',
        'previous-log': 'first run',
      };
      const [target] = await apply(namespace, deployment('web', { script }));
      assert.ok(target);
      const result = await wait([target]);
      assert.equal(result.outcome, 'healthFailed', JSON.stringify(result));
      assert.equal(result.objects[0]?.health.reason, 'CrashLoopBackOff');

      const diagnosis = await explain(target, since);
      assert.match(diagnosis.summary, /CrashLoopBackOff.*restarted \d times; it ended before with exit code 3/);
      const lines = diagnosis.logs.flatMap((log) => log.lines);
      assert.ok(lines.includes('no database'), JSON.stringify(diagnosis.logs));
      assert.ok(lines.includes('first run'), JSON.stringify(diagnosis.logs));
      assert.ok(
        diagnosis.events.some(({ reason }) => reason === 'BackOff'),
        JSON.stringify(diagnosis.events),
      );
      const printed = describeDiagnosis(diagnosis);
      assert.ok(printed.includes('    | no database'), printed.join('\n'));
    },
  );

  scenario('of a Deployment that exceeds its own deadline is that, with what its probe says', async (namespace) => {
    const since = new Date();
    const [target] = await apply(
      namespace,
      deployment('web', { script: { pod: 'never-ready' }, spec: { progressDeadlineSeconds: 2 } }),
    );
    assert.ok(target);
    const result = await wait([target]);
    assert.equal(result.outcome, 'healthFailed', JSON.stringify(result));
    assert.equal(result.objects[0]?.health.reason, 'ProgressDeadlineExceeded');
    const diagnosis = await explain(target, since);
    assert.match(diagnosis.summary, /runs and is not ready; Readiness probe failed/);
    assert.ok(
      diagnosis.logs.some(({ lines }) => lines.includes('app started')),
      JSON.stringify(diagnosis.logs),
    );
  });

  scenario(
    'of a Deployment that goes back to what worked is good, though its last verdict was bad',
    async (namespace) => {
      const good = deployment('web', { spec: { progressDeadlineSeconds: 2 } });
      const bad = deployment('web', { script: { pod: 'never-ready' }, spec: { progressDeadlineSeconds: 2 } });
      assert.equal((await wait(await apply(namespace, good))).outcome, 'healthy');
      assert.equal((await wait(await apply(namespace, bad))).outcome, 'healthFailed');
      assert.equal((await wait(await apply(namespace, good))).outcome, 'healthy');
    },
  );

  scenario('of a Deployment whose Pods a quota forbids is explained by the quota', async (namespace) => {
    const since = new Date();
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'none' },
      spec: { hard: { pods: '0' } },
    };
    await apply(namespace, quota);
    await cluster
      .client()
      .waitFor(
        `/api/v1/namespaces/${namespace}/resourcequotas/none`,
        (object) => 'hard' in ((object['status'] as object) ?? {}),
      );
    const [target] = await apply(namespace, deployment('web'));
    assert.ok(target);
    const result = await wait([target], { timeoutMs: 4_000 });
    assert.equal(result.outcome, 'healthTimeout');
    const diagnosis = await explain(target, since);
    assert.match(diagnosis.summary, /its Pods cannot be created: .*exceeded quota: none/);
    assert.ok(diagnosis.events.some(({ reason }) => reason === 'FailedCreate'));
  });

  scenario(
    'of a Pod that no node takes is explained by the scheduler, and waited for: nodes may come',
    async (namespace) => {
      const since = new Date();
      const spec = { template: { ...deployment('web')['spec'].template } };
      spec.template.spec = { ...spec.template.spec, nodeSelector: { moon: 'far-side' } };
      const [target] = await apply(namespace, deployment('web', { spec }));
      assert.ok(target);
      const result = await wait([target], { timeoutMs: 4_000 });
      assert.equal(result.outcome, 'healthTimeout');
      const diagnosis = await explain(target, since);
      assert.match(diagnosis.summary, /no node takes Pod web-\S+: 0\/1 nodes are available/);
    },
  );

  scenario('of a StatefulSet, a DaemonSet, a Service and a claim is waited for all at once', async (namespace) => {
    const labels = { app: 'db' };
    const pods = { selector: { matchLabels: labels }, template: template(labels, {}, 'db:1', 'Always') };
    const targets = await apply(
      namespace,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: {} },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'db' },
        spec: { selector: labels, ports: [{ port: 80 }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'db' },
        spec: { serviceName: 'db', replicas: 2, ...pods },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'agent' },
        spec: {
          selector: { matchLabels: { app: 'agent' } },
          template: template({ app: 'agent' }, {}, 'agent:1', 'Always'),
        },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: {
          storageClassName: 'unheard-of',
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
        },
      },
    );
    const result = await wait(targets);
    assert.equal(
      result.outcome,
      'healthy',
      JSON.stringify(result.objects.map(({ target: { id }, health }) => [id, health])),
    );
  });

  scenario('of a Job is its end: success', async (namespace) => {
    const result = await wait(await apply(namespace, job('migrate', { pod: 'succeed', runs: '1500' })));
    assert.equal(result.outcome, 'healthy');
    assert.ok(result.ms >= 1_000, `${result.ms} ms`);
  });

  scenario('of a Job that removes itself at its end is that end', async (namespace) => {
    const good = await wait(await apply(namespace, job('good', { pod: 'succeed' }, { ttlSecondsAfterFinished: 0 })));
    assert.equal(good.outcome, 'healthy', JSON.stringify(good));
    const bad = await wait(await apply(namespace, job('bad', { pod: 'fail' }, { ttlSecondsAfterFinished: 0 })));
    assert.equal(bad.outcome, 'healthFailed', JSON.stringify(bad));
  });

  scenario('of a Job that fails is known at once, with exit code and log', async (namespace) => {
    const since = new Date();
    const [target] = await apply(namespace, job('migrate', { pod: 'fail', 'exit-code': '7', log: 'table is locked' }));
    assert.ok(target);
    const result = await wait([target]);
    assert.equal(result.outcome, 'healthFailed');
    assert.equal(result.objects[0]?.health.reason, 'BackoffLimitExceeded');
    const diagnosis = await explain(target, since);
    assert.match(
      diagnosis.summary,
      /^Job\.batch \S+\/migrate: container app of Pod migrate-\S+ ended with exit code 7/,
    );
    assert.deepEqual(diagnosis.logs[0]?.lines, ['table is locked']);
  });

  scenario('of a definition and then of its resource, whose controller writes no status', async (namespace) => {
    const group = `${namespace}.example.com`;
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `widgets.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [{ name: 'v1', served: true, storage: true, schema, subresources: { status: {} } }],
      },
    };
    try {
      const established = await wait(await apply(namespace, definition));
      assert.equal(established.outcome, 'healthy');
      await client.catalog({ refresh: true });
      const widget = { apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name: 'first' }, spec: {} };
      const targets = await apply(namespace, widget);
      const impatient = await wait(targets, { timeoutMs: 2_000 });
      assert.equal(impatient.outcome, 'healthTimeout');
      assert.equal(impatient.objects[0]?.health.reason, 'NoStatus');
      const status = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
      await cluster
        .client()
        .request(
          'PATCH',
          `/apis/${group}/v1/namespaces/${namespace}/widgets/first/status`,
          status,
          'application/merge-patch+json',
        );
      assert.equal((await wait(targets)).outcome, 'healthy');
    } finally {
      await cluster.client().delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.${group}`);
    }
  });

  scenario('is polled for a user who may not watch, and what this user may not read is told', async (namespace) => {
    const user = cluster.user(`reader-${namespace}`);
    await apply(
      namespace,
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'reader' },
        rules: [
          { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get', 'list'] },
          { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
        ],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user.name }],
      },
    );
    const reader = await clientOf(user.kubeconfig);
    try {
      const since = new Date();
      const targets = await apply(
        namespace,
        deployment('web', { script: { delay: '1500' } }),
        deployment('crash', { script: { pod: 'crash-loop' } }),
      );
      const result = await wait(targets, {}, reader);
      assert.deepEqual(
        result.objects.map(({ outcome }) => outcome),
        ['healthy', 'healthFailed'],
      );
      assert.match(result.notes.join('\n'), /Not permitted to watch deployments, so they are listed every 2 s/);
      const diagnosis = await explain(targets[1]!, since, reader);
      assert.match(diagnosis.summary, /CrashLoopBackOff/);
      assert.match(
        diagnosis.notes.join('\n'),
        /The log of container app of Pod crash-\S+ could not be read \(not permitted\)/,
      );
      assert.match(diagnosis.notes.join('\n'), /Its events could not be read \(not permitted\)/);
    } finally {
      await reader.close();
    }
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CancelledError } from '../../lib/errors.ts';
import type { ApiResource } from '../../lib/ports/kubernetes/discovery.ts';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { type Diagnosis, type DiagnosisOptions, describeDiagnosis, diagnose } from '../../lib/sync/diagnosis.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createFakeKubernetes, type FakeKubernetes, resource } from './fake-kubernetes.ts';

const deployments = resource('apps/v1', 'Deployment', 'deployments');
const statefulSets = resource('apps/v1', 'StatefulSet', 'statefulsets');
const claims = resource('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');

describe('the diagnosis of an object that is not healthy', () => {
  let clock: FakeClock;
  let cluster: FakeKubernetes;
  let since: Date;

  beforeEach(() => {
    clock = createFakeClock();
    cluster = createFakeKubernetes(clock.now);
    since = new Date(clock.now());
  });

  function of(api: ApiResource, name: string, options: Partial<DiagnosisOptions> = {}): Promise<Diagnosis> {
    const target = { resource: api, id: { group: api.group, kind: api.kind, namespace: 'shop', name } };
    return diagnose(cluster, target, { since, signal: new AbortController().signal, clock, ...options });
  }

  function put(apiVersion: string, kind: string, name: string, more: Json = {}, owner?: Json): Json {
    const { metadata = {}, ...rest } = more;
    const ownerReferences = owner === undefined ? [] : [{ kind: owner['kind'], uid: owner['metadata'].uid }];
    return cluster.put({
      apiVersion,
      kind,
      metadata: { name, namespace: 'shop', ownerReferences, ...metadata },
      ...rest,
    });
  }

  function event(object: Json, reason: string, message: string, more: Json = {}): void {
    const { kind, metadata } = object;
    put('v1', 'Event', `${metadata.name}.${reason}.${Math.random()}`, {
      type: 'Warning',
      reason,
      message,
      lastTimestamp: new Date(clock.now()).toISOString(),
      involvedObject: { kind, name: metadata.name, uid: metadata.uid },
      ...more,
    });
  }

  function rollout(containers: readonly Json[], pods = 1): { web: Json; pods: Json[] } {
    const labels = { app: 'web' };
    const web = put('apps/v1', 'Deployment', 'web', {
      spec: { replicas: pods, selector: { matchLabels: labels } },
      status: { observedGeneration: 1 },
      metadata: { generation: 1 },
    });
    const replicaSet = put('apps/v1', 'ReplicaSet', 'web-1', { metadata: { labels } }, web);
    return {
      web,
      pods: Array.from({ length: pods }, (_, index) =>
        put(
          'v1',
          'Pod',
          `web-1-${index}`,
          { metadata: { labels }, status: { phase: 'Running', containerStatuses: containers } },
          replicaSet,
        ),
      ),
    };
  }

  const crashed = {
    name: 'app',
    image: 'shop:1',
    restartCount: 4,
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
    lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
  };

  it('names the container, its reason, exit code and restarts in one line', async () => {
    rollout([crashed]);
    const { summary, containers } = await of(deployments, 'web');
    assert.equal(
      summary,
      'Deployment.apps shop/web: container app of Pod web-1-0 is waiting: CrashLoopBackOff: back-off 40s, restarted 4 times; it ended before with exit code 137 (OOMKilled)',
    );
    assert.deepEqual(containers, [
      {
        pod: 'web-1-0',
        container: 'app',
        init: false,
        state: 'waiting',
        reason: 'CrashLoopBackOff',
        message: 'back-off 40s',
        image: 'shop:1',
        restarts: 4,
        before: { exitCode: 137, reason: 'OOMKilled', message: '' },
      },
    ]);
  });

  it('shows the last twenty lines of the run before and of the present one', async () => {
    rollout([{ ...crashed, state: { running: {} } }]);
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index + 1}`);
    cluster.logLines.set('shop/web-1-0/app/previous', lines.join('\n'));
    cluster.logLines.set('shop/web-1-0/app', 'starting\n');
    const { logs } = await of(deployments, 'web');
    assert.deepEqual(
      logs.map(({ previous, lines: shown }) => [previous, shown.length, shown[0], shown.at(-1)]),
      [
        [true, 20, 'line 31', 'line 50'],
        [false, 1, 'starting', 'starting'],
      ],
    );
  });

  it('shows a run once when the kubelet answers with it for both', async () => {
    rollout([crashed]);
    cluster.logLines.set('shop/web-1-0/app/previous', 'out of memory');
    cluster.logLines.set('shop/web-1-0/app', 'out of memory');
    assert.equal((await of(deployments, 'web')).logs.length, 1);
  });

  it('says that a container left no log', async () => {
    rollout([crashed]);
    assert.deepEqual((await of(deployments, 'web')).notes, ['Container app of Pod web-1-0 has left no log.']);
  });

  it('of a failed Pod is about the container that failed, not the one that did its part', async () => {
    rollout([
      { name: 'setup', restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      { name: 'app', restartCount: 0, state: { terminated: { exitCode: 7, reason: 'Error' } } },
    ]);
    const { summary, containers } = await of(deployments, 'web');
    assert.match(summary, /container app of Pod web-1-0 ended with exit code 7 \(Error\)$/);
    assert.deepEqual(
      containers.map(({ container }) => container),
      ['app'],
    );
  });

  it('does not ask for the log of a container that never ran', async () => {
    rollout([{ name: 'app', restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff' } } }]);
    const { notes } = await of(deployments, 'web');
    assert.deepEqual(notes, []);
    assert.ok(!cluster.asked.some((request) => request.includes('pods/log')));
  });

  it('looks into one Pod for each way of failing and counts the others', async () => {
    rollout([crashed], 5);
    const { chain, notes } = await of(deployments, 'web');
    assert.equal(chain.filter((link) => link.startsWith('Pod ')).length, 1);
    assert.match(notes.join('\n'), /4 more of its 5 Pods are not healthy/);
  });

  it('leaves out the Pods of a rollout before', async () => {
    const { web } = rollout([crashed]);
    const old = put(
      'apps/v1',
      'ReplicaSet',
      'web-0',
      { metadata: { labels: { app: 'web' }, creationTimestamp: '2020-01-01T00:00:00Z' } },
      web,
    );
    put('v1', 'Pod', 'web-0-x', { metadata: { labels: { app: 'web' } }, status: { phase: 'Failed' } }, old);
    const { chain } = await of(deployments, 'web');
    assert.ok(!chain.join('\n').includes('web-0'));
  });

  it('prefers a container that cannot start to one that only is not ready', async () => {
    rollout([
      { name: 'proxy', restartCount: 0, ready: false, state: { running: {} } },
      {
        name: 'app',
        restartCount: 0,
        state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "db" not found' } },
      },
    ]);
    assert.match(
      (await of(deployments, 'web')).summary,
      /container app of .* CreateContainerConfigError: secret "db" not found$/,
    );
  });

  describe('has the warnings of the cluster', () => {
    it('since the beginning, newest last, those of Pods that say the same told once', async () => {
      const { web, pods } = rollout([crashed], 3);
      for (const pod of pods)
        event(pod, 'BackOff', `Back-off restarting failed container in pod ${pod['metadata'].name}`, { count: 2 });
      event(web, 'Old', 'long ago', { lastTimestamp: new Date(clock.now() - 3_600_000).toISOString() });
      event(web, 'Newest', 'just now', { lastTimestamp: new Date(clock.now() + 5_000).toISOString() });
      put('v1', 'Event', 'normal', { type: 'Normal', reason: 'Pulled', involvedObject: { uid: web['metadata'].uid } });
      const { events } = await of(deployments, 'web');
      assert.deepEqual(
        events.map(({ reason, count }) => [reason, count]),
        [
          ['BackOff', 6],
          ['Newest', 1],
        ],
      );
    });

    it('with one that was repeated where it was last', async () => {
      const { web } = rollout([crashed]);
      const at = (seconds: number): Json => ({ lastTimestamp: new Date(clock.now() + seconds * 1_000).toISOString() });
      event(web, 'First', 'a', at(1));
      event(web, 'Second', 'b', at(2));
      event(web, 'First', 'a', at(3));
      assert.deepEqual(
        (await of(deployments, 'web')).events.map(({ reason, count }) => `${reason} ${count}`),
        ['Second 1', 'First 2'],
      );
    });

    it('but not those of other objects', async () => {
      rollout([crashed]);
      event(put('v1', 'Pod', 'other'), 'BackOff', 'of somebody else');
      assert.deepEqual((await of(deployments, 'web')).events, []);
    });

    it('at the time that events of the newer kind say', async () => {
      const { web } = rollout([crashed]);
      const at = new Date(clock.now() + 1_000).toISOString();
      event(web, 'Series', 'again', {
        lastTimestamp: null,
        eventTime: '2020-01-01T00:00:00Z',
        series: { count: 7, lastObservedTime: at },
      });
      assert.deepEqual((await of(deployments, 'web')).events, [
        { object: 'Deployment web', reason: 'Series', message: 'again', count: 7, at },
      ]);
    });
  });

  it('finds the claim without which a Pod has no node', async () => {
    const db = put('apps/v1', 'StatefulSet', 'db', { spec: { selector: { matchLabels: { app: 'db' } } } });
    put(
      'v1',
      'Pod',
      'db-0',
      {
        metadata: { labels: { app: 'db' } },
        spec: { volumes: [{ persistentVolumeClaim: { claimName: 'data-db-0' } }] },
        status: {
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: 'pod has unbound immediate PersistentVolumeClaims',
            },
          ],
        },
      },
      db,
    );
    const claim = put('v1', 'PersistentVolumeClaim', 'data-db-0', {
      spec: { storageClassName: '' },
      status: { phase: 'Pending' },
    });
    event(claim, 'ProvisioningFailed', 'storageclass "fast" not found');
    const { summary, chain, events } = await of(statefulSets, 'db');
    assert.match(summary, /no node takes Pod db-0: pod has unbound immediate PersistentVolumeClaims/);
    assert.match(chain.at(-1) ?? '', /^PersistentVolumeClaim data-db-0/);
    assert.equal(events[0]?.message, 'storageclass "fast" not found');
  });

  it('of a claim is what its events say', async () => {
    const claim = put('v1', 'PersistentVolumeClaim', 'data', { status: { phase: 'Pending' } });
    event(claim, 'ProvisioningFailed', 'storageclass "fast" not found');
    assert.equal(
      (await of(claims, 'data')).summary,
      'PersistentVolumeClaim shop/data: ProvisioningFailed (PersistentVolumeClaim data): storageclass "fast" not found',
    );
  });

  it('knows that a StatefulSet leaves a broken Pod of an older revision alone, and what to do about it', async () => {
    const db = put('apps/v1', 'StatefulSet', 'db', { status: { updateRevision: 'db-2' } });
    put(
      'v1',
      'Pod',
      'db-0',
      {
        metadata: { labels: { 'controller-revision-hash': 'db-1' } },
        status: { phase: 'Running', containerStatuses: [crashed] },
      },
      db,
    );
    const { notes } = await of(statefulSets, 'db');
    assert.match(notes.join('\n'), /Pod db-0 is still of an older revision\. .* delete that Pod once/);
  });

  it('of a custom resource is what its conditions say', async () => {
    put('example.com/v1', 'Widget', 'w', {
      status: { conditions: [{ type: 'Ready', status: 'False', reason: 'NoDisk', message: 'full' }] },
    });
    const { summary } = await of(resource('example.com/v1', 'Widget', 'widgets'), 'w');
    assert.equal(summary, 'Widget.example.com shop/w: NoDisk: full');
  });

  it('of an object that is gone is that', async () => {
    const { summary, chain } = await of(deployments, 'web');
    assert.equal(summary, 'Deployment.apps shop/web: It is not in the cluster.');
    assert.equal(chain.length, 1);
  });

  describe('when something may not be read', () => {
    it('says what, once, and goes on with the rest', async () => {
      rollout([crashed], 2);
      for (const rule of ['list events', 'get pods/log']) cluster.forbidden.add(rule);
      const { summary, notes } = await of(deployments, 'web');
      assert.match(summary, /OOMKilled/);
      assert.deepEqual(notes.filter((note) => note.includes('not permitted')).toSorted(), [
        'Its events could not be read (not permitted): list events is forbidden',
        'The log of container app of Pod web-1-0 could not be read (not permitted): get pods/log is forbidden',
      ]);
    });

    it('says so of the object itself, too', async () => {
      cluster.forbidden.add('get deployments');
      const { summary, notes } = await of(deployments, 'web');
      assert.equal(summary, 'Deployment.apps shop/web: It could not be read.');
      assert.match(notes.join('\n'), /^Deployment\.apps shop\/web could not be read \(not permitted\)/);
    });

    it('says so when there is no answer', async () => {
      rollout([crashed]);
      cluster.disconnect();
      const { notes } = await of(deployments, 'web');
      assert.match(notes.join('\n'), /could not be read \(failed\): No answer from the fake cluster/);
    });

    it('ends in its time when answers do not come', async () => {
      rollout([crashed]);
      cluster.manner.hangLists = true;
      let result: Diagnosis | undefined;
      of(deployments, 'web', { timeoutMs: 5_000 }).then(
        (diagnosis) => {
          result = diagnosis;
        },
        (error: unknown) => assert.fail(String(error)),
      );
      await clock.advance(5_100);
      assert.match(result?.notes.join('\n') ?? '', /Its Pods could not be read: the cluster did not answer in time/);
    });
  });

  it('ends with CancelledError as soon as the run is cancelled', async () => {
    rollout([crashed]);
    cluster.manner.hangLists = true;
    const controller = new AbortController();
    const running = of(deployments, 'web', { signal: controller.signal });
    const failed = assert.rejects(running, CancelledError);
    controller.abort();
    await failed;
  });

  it('keeps foreign text to its lines: a message cannot begin one of its own', async () => {
    const { web } = rollout([
      { ...crashed, lastState: { terminated: { exitCode: 1, message: 'a\n##vso[task.complete]b\u001b[2J' } } },
    ]);
    event(web, 'Evil', 'one\r\ntwo\u2028three');
    cluster.logLines.set('shop/web-1-0/app', 'first\rsecond\u0007\nthird\u0085fourth');
    const diagnosis = await of(deployments, 'web');
    const printed = describeDiagnosis(diagnosis);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    for (const line of printed) assert.doesNotMatch(line, /[\u0000-\u0008\u000a-\u001f\u0085\u2028\u2029]/);
    assert.ok(printed.includes('    | second'), printed.join('\n'));
    assert.ok(!printed.some((line) => line.startsWith('##')));
  });

  it('reads as a person would tell it', async () => {
    const { pods } = rollout([crashed], 2);
    event(pods[0]!, 'BackOff', 'Back-off restarting failed container', { count: 3 });
    cluster.logLines.set('shop/web-1-0/app', 'allocating\nout of memory');
    assert.deepEqual(describeDiagnosis(await of(deployments, 'web')), [
      'Deployment.apps shop/web: container app of Pod web-1-0 is waiting: CrashLoopBackOff: back-off 40s, restarted 4 times; it ended before with exit code 137 (OOMKilled)',
      '  Deployment web: 0 of 2 new Pods created.',
      '    ReplicaSet web-1: Its controller has not seen it yet.',
      '      Pod web-1-0: Container app is waiting: CrashLoopBackOff: back-off 40s',
      '  Container app of Pod web-1-0 (image shop:1) is waiting: CrashLoopBackOff: back-off 40s, restarted 4 times; it ended before with exit code 137 (OOMKilled)',
      '  Last lines of container app of Pod web-1-0, of its last run:',
      '    | allocating',
      '    | out of memory',
      '  Warnings of the cluster, newest last:',
      '    3 x BackOff (Pod web-1-0): Back-off restarting failed container',
      '  Note: 1 more of its 2 Pods are not healthy, in the same ways.',
    ]);
  });

  it('survives any status of any kind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'),
        fc.jsonValue(),
        fc.jsonValue(),
        fc.jsonValue(),
        async (kind, spec, status, podStatus) => {
          cluster = createFakeKubernetes(clock.now);
          const owner = put('apps/v1', kind, 'x', { spec, status });
          put('v1', 'Pod', 'x-1', { spec, status: podStatus }, owner);
          const api = resource('apps/v1', kind, `${kind.toLowerCase()}s`);
          const diagnosis = await of(api, 'x');
          assert.ok(diagnosis.summary.startsWith(`${kind}.apps shop/x: `));
        },
      ),
      { numRuns: 60 },
    );
  });
});

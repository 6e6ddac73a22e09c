import assert from 'node:assert/strict';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import type { Json } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { accessTo, answer, cleanUp, direct, refuse, stubServer } from './stub-server.ts';

const verbs = ['get', 'list', 'patch'];
const resource = (name: string, kind: string, scope = 'Namespaced'): Json => ({
  resource: name,
  responseKind: { group: '', version: '', kind },
  scope,
  verbs,
  singularResource: kind.toLowerCase(),
});
const version = (name: string, resources: Json[], freshness = 'Current') => ({ version: name, resources, freshness });
const group = (name: string | undefined, ...versions: Json[]) => ({
  metadata: name === undefined ? {} : { name },
  versions,
});

const coreGroup = group(
  undefined,
  version('v1', [
    { ...resource('pods', 'Pod'), subresources: [{ subresource: 'eviction', responseKind: { kind: 'Eviction' } }] },
    resource('namespaces', 'Namespace', 'Cluster'),
  ]),
);
const groups = [
  group('apps', version('v1', [resource('deployments', 'Deployment')])),
  group(
    'autoscaling',
    version('v2', [resource('horizontalpodautoscalers', 'HorizontalPodAutoscaler')]),
    version('v1', [resource('horizontalpodautoscalers', 'HorizontalPodAutoscaler'), resource('olds', 'Old')]),
  ),
  group('metrics.k8s.io', version('v1beta1', [resource('pods', 'PodMetrics')], 'Stale')),
  group('odd.example', version('v1', [{ resource: 'only', subresources: [], responseKind: null }])),
];

describe('the catalog of what a server serves', () => {
  const opened = cleanUp();

  async function rig(answers: Readonly<Record<string, unknown>>) {
    const server = await opened(
      stubServer((request, response) => {
        const found = answers[request.url];
        if (found === undefined) answer(response, '404 page not found\n', 404);
        else if (typeof found === 'number') refuse(response, found, 'service unavailable');
        else answer(response, found);
      }),
    );
    const client = await opened(connect(accessTo(server), { network: direct, backoff: () => 1, retryBudget: 100 }));
    return { server, client, answers };
  }

  for (const apiVersion of ['apidiscovery.k8s.io/v2', 'apidiscovery.k8s.io/v2beta1']) {
    const list = (items: unknown[]) => ({ kind: 'APIGroupDiscoveryList', apiVersion, metadata: {}, items });

    it(`is read by two requests where discovery is aggregated (${apiVersion})`, async () => {
      const { client, server } = await rig({ '/api': list([coreGroup]), '/apis': list(groups) });
      const catalog = await client.catalog();
      await client.catalog();
      assert.equal(server.received.length, 2);
      assert.match(
        server.received[0]?.headers.accept ?? '',
        /v=v2;as=APIGroupDiscoveryList,.*v2beta1.*,application\/json$/,
      );
      assert.deepEqual(catalog.find('apps/v1', 'Deployment'), {
        group: 'apps',
        version: 'v1',
        kind: 'Deployment',
        plural: 'deployments',
        namespaced: true,
        verbs,
      });
      assert.equal(catalog.find('v1', 'Namespace')?.namespaced, false);
      assert.equal(catalog.find('v1', 'Eviction'), undefined);
      assert.equal(catalog.find('apps/v1beta1', 'Deployment'), undefined);
    });

    it(`prefers the version that the server names first (${apiVersion})`, async () => {
      const { client } = await rig({ '/api': list([coreGroup]), '/apis': list(groups) });
      const catalog = await client.catalog();
      assert.equal(catalog.preferred('autoscaling', 'HorizontalPodAutoscaler')?.version, 'v2');
      assert.equal(catalog.preferred('autoscaling', 'Old')?.version, 'v1');
      assert.equal(catalog.find('autoscaling/v1', 'HorizontalPodAutoscaler')?.version, 'v1');
      assert.deepEqual(
        catalog.all().map(({ kind, version: of }) => `${of} ${kind}`),
        ['v1 Pod', 'v1 Namespace', 'v1 Deployment', 'v2 HorizontalPodAutoscaler', 'v1 Old'],
      );
    });

    it(`leaves out the kinds of a group whose own server is down, and says which it is (${apiVersion})`, async () => {
      const { client } = await rig({ '/api': list([coreGroup]), '/apis': list(groups) });
      const catalog = await client.catalog();
      assert.equal(catalog.find('metrics.k8s.io/v1beta1', 'PodMetrics'), undefined);
      assert.deepEqual(catalog.unavailable?.(), ['metrics.k8s.io/v1beta1']);
      assert.ok(catalog.all().every(({ kind }) => kind));
    });
  }

  const legacy = {
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': {
      kind: 'APIGroupList',
      groups: [
        { name: 'apps', versions: [{ version: 'v1' }], preferredVersion: { version: 'v1' } },
        {
          name: 'autoscaling',
          versions: [{ version: 'v1' }, { version: 'v2' }],
          preferredVersion: { version: 'v2' },
        },
        { name: 'metrics.k8s.io', versions: [{ version: 'v1beta1' }], preferredVersion: { version: 'v1beta1' } },
      ],
    },
    '/api/v1': {
      kind: 'APIResourceList',
      resources: [
        { name: 'pods', kind: 'Pod', namespaced: true, verbs },
        { name: 'pods/eviction', kind: 'Eviction', namespaced: true, verbs },
        { name: 'namespaces', kind: 'Namespace', namespaced: false, verbs },
      ],
    },
    '/apis/apps/v1': { resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true, verbs }] },
    '/apis/autoscaling/v1': { resources: [{ name: 'hpas', kind: 'HorizontalPodAutoscaler', namespaced: true, verbs }] },
    '/apis/autoscaling/v2': { resources: [{ name: 'hpas', kind: 'HorizontalPodAutoscaler', namespaced: true, verbs }] },
    '/apis/metrics.k8s.io/v1beta1': 503,
  };

  it('is read version by version from servers before 1.26, a group that is down left out', async () => {
    const { client } = await rig(legacy);
    const catalog = await client.catalog();
    assert.equal(catalog.preferred('autoscaling', 'HorizontalPodAutoscaler')?.version, 'v2');
    assert.deepEqual(
      catalog.all().map(({ plural }) => plural),
      ['pods', 'namespaces', 'deployments', 'hpas'],
    );
    assert.deepEqual(catalog.unavailable?.(), ['metrics.k8s.io/v1beta1']);
    assert.deepEqual(catalog.apiVersions(), [
      'v1',
      'apps/v1',
      'autoscaling/v2',
      'autoscaling/v1',
      'metrics.k8s.io/v1beta1',
      'v1/Pod',
      'v1/Namespace',
      'apps/v1/Deployment',
      'autoscaling/v2/HorizontalPodAutoscaler',
      'autoscaling/v1/HorizontalPodAutoscaler',
    ]);
  });

  it('is read in each form for itself, where a gateway knows the new one of one root only', async () => {
    const aggregatedCore = { kind: 'APIGroupDiscoveryList', items: [coreGroup] };
    const catalog = await (await rig({ ...legacy, '/api': aggregatedCore })).client.catalog();
    assert.ok(catalog.find('v1', 'Pod'));
    assert.ok(catalog.find('apps/v1', 'Deployment'));
  });

  it('does not hold a failed group up for a minute', async () => {
    const { client, server } = await rig(legacy);
    await client.catalog();
    // After a first answer other requests would wait so long.
    const patient = await opened(connect(accessTo(server), { network: direct, backoff: () => 2_100 }));
    const started = Date.now();
    assert.ok((await patient.catalog()).find('apps/v1', 'Deployment'));
    assert.ok(Date.now() - started < 1000);
  });

  it('fails where the identity may not read it, and is asked for again afterwards', async () => {
    const answers: Record<string, unknown> = { ...legacy, '/apis': 403 };
    const { client } = await rig(answers);
    await assert.rejects(client.catalog(), { name: 'KubernetesNotPermittedError', status: 403 });
    answers['/apis'] = legacy['/apis'];
    assert.ok((await client.catalog()).find('apps/v1', 'Deployment'));
  });

  it('is read anew when asked to, so that a new definition appears', async () => {
    const answers: Record<string, unknown> = { ...legacy };
    const { client } = await rig(answers);
    assert.equal((await client.catalog()).find('apps/v1', 'Shop'), undefined);
    answers['/apis/apps/v1'] = { resources: [{ name: 'shops', kind: 'Shop', namespaced: true, verbs }] };
    assert.equal((await client.catalog()).find('apps/v1', 'Shop'), undefined);
    assert.ok((await client.catalog({ refresh: true })).find('apps/v1', 'Shop'));
    assert.ok((await client.catalog()).find('apps/v1', 'Shop'));
  });

  it('and the version are asked for again after a failure', async () => {
    const answers: Record<string, unknown> = { '/version': 501 };
    const { client } = await rig(answers);
    await assert.rejects(client.version(), { status: 501 });
    answers['/version'] = { gitVersion: 'v1.36.3', major: '1', minor: '36' };
    assert.equal((await client.version()).gitVersion, 'v1.36.3');
  });
});

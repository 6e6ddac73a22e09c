import assert from 'node:assert/strict';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import { accessFromKubeconfigFile } from '../../../lib/ports/kubernetes/kubeconfig.ts';
import type { KubernetesClient } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { type Cluster, startCluster } from '../../cluster/index.ts';
import { configMaps, direct, resourceOf } from './stub-server.ts';

describe('an API server that is restarted or broken in part', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let client: KubernetesClient;
  const messages: string[] = [];

  before(async () => {
    cluster = await startCluster();
    const access = await accessFromKubeconfigFile({
      file: cluster.kubeconfig,
      environment: {},
      maskSecret: () => undefined,
    });
    client = connect(access, { network: direct, onRetry: (message) => messages.push(message) });
  });
  after(async () => {
    await client?.close();
    await cluster?.stop();
  });

  it('does not fail lists and applies that are under way: they go on when it is back', async () => {
    let stop = false;
    let rounds = 0;
    const work = async (worker: number) => {
      while (!stop) {
        const name = `w${worker}`;
        const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { round: String(rounds) } };
        await client.apply(configMaps, 'default', name, body, { fieldManager: 'test', force: true });
        await client.list(configMaps, { namespace: 'default' });
        rounds += 1;
      }
    };
    const workers = Promise.all(Array.from({ length: 8 }, (_, index) => work(index)));
    while (rounds < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    await cluster.restartApiServer();
    const before = rounds;
    const restarted = Date.now();
    while (rounds < before + 20 && Date.now() - restarted < 30_000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    stop = true;
    await workers;
    assert.ok(rounds >= before + 20);
    assert.ok(client.statistics.retries > 0);
    assert.match(messages[0] ?? '', /Trying again for up to 60 s\.$/);
    assert.ok(messages.length < 20, `${messages.length} messages:\n${messages.join('\n')}`);
  });

  it('leaves out a group whose own server does not answer, and nothing else', async () => {
    const services = resourceOf('apiregistration.k8s.io/v1', 'APIService', 'apiservices', false);
    await client.create(services, '', {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1.absent.example.com' },
      spec: {
        group: 'absent.example.com',
        version: 'v1',
        groupPriorityMinimum: 1000,
        versionPriority: 15,
        insecureSkipTLSVerify: true,
        service: { namespace: 'default', name: 'nobody' },
      },
    });
    let catalog = await client.catalog({ refresh: true });
    for (let attempt = 0; !catalog.unavailable?.().length && attempt < 100; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      catalog = await client.catalog({ refresh: true });
    }
    assert.deepEqual(catalog.unavailable?.(), ['absent.example.com/v1']);
    assert.ok(catalog.find('apps/v1', 'Deployment'));
    assert.ok(catalog.all().every(({ group }) => group !== 'absent.example.com'));
  });
});

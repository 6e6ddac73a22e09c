import assert from 'node:assert/strict';
import { connect } from '../../lib/ports/kubernetes/connect.ts';
import { accessFromKubeconfigFile } from '../../lib/ports/kubernetes/kubeconfig.ts';
import type { KubernetesClient } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { type WaitProgress, type WaitResult, type WaitTarget, waitForHealth } from '../../lib/sync/wait.ts';
import { type Cluster, startCluster } from '../cluster/index.ts';

describe('waiting while the API server is away', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let client: KubernetesClient;

  before(async () => {
    cluster = await startCluster();
    const access = await accessFromKubeconfigFile({
      file: cluster.kubeconfig,
      environment: {},
      maskSecret: () => undefined,
    });
    client = connect(access, { network: { proxyBypass: [], skipCertValidation: false } });
  });
  after(async () => {
    await client?.close();
    await cluster?.stop();
  });

  async function neverReady(name: string): Promise<WaitTarget> {
    const labels = { app: name };
    const annotations = { 'test.gitops.pipelines/pod': 'never-ready' };
    await cluster.client().create('/apis/apps/v1/namespaces/default/deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels, annotations }, spec: { containers: [{ name: 'app', image: 'shop' }] } },
      },
    });
    const resource = (await client.catalog()).find('apps/v1', 'Deployment');
    assert.ok(resource);
    return { resource, id: { group: 'apps', kind: 'Deployment', namespace: 'default', name } };
  }

  /** Goes on, and lets a test wait until its progress says something. */
  function wait(target: WaitTarget, timeoutMs: number) {
    let seen: WaitProgress | undefined;
    let wake = (): void => undefined;
    const result: Promise<WaitResult> = waitForHealth(client, [target], {
      timeoutMs,
      signal: new AbortController().signal,
      onProgress: (progress) => {
        seen = progress;
        wake();
      },
    });
    const until = async (wanted: (progress: WaitProgress) => boolean): Promise<void> => {
      while (seen === undefined || !wanted(seen)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    return { result, until };
  }

  it('goes on when it is back, and sees what became healthy after that', async () => {
    const { result, until } = wait(await neverReady('back'), 90_000);
    await until(({ waitingFor }) => waitingFor[0]?.health.status === 'Progressing');
    await cluster.stopApiServer();
    await until(({ connectionLost }) => connectionLost);
    await cluster.startApiServer();
    await cluster.client().patch('/apis/apps/v1/namespaces/default/deployments/back', {
      spec: { template: { metadata: { annotations: { 'test.gitops.pipelines/pod': 'ready' } } } },
    });
    const { outcome, objects } = await result;
    assert.equal(outcome, 'healthy', JSON.stringify(objects));
  });

  it('ends at its time with a lost connection, not with a failed health, when it stays away', async () => {
    const { result, until } = wait(await neverReady('away'), 8_000);
    await until(({ waitingFor }) => waitingFor[0]?.health.status === 'Progressing');
    await cluster.stopApiServer();
    const { outcome, ms, objects } = await result;
    assert.equal(outcome, 'connectionLost', JSON.stringify(objects));
    assert.equal(objects[0]?.health.status, 'Progressing');
    assert.ok(ms >= 8_000 && ms < 10_000, `${ms} ms`);
  });
});

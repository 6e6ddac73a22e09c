import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readCatalog } from '../../../lib/ports/kubernetes/catalog.ts';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import { accessFromKubeconfigFile } from '../../../lib/ports/kubernetes/kubeconfig.ts';
import type { KubernetesClient } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { type Cluster, hasCondition, sharedCluster } from '../../cluster/index.ts';
import { tool } from '../../tools/index.ts';
import { customResourceDefinition } from './objects-that-models-break.ts';
import { direct } from './stub-server.ts';

describe('the catalog of a real API server', function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let client: KubernetesClient;

  before(async () => {
    cluster = await sharedCluster();
    const options = { file: cluster.kubeconfig, environment: {}, maskSecret: () => undefined };
    client = connect(await accessFromKubeconfigFile(options), { network: direct });
  });
  after(() => client?.close());

  it('is the same by aggregated discovery and by that of older servers', async () => {
    const aggregated = await client.catalog({ refresh: true });
    const legacy = await readCatalog((path) => client.request({ method: 'GET', path }));
    const sorted = (list: readonly object[]) => list.map((entry) => JSON.stringify(entry)).sort();
    const known = ({ group, version, kind, plural, namespaced, verbs }: (typeof all)[number]) => ({
      id: `${group}/${version}/${kind}/${plural}`,
      namespaced,
      verbs: [...verbs].sort(),
    });
    const all = aggregated.all();
    // Other suites may define kinds meanwhile.
    const own = (list: typeof all) =>
      list.filter(({ group }) => group === '' || group.endsWith('.k8s.io') || !group.includes('.'));
    assert.ok(own(all).length > 50);
    assert.deepEqual(sorted(own(all).map(known)), sorted(own(legacy.all()).map(known)));
  });

  it('prefers what the server prefers', async () => {
    const catalog = await client.catalog();
    assert.equal(catalog.preferred('autoscaling', 'HorizontalPodAutoscaler')?.version, 'v2');
    assert.ok(catalog.find('autoscaling/v1', 'HorizontalPodAutoscaler'));
    assert.equal(catalog.preferred('', 'Event')?.plural, 'events');
    assert.equal(catalog.preferred('', 'Namespace')?.namespaced, false);
  });

  it('tells charts of every API version that helm itself tells them of', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chart-'));
    try {
      writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: versions\nversion: 1.0.0\n');
      const helper =
        '{{- define "versions" }}{{ fail (printf "<<%s>>" (join " " .Capabilities.APIVersions)) }}{{ end -}}';
      const template = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {x: {{ include "versions" . }}}\n';
      mkdirSync(join(folder, 'templates'));
      writeFileSync(join(folder, 'templates', '_helpers.tpl'), helper);
      writeFileSync(join(folder, 'templates', 'x.yaml'), template);
      const args = ['--kubeconfig', cluster.kubeconfig, 'install', 'x', folder, '--dry-run=server', '-n', 'default'];
      const { stderr } = await promisify(execFile)(await tool('helm'), args, { maxBuffer: 10_000_000 }).catch(
        (error: { stderr: string }) => error,
      );
      const [, told = ''] = /<<([^>]*)>>/.exec(stderr) ?? [];
      const ours = new Set((await client.catalog({ refresh: true })).apiVersions());
      const missing = told.split(' ').filter((version) => version !== '' && !ours.has(version));
      assert.ok(ours.has('apps/v1/Deployment'));
      // Kinds of subresources alone, which no chart asks for, and what other suites define meanwhile.
      const subresources = /\/(Scale|Eviction|Binding|TokenRequest|\w+Options)$/;
      assert.deepEqual(
        missing.filter((version) => !subresources.test(version) && !version.includes('example')),
        [],
        stderr.slice(0, 500),
      );
      assert.ok(told.split(' ').length > 60, stderr.slice(0, 500));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a kind as soon as its definition is established and it is read again', async () => {
    const group = `t${randomBytes(4).toString('hex')}.example.com`;
    const { resource, body } = customResourceDefinition(group);
    const independent = cluster.client();
    try {
      await client.catalog();
      await client.apply(resource, '', body.metadata.name, body, { fieldManager: 'test', force: true });
      await independent.waitFor(
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${body.metadata.name}`,
        (found) => hasCondition(found, 'Established'),
      );
      assert.equal((await client.catalog()).find(`${group}/v1`, 'Shop'), undefined, 'the old catalog');
      let shop = (await client.catalog({ refresh: true })).find(`${group}/v1`, 'Shop');
      // Discovery follows within a second or so.
      for (let attempt = 0; shop === undefined && attempt < 50; attempt += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        shop = (await client.catalog({ refresh: true })).find(`${group}/v1`, 'Shop');
      }
      assert.ok(shop);
      const { object } = await client.apply(
        shop,
        'default',
        'corner',
        {
          apiVersion: `${group}/v1`,
          kind: 'Shop',
          metadata: { name: 'corner' },
          spec: { anything: { from: [], $ref: 1 } },
        },
        { fieldManager: 'test', force: true },
      );
      assert.deepEqual(object['spec'], { anything: { from: [], $ref: 1 }, size: 3, tier: 'silver' });
    } finally {
      await client.delete(resource, '', body.metadata.name);
      await independent.close();
    }
  });
});

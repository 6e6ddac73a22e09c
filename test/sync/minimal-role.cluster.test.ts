import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { loadAll } from 'js-yaml';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import type { ActionResult } from '../../lib/sync/action-result.ts';
import { minimalRole, type RoleTarget } from '../../lib/sync/minimal-role.ts';
import { syncSet } from '../../lib/sync/sync-set.ts';
import { type Cluster, type KubernetesJson, startCluster, withNamespace } from '../cluster/index.ts';
import { rig } from './rig.ts';

const targets = (namespace: string): RoleTarget[] =>
  [
    ['', 'Service', 'services'],
    ['apps', 'Deployment', 'deployments'],
    ['', 'ConfigMap', 'configmaps'],
    ['networking.k8s.io', 'NetworkPolicy', 'networkpolicies'],
  ].map(([group = '', kind = '', plural = '']) => ({
    id: { namespace, name: 'web' },
    resource: { group, kind, plural },
  }));

const shop = (more = '', pods = 'ready') => `
{ apiVersion: v1, kind: ConfigMap, metadata: { name: web }, data: { a: b } }
---
{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { selector: { app: web }, ports: [{ port: 80 }] } }
---
{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: { name: web }, spec: { podSelector: {} } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations: { test.gitops.pipelines/pod: ${pods}, test.gitops.pipelines/log: it broke }
    spec: { containers: [{ name: web, image: shop }] }
---
${more}`;

describe('the minimal Role on a real API server', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ audit: true });
  });
  after(() => cluster?.stop());

  const isGood = (result: ActionResult, outcome: string) => {
    assert.equal(result.outcome, outcome, JSON.stringify(result.errors));
    assert.deepEqual([result.warnings, result.errors], [[], []]);
  };

  it('is enough for every action: nothing is refused but a look at the Namespace, which is done without', () =>
    withNamespace(cluster, async (namespace) => {
      const [role] = loadAll(
        minimalRole(syncSet(namespace, namespace, 'test'), targets(namespace)),
      ) as KubernetesObject[];
      assert.ok(role);
      const base = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
      const admin = cluster.client();
      await admin.apply(`${base}/roles/${role.metadata.name}`, role as unknown as KubernetesJson);
      await admin.create(`${base}/rolebindings`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'gitops' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
        subjects: [{ kind: 'ServiceAccount', name: 'gitops', namespace }],
      });
      const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
      const user = cluster.user(`system:serviceaccount:${namespace}:gitops`, groups);
      await untilMay(user.token, namespace);
      const r = rig({ kubeconfig: user.kubeconfig, set: namespace, namespace });
      const extra = '{ apiVersion: v1, kind: ConfigMap, metadata: { name: extra } }';
      isGood(await r.sync(shop(extra)), 'applied');
      isGood(await r.drift(shop(extra)), 'noDrift');
      isGood(await r.sync(shop()), 'applied');
      const broken = await r.sync(shop('', 'crash-loop'));
      assert.match(JSON.stringify(broken.changes), /it broke/);
      isGood(await r.status(), 'status');
      isGood(await r.destroy(), 'destroyed');

      const refused = (await usedIn(namespace)).filter(({ code }) => code === 403).map(({ what }) => what);
      assert.deepEqual([...new Set(refused)], ['get namespaces']);
    }));

  /** The API server learns of a new Role a moment later. */
  async function untilMay(token: string, namespace: string): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
      const review = await cluster.client(token).create('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { namespace, verb: 'get', resource: 'configmaps' } },
      });
      if ((review['status'] as { allowed?: boolean }).allowed === true) return;
    }
    assert.fail('the Role was never enforced');
  }

  async function usedIn(namespace: string): Promise<{ what: string; code: number }[]> {
    const found: { what: string; code: number }[] = [];
    for (const line of (await readFile(cluster.auditLog ?? '', 'utf8')).split('\n')) {
      if (!line.includes(`${namespace}:gitops"`)) continue;
      const { verb, objectRef, responseStatus } = JSON.parse(line) as {
        verb: string;
        objectRef?: { resource: string; subresource?: string; namespace?: string };
        responseStatus?: { code: number };
      };
      if (objectRef?.namespace !== namespace) continue;
      found.push({ what: `${verb} ${objectRef.resource}`, code: responseStatus?.code ?? 0 });
    }
    return found;
  }
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import type { ActionResult } from '../../lib/sync/action-result.ts';
import { type Cluster, type KubernetesJson, startCluster, withNamespace } from '../cluster/index.ts';
import { rig } from '../sync/rig.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'permissions.md');

interface Role {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const clusterWide = new Set([
  'ClusterRole',
  'ClusterRoleBinding',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
]);

/** A set with every kind that the Role of the page allows. */
const shop = (more = '', pods = 'ready') => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { greeting: hello }
---
apiVersion: v1
kind: Secret
metadata: { name: database }
data: { password: aGVsbG8= }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
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

const extra = '{ apiVersion: v1, kind: ConfigMap, metadata: { name: extra }, data: { a: b } }';

describe('the page on permissions', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let text: string;
  before(async () => {
    text = await readFile(page, 'utf8');
    // Its own, because the audit log tells which permissions were used.
    cluster = await startCluster({ audit: true });
  });
  after(() => cluster?.stop());

  /** The block of the page under that mark, for another namespace than `shop`. */
  function manifests(name: string, namespace: string): KubernetesObject[] {
    const block = new RegExp(`<!-- manifests: ${name} -->\n\`\`\`yaml\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
    assert.ok(block, `${page} has no block ${name}`);
    return loadAll(block.replaceAll(/\bshop\b/g, namespace)) as KubernetesObject[];
  }

  async function applyPage(name: string, namespace: string): Promise<void> {
    for (const object of manifests(name, namespace)) {
      const { kind, apiVersion } = object;
      const plural = kind.endsWith('y') ? `${kind.slice(0, -1).toLowerCase()}ies` : `${kind.toLowerCase()}s`;
      const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
      const place = clusterWide.has(kind) ? '' : `/namespaces/${namespace}`;
      await cluster
        .client()
        .apply(`${base}${place}/${plural}/${object.metadata.name}`, object as unknown as KubernetesJson);
    }
  }

  function rigAs(account: string, namespace: string, set = namespace) {
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
    const { kubeconfig } = cluster.user(`system:serviceaccount:${namespace}:${account}`, groups);
    return rig({ kubeconfig, set, namespace });
  }

  function isGood(result: ActionResult, outcome: string): void {
    assert.equal(result.outcome, outcome, JSON.stringify(result.errors));
    assert.deepEqual(result.warnings, []);
    assert.deepEqual(result.errors, []);
  }

  /** The API server learns of a changed Role a moment later. */
  async function untilMay(account: string, namespace: string, verb: string, resource: string, allowed = true) {
    const client = cluster.client(cluster.user(`system:serviceaccount:${namespace}:${account}`).token);
    const kind = 'SelfSubjectAccessReview';
    for (const end = Date.now() + 30_000; Date.now() < end; ) {
      const review = await client.create('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind,
        spec: { resourceAttributes: { namespace, verb, resource } },
      });
      if ((review['status'] as { allowed?: boolean }).allowed === allowed) return;
    }
    assert.fail(`${account} should ${allowed ? '' : 'not '}be allowed to ${verb} ${resource}`);
  }

  const inNamespace = (test: (namespace: string) => Promise<void>) => () => withNamespace(cluster, test);

  it(
    'has a Role that is enough for every action, and of which every verb is used',
    inNamespace(async (namespace) => {
      await applyPage('identity', namespace);
      await applyPage('role', namespace);
      await untilMay('gitops', namespace, 'get', 'configmaps');
      const r = rigAs('gitops', namespace);
      isGood(await r.sync(shop(extra)), 'applied');
      await cluster.client().patch(`/api/v1/namespaces/${namespace}/configmaps/settings?fieldManager=kubectl-edit`, {
        data: { by: 'hand' },
      });
      isGood(await r.drift(shop(extra)), 'driftDetected');
      isGood(await r.plan(shop(extra)), 'planHasChanges');
      isGood(await r.sync(shop(extra)), 'driftCorrected');
      isGood(await r.sync(shop()), 'applied');
      const broken = await r.sync(shop('', 'crash-loop'));
      const web = broken.changes.find((change) => change.target.name === 'web' && change.state === 'failed');
      assert.match(web?.details?.join('\n') ?? '', /it broke/, 'the log is shown');
      isGood(await r.status(), 'status');
      isGood(await r.destroy(), 'destroyed');

      const [role] = manifests('role', namespace) as unknown as [Role];
      const granted = role.rules.flatMap(({ resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
      );
      // An apply that makes an object is audited as a patch; that it needs the verb create is shown by the next test.
      const isShown = (grant: string) => !/^create (deployments|services)$/.test(grant);
      assert.deepEqual(await usedIn(namespace), granted.filter(isShown).sort());
    }),
  );

  it(
    'grants the verb create because an apply that makes an object needs it',
    inNamespace(async (namespace) => {
      await applyPage('role', namespace);
      const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/gitops`;
      const [role] = manifests('role', namespace) as unknown as [Role];
      const rules = role.rules.map((rule) => ({
        ...rule,
        verbs: rule.verbs.filter((verb) => verb !== 'create' || !rule.resources.includes('services')),
      }));
      await cluster.client().patch(path, { rules });
      await untilMay('gitops', namespace, 'get', 'configmaps');
      await untilMay('gitops', namespace, 'create', 'services', false);
      await assert.rejects(rigAs('gitops', namespace).sync(shop()), /cannot create resource "services"/);
    }),
  );

  /** `list pods`, as the audit log has it, of what the identity was allowed in the namespace. */
  async function usedIn(namespace: string): Promise<string[]> {
    const used = new Set<string>();
    for (const line of (await readFile(cluster.auditLog ?? '', 'utf8')).split('\n')) {
      if (!line.includes(`${namespace}:gitops"`)) continue;
      const { verb, objectRef, responseStatus } = JSON.parse(line) as {
        verb: string;
        objectRef?: { resource: string; subresource?: string; namespace?: string };
        responseStatus?: { code: number };
      };
      if (objectRef === undefined || objectRef.namespace !== namespace || responseStatus?.code === 403) continue;
      const { resource, subresource } = objectRef;
      used.add(`${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}`);
    }
    return [...used].sort();
  }

  it(
    'has a binding of the built-in role edit that is enough',
    inNamespace(async (namespace) => {
      await applyPage('edit', namespace);
      await untilMay('gitops', namespace, 'get', 'configmaps');
      const r = rigAs('gitops', namespace);
      isGood(await r.sync(shop()), 'applied');
      isGood(await r.destroy(), 'destroyed');
    }),
  );

  it(
    'has a ClusterRole with which a set may declare its Namespace',
    inNamespace(async (namespace) => {
      await applyPage('role', namespace);
      await untilMay('gitops', namespace, 'get', 'configmaps');
      const r = rigAs('gitops', namespace);
      const withNamespaceObject = shop(`{ apiVersion: v1, kind: Namespace, metadata: { name: ${namespace} } }`);
      await assert.rejects(r.sync(withNamespaceObject), /namespaces.*is forbidden/);
      await applyPage('cluster-role', namespace);
      await untilMay('gitops', namespace, 'create', 'namespaces');
      isGood(await r.sync(withNamespaceObject), 'applied');
    }),
  );

  it(
    'has an identity for plans that cannot write',
    inNamespace(async (namespace) => {
      await applyPage('role', namespace);
      await untilMay('gitops', namespace, 'get', 'configmaps');
      isGood(await rigAs('gitops', namespace).sync(shop()), 'applied');
      await applyPage('plan-only', namespace);
      const planner = rigAs('gitops-plan', namespace);
      await policyIsActive(namespace);
      isGood(await planner.plan(shop(extra)), 'planHasChanges');
      isGood(await planner.drift(shop(extra)), 'noDrift');
      isGood(await planner.status(), 'status');
      await assert.rejects(planner.sync(shop(extra)), /may only send dry runs/);
    }),
  );

  /** A policy is enforced a moment after it was made. */
  async function policyIsActive(namespace: string): Promise<void> {
    const { token } = cluster.user(`system:serviceaccount:${namespace}:gitops-plan`);
    const planner = cluster.client(token);
    const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe' } };
    for (const end = Date.now() + 30_000; Date.now() < end; ) {
      const made = await planner.create(`/api/v1/namespaces/${namespace}/configmaps`, probe).catch(String);
      if (typeof made === 'string' && made.includes('dry runs')) return;
      await planner.delete(`/api/v1/namespaces/${namespace}/configmaps/probe`).catch(() => undefined);
    }
    assert.fail('the policy was never enforced');
  }

  it(
    'says that a read-only role is enough for status and not for a plan with changes',
    inNamespace(async (namespace) => {
      await applyPage('role', namespace);
      await untilMay('gitops', namespace, 'get', 'configmaps');
      isGood(await rigAs('gitops', namespace).sync(shop()), 'applied');
      const rules = [{ apiGroups: ['', 'apps'], resources: ['*'], verbs: ['get', 'list'] }];
      const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
      const client = cluster.client();
      await client.create(`${rbac}/roles`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'reader' },
        rules,
      });
      await client.create(`${rbac}/rolebindings`, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
      });
      await untilMay('reader', namespace, 'list', 'configmaps');
      const reader = rigAs('reader', namespace);
      isGood(await reader.status(), 'status');
      isGood(await reader.drift(shop()), 'noDrift');
      await assert.rejects(reader.plan(shop(extra)), { outcome: 'forbidden' });
    }),
  );
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadAll } from 'js-yaml';
import { minimalRole, type RoleTarget } from '../../lib/sync/minimal-role.ts';
import { syncSet } from '../../lib/sync/sync-set.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules: readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[];
}

const set = syncSet('shop', 'shop', 'production');
const target = (namespace: string, group: string, kind: string, plural: string): RoleTarget => ({
  id: { namespace, name: 'x' },
  resource: { group, kind, plural },
});
const deployment = target('shop', 'apps', 'Deployment', 'deployments');
const service = target('shop', '', 'Service', 'services');

const roles = (...args: Parameters<typeof minimalRole>) => loadAll(minimalRole(...args)) as Role[];

/** `get shop configmaps`, `create  namespaces`: verb, namespace, group and resource. */
function grants(all: readonly Role[]): string[] {
  return all.flatMap(({ metadata, rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => `${verb} ${metadata.namespace ?? '*'} ${group}/${resource}`),
        ),
      ),
    ),
  );
}

describe('the minimal Role of a set', () => {
  it('is that of the page on permissions', () => {
    const [role, ...more] = roles(set, [deployment, service]);
    assert.deepEqual(more, []);
    assert.deepEqual(role?.metadata, { name: 'gitops-shop', namespace: 'shop' });
    assert.deepEqual(role?.rules, [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'] },
      { apiGroups: [''], resources: ['events'], verbs: ['list'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'create', 'patch', 'delete'] },
      { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['list', 'watch'] },
    ]);
  });

  it('is one for each namespace, and the inventory is in one of them', () => {
    const all = roles(set, [target('data', 'apps', 'StatefulSet', 'statefulsets'), service]);
    assert.deepEqual(
      all.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`),
      ['Role data', 'Role shop'],
    );
    assert.ok(!grants(all).some((grant) => grant.endsWith(' data /configmaps')));
    assert.ok(grants(all).includes('list data /pods'));
    assert.ok(!grants(all).includes('list shop /pods'));
  });

  it('is a ClusterRole for what is outside of namespaces, named after the inventory’s namespace', () => {
    const [cluster] = roles(set, [target('', '', 'Namespace', 'namespaces')]);
    assert.equal(cluster?.kind, 'ClusterRole');
    assert.deepEqual(cluster?.metadata, { name: 'gitops-shop-shop' });
    assert.deepEqual(cluster?.rules, [
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch', 'create', 'patch'] },
    ]);
  });

  it('does not let protected kinds be deleted', () => {
    const given = grants(
      roles(set, [
        target('', 'apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions'),
        target('shop', '', 'PersistentVolumeClaim', 'persistentvolumeclaims'),
      ]),
    );
    assert.deepEqual(
      given.filter((grant) => grant.startsWith('delete') && !/(configmaps|secrets)$/.test(grant)),
      [],
    );
  });

  it('does not let what needs no waiting be watched', () => {
    const given = grants(roles(set, [target('shop', 'networking.k8s.io', 'NetworkPolicy', 'networkpolicies')]));
    assert.ok(!given.some((grant) => grant.startsWith('watch')));
  });

  it('tells what RBAC asks of whoever applies Roles', () => {
    const text = minimalRole(set, [target('shop', 'rbac.authorization.k8s.io', 'Role', 'roles')]);
    assert.match(text, /verbs escalate and bind/);
    assert.doesNotMatch(minimalRole(set, [service]), /escalate/);
  });

  it('has the Lease where runs keep one', () => {
    assert.ok(grants(roles(set, [], { lease: true })).includes('update shop coordination.k8s.io/leases'));
    assert.ok(!grants(roles(set, [])).some((grant) => grant.endsWith('leases')));
  });

  it('has no wildcard, no verb twice and no right in a namespace without objects', () => {
    const kinds = [
      ['', 'Service', 'services'],
      ['apps', 'Deployment', 'deployments'],
      ['apps', 'ReplicaSet', 'replicasets'],
      ['', 'ConfigMap', 'configmaps'],
      ['', 'Secret', 'secrets'],
      ['example.com', 'Thing', 'things'],
    ] as const;
    const some = fc
      .tuple(fc.constantFrom('shop', 'data', ''), fc.constantFrom(...kinds))
      .map(([namespace, [group, kind, plural]]) => target(namespace, group, kind, plural));
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), (targets) => {
        const text = minimalRole(set, targets);
        assert.doesNotMatch(text.replace(/^#.*$/gm, ''), /\*/);
        const all = grants(loadAll(text) as Role[]);
        assert.equal(new Set(all).size, all.length);
        for (const grant of all) {
          const namespace = grant.split(' ')[1];
          const isUsed = targets.some(({ id }) => id.namespace === (namespace === '*' ? '' : namespace));
          assert.ok(isUsed || namespace === set.namespace, grant);
        }
        assert.equal(minimalRole(set, targets.toReversed()), text);
      }),
    );
  });
});

import { dump } from 'js-yaml';
import { isHealthyOnceApplied } from '../core/objects/health.ts';
import type { ObjectId } from '../core/objects/kubernetes-object.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import { guardrailsNamespace } from './guardrails/judge.ts';
import { guardrailsConfigMap } from './guardrails/load.ts';
import { protectedKinds } from './prune-guards.ts';
import type { SyncSet } from './sync-set.ts';

/** An object of the set and the API it is reached by. */
export interface RoleTarget {
  readonly id: Pick<ObjectId, 'namespace' | 'name'>;
  readonly resource: Pick<ApiResource, 'group' | 'kind' | 'plural'>;
}

export interface RoleOptions {
  /** Runs keep a Lease, so that two do not work at once. */
  readonly lease?: boolean;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** In the order of docs/permissions.md. */
const verbOrder = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** By group and resource, the verbs. */
type Grants = Map<string, Set<string>>;

/** Kinds whose Pods are looked at when something does not become healthy. */
const workloads = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  'batch/Job',
  '/Pod',
  '/ReplicationController',
]);

/**
 * The Roles, and the ClusterRole where there are objects outside of namespaces, with which a set of these objects can be planned, synced,
 * checked for drift and destroyed, as YAML. What each verb is for stands in docs/permissions.md, and a test runs these actions with exactly
 * this. Pure; the same objects in any order give the same text.
 */
export function minimalRole(
  set: Pick<SyncSet, 'name' | 'namespace'>,
  targets: readonly RoleTarget[],
  options: RoleOptions = {},
): string {
  const byNamespace = new Map<string, Grants>([[set.namespace, inventoryGrants(options)]]);
  for (const target of targets) {
    const grants = byNamespace.get(target.id.namespace) ?? new Map<string, Set<string>>();
    byNamespace.set(target.id.namespace, grants);
    grantTarget(grants, target);
  }
  const name = `gitops-${set.name}`;
  const documents = [...byNamespace]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, grants]) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: namespace === '' ? 'ClusterRole' : 'Role',
      metadata: namespace === '' ? { name: `${name}-${set.namespace}` } : { name, namespace },
      rules: rulesOf(grants),
    }));
  const head = [
    `# What the identity of sync set '${set.name}' needs for the objects that it has now. Bind it by a RoleBinding in each`,
    '# namespace, and by a ClusterRoleBinding if there is a ClusterRole.',
    ...(documents.some(({ rules }) => rules.some(({ apiGroups }) => apiGroups.includes('rbac.authorization.k8s.io')))
      ? [
          '# Roles and bindings can be applied only by an identity that has the rights which they give, or the verbs escalate and bind.',
        ]
      : []),
    `# Where there are guardrails it also needs get on ConfigMap ${guardrailsNamespace}/${guardrailsConfigMap}.`,
  ];
  const yaml = documents.map((document) => dump(document, { lineWidth: 120, flowLevel: 4, noRefs: true }));
  return `${head.join('\n')}\n${yaml.join('---\n')}`;
}

function inventoryGrants({ lease = false }: RoleOptions): Grants {
  const grants: Grants = new Map();
  grant(grants, '', 'configmaps', ['get', 'list', 'create', 'update', 'patch', 'delete']);
  grant(grants, '', 'secrets', ['get', 'list', 'create', 'patch', 'delete']);
  if (lease) grant(grants, 'coordination.k8s.io', 'leases', ['get', 'create', 'update']);
  return grants;
}

function grantTarget(grants: Grants, { resource }: RoleTarget): void {
  const kind = `${resource.group}/${resource.kind}`;
  const verbs = ['get', 'list', 'create', 'patch'];
  if (!isHealthyOnceApplied(resource)) verbs.push('watch');
  if (!protectedKinds.has(resource.kind)) verbs.push('delete');
  grant(grants, resource.group, resource.plural, verbs);
  if (!workloads.has(kind)) return;
  grant(grants, 'apps', 'replicasets', ['list', 'watch']);
  grant(grants, '', 'pods', ['list', 'watch']);
  grant(grants, '', 'events', ['list']);
  grant(grants, '', 'pods/log', ['get']);
}

function grant(grants: Grants, group: string, resource: string, verbs: readonly string[]): void {
  const key = `${group} ${resource}`;
  grants.set(key, new Set([...(grants.get(key) ?? []), ...verbs]));
}

/** Resources of one group with the same verbs share a rule. */
function rulesOf(grants: Grants): Rule[] {
  const merged = new Map<string, { group: string; resources: string[]; verbs: string[] }>();
  for (const [key, set] of [...grants].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [group = '', resource = ''] = key.split(' ');
    const verbs = verbOrder.filter((verb) => set.has(verb));
    const same = `${group} ${verbs.join()}`;
    const rule = merged.get(same);
    if (rule === undefined) merged.set(same, { group, resources: [resource], verbs });
    else rule.resources.push(resource);
  }
  return [...merged.values()].map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs }));
}

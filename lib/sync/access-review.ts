import pLimit from 'p-limit';
import { messageOf, NotPermittedError, type Problem } from '../errors.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import type { KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import type { Decision } from './decide.ts';
import type { PruneDecision } from './prune-guards.ts';

const parallel = 16;

/**
 * What the identity may not do. A dry run shows the rights to create and patch; the right to delete is asked for, and with
 * `client` that to patch as well. Cluster-wide first: most identities need one question for each kind.
 */
export async function deniedAccess(
  client: KubernetesClient,
  decisions: readonly Decision[],
  prunes: readonly PruneDecision[],
  mode: 'server' | 'client',
): Promise<Problem[]> {
  const wanted = new Map<string, { resource: ApiResource; verb: string; namespaces: Set<string> }>();
  const want = (resource: ApiResource, verb: string, namespace: string) => {
    const key = `${verb} ${resource.group}/${resource.plural}`;
    const entry = wanted.get(key) ?? { resource, verb, namespaces: new Set<string>() };
    entry.namespaces.add(namespace);
    wanted.set(key, entry);
  };
  if (mode === 'client') {
    for (const { kind, target } of decisions)
      if (kind !== 'unchanged') want(target.resource, 'patch', target.id.namespace);
  }
  for (const prune of prunes) {
    if (prune.decision === 'prune' && prune.resource) want(prune.resource, 'delete', prune.id.namespace);
  }
  const limit = pLimit(parallel);
  const problems: Problem[] = [];
  await Promise.all(
    [...wanted.values()].map(async ({ resource, verb, namespaces: places }) => {
      if (await limit(() => isAllowed(client, resource, verb, ''))) return;
      const denied: string[] = [];
      await Promise.all(
        [...places].map(async (namespace) => {
          if (namespace === '' || !(await limit(() => isAllowed(client, resource, verb, namespace))))
            denied.push(namespace);
        }),
      );
      if (denied.length === 0) return;
      const where = denied[0] === '' ? '' : ` in ${denied.sort().join(', ')}`;
      const what = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
      problems.push({
        code: 'forbidden',
        message: `The identity of the connection may not ${verb} ${what}${where} on ${client.server}. Grant it by a Role and RoleBinding, or take these objects out of the manifests.`,
      });
    }),
  );
  return problems;
}

async function isAllowed(
  client: KubernetesClient,
  resource: ApiResource,
  verb: string,
  namespace: string,
): Promise<boolean> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: {
      resourceAttributes: {
        group: resource.group,
        resource: resource.plural,
        verb,
        ...(namespace !== '' && { namespace }),
      },
    },
  };
  try {
    const answer = await client.request({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: review,
    });
    return answer['status']?.allowed === true;
  } catch (error) {
    // An authorizer that answers no questions: the request itself will tell.
    if (error instanceof NotPermittedError) return true;
    throw new Error(`The question whether we may ${verb} ${resource.plural} was not answered: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

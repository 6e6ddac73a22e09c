import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/objects/canonical-json.ts';
import { NotPermittedError, type Problem } from '../../errors.ts';
import type { ApiResource } from '../../ports/kubernetes/discovery.ts';
import type { KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import type { ActionResult, RenderedContext } from '../action-result.ts';
import type { Inventory } from '../inventory.ts';
import { frozenOptions, type RevisionContent } from './revision.ts';
import { RevisionStore } from './revision-store.ts';

const namespaces: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  verbs: [],
};

/** The rendered set of this run as a revision. */
export async function contentOf(context: RenderedContext): Promise<RevisionContent> {
  return {
    deployment: context.deployment,
    merged: context.merged,
    ...(context.subject !== undefined && { subject: context.subject }),
    ...(context.author !== undefined && { author: context.author }),
    clusterUid: await clusterUid(context.client),
    namespace: context.namespace,
    options: frozenOptions(context.options),
    manifests: context.manifests,
  };
}

/** The uid of kube-system; for an identity that may not read it, the server's address. */
export async function clusterUid(client: KubernetesClient): Promise<string> {
  try {
    return String((await client.get(namespaces, '', 'kube-system'))?.['metadata']?.uid ?? client.server);
  } catch (error) {
    if (!(error instanceof NotPermittedError)) throw error;
    return client.server;
  }
}

/**
 * Keeps what a run brought to a healthy end, so that a later one can go back to it. An unchanged run asks nothing. Returns what the
 * user should know: without the right to keep Secrets there is nothing to roll back to.
 */
export async function keepRevision(
  context: RenderedContext,
  before: Inventory,
  result: ActionResult,
): Promise<Problem[]> {
  const isKnown =
    result.outcome === 'noChanges' &&
    before.deployed?.commit === context.deployment.commit &&
    before.attempt === undefined;
  if (isKnown) return [];
  try {
    const store = new RevisionStore(context.client, context.set);
    const content = await contentOf(context);
    const digest = digestOf(content);
    const [latest] = (await store.list()).filter((summary) => summary.state === 'applied');
    if (latest?.contentDigest === digest) return [];
    await store.add(content, 'applied', digest);
    if (latest !== undefined) await store.mark(latest, 'superseded');
    await store.prune();
    return [];
  } catch (error) {
    if (!(error instanceof NotPermittedError)) throw error;
    return [
      {
        code: 'no-revision',
        message: `This revision cannot be kept for a rollback: ${error.message} Give the identity of the connection the verbs get, list, create, patch and delete on secrets in namespace ${context.set.namespace}.`,
      },
    ];
  }
}

/** Tells whether two runs would deploy the same. It stands beside the content in the same Secret, so it need not be keyed. */
export function digestOf({ deployment, namespace, options, manifests }: RevisionContent): string {
  const objects = manifests.map((manifest) => manifest.object);
  return createHash('sha256')
    .update(canonicalJson({ commit: deployment.commit, namespace, options, objects }))
    .digest('hex');
}

import type { RunSource } from '../../core/plan/result.ts';
import type { ActionContext, RenderedContext } from '../action-result.ts';
import type { Revision } from './revision.ts';

/** The context in which a revision runs: its own manifests, namespace and inputs, as far as today's rules allow them, and this run's name. */
export async function revisionContext(context: ActionContext, { content }: Revision): Promise<RenderedContext> {
  const wanted = { ...context.options, ...content.options };
  const options = (await context.admit?.(content.deployment.repository, wanted)) ?? wanted;
  const { run: _run, by: _by, ...deployment } = content.deployment;
  return {
    ...context,
    namespace: content.namespace,
    options,
    manifests: content.manifests,
    deployment: {
      ...deployment,
      at: new Date().toISOString(),
      ...(context.runUrl !== undefined && { run: context.runUrl }),
      ...(context.requester !== undefined && { by: context.requester }),
    },
    merged: content.merged,
    ...(content.subject !== undefined && { subject: content.subject }),
    ...(content.author !== undefined && { author: content.author }),
  };
}

export function revisionSource({ content }: Revision): RunSource {
  const { commit, ref, repository } = content.deployment;
  return {
    commit,
    ...(ref !== undefined && { branch: ref.replace(/^refs\/heads\//, '') }),
    ...(repository !== undefined && { repository }),
    ...(content.subject !== undefined && { subject: content.subject }),
    ...(content.author !== undefined && { author: content.author }),
  };
}

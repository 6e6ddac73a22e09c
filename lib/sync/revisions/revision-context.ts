import type { RunSource } from '../../core/plan/result.ts';
import type { ActionContext, RenderedContext } from '../action-result.ts';
import type { Revision } from './revision.ts';

/** The context in which a revision runs: its own manifests, namespace and inputs, and this run's name. */
export function revisionContext(context: ActionContext, { content }: Revision): RenderedContext {
  const { run: _run, by: _by, ...deployment } = content.deployment;
  return {
    ...context,
    namespace: content.namespace,
    options: { ...context.options, ...content.options },
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

import { ConflictError, GitOpsError, InputError, NotPermittedError } from '../errors.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import { statusOf } from '../ports/kubernetes/kubernetes-error.ts';
import type { RenderedContext } from './action-result.ts';
import type { Applied } from './apply-stages.ts';
import type { Assessment } from './assess.ts';
import type { Decision } from './decide.ts';
import type { Inventory } from './inventory.ts';
import { addMade, superset } from './record.ts';

const namespaces: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  verbs: [],
};

/**
 * Writes what this run may make before it makes it; where it makes nothing new, the write still tells whether another run is at work.
 * The namespace of the inventory itself may have to come first.
 */
export async function recordIntent(
  context: RenderedContext,
  assessment: Assessment,
  todo: readonly Decision[],
): Promise<Inventory> {
  const { set, store } = context;
  const { inventory } = assessment.loaded;
  const prunes = assessment.decisions.prune.some((prune) => prune.decision === 'prune');
  if (todo.length === 0 && !prunes) return inventory;
  if (!assessment.loaded.exists) await ensureNamespace(context, todo);
  return store.save(superset(inventory, todo, context.deployment)).catch((error: unknown) => {
    // Who may not read namespaces learns it here.
    if (statusOf(error) === 404) throw missingNamespace(context);
    if (!(error instanceof NotPermittedError)) throw error;
    throw new NotPermittedError(
      `The inventory of '${set.name}' cannot be written: ${error.message} Give the identity of the connection the verbs get, list, create, update and delete on configmaps in namespace ${set.namespace}. Nothing was changed.`,
      { cause: error },
    );
  });
}

/**
 * Writes what was done. When another run has written meanwhile, what this one made is added to the record of that, so that nothing is
 * lost. Returns what the user must know: the run has ended, but not as it should.
 */
export async function saveRecord(
  context: RenderedContext,
  next: Inventory,
  applied: readonly Applied[],
): Promise<GitOpsError | undefined> {
  const { store } = context;
  let problem: GitOpsError | undefined;
  for (let attempt = 0; attempt < 4; attempt += 1) {
    try {
      await store.save(attempt === 0 ? next : addMade((await store.load()).inventory, next, applied));
      return problem;
    } catch (error) {
      if (!(error instanceof GitOpsError)) throw error;
      problem = error;
      if (!(error instanceof ConflictError)) return problem;
    }
  }
  return problem;
}

async function ensureNamespace(context: RenderedContext, todo: readonly Decision[]): Promise<void> {
  const { client, set } = context;
  const exists = await client.get(namespaces, '', set.namespace).catch((error: unknown) => {
    if (error instanceof NotPermittedError) return {};
    throw error;
  });
  if (exists !== undefined) return;
  const declared = todo.find(({ target }) => target.id.kind === 'Namespace' && target.id.name === set.namespace);
  if (declared === undefined) throw missingNamespace(context);
  // Its record comes a moment later; until then the set's label on it tells the next run that it is ours.
  await client.apply(namespaces, '', set.namespace, declared.target.payload, {
    fieldManager: set.fieldManager,
    force: false,
  });
}

function missingNamespace({ set }: RenderedContext): InputError {
  return new InputError({
    input: 'inventoryNamespace',
    code: 'missing-namespace',
    message: `Namespace ${set.namespace} does not exist, and the inventory of '${set.name}' is to be kept there. Declare it in Git, create it, or set inventoryNamespace to one that exists. Nothing was changed.`,
  });
}

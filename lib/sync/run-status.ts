import { assessHealth } from '../core/objects/health.ts';
import type { ChangeResult } from '../core/plan/result.ts';
import { InputError, NotPermittedError } from '../errors.ts';
import { type ActionContext, type ActionResult, counted } from './action-result.ts';
import { pruneChange, targetName } from './changes.ts';
import type { InventoryEntry } from './inventory.ts';
import { type LiveState, readLiveState } from './live-state.ts';
import { pruneDecisions } from './prune-guards.ts';
import { RevisionStore } from './revisions/revision-store.ts';

/** What is deployed, by the inventory and the live objects. Git is neither read nor rendered. */
export async function runStatus(context: ActionContext): Promise<ActionResult> {
  const { client, set, loaded } = context;
  if (!loaded.exists) throw noInventory(context);
  const live = await readLiveState(client, await client.catalog(), set, [], loaded);
  const changes: ChangeResult[] = [];
  for (const [key, entry] of loaded.inventory.entries) {
    const health = healthOf(entry, key, live);
    changes.push({
      target: targetName(entry),
      action: 'unchanged',
      fields: [],
      state: 'done',
      health: health.status,
      message: health.message,
      ...(entry.pending && { reason: `a run that tried to ${entry.pending.intent} it did not end` }),
    });
  }
  const strays = pruneDecisions(set, [], loaded.inventory, live, {
    fieldManager: set.fieldManager,
    prune: false,
    deletableKinds: new Set(),
  }).filter((decision) => decision.decision === 'stray');
  for (const stray of strays) {
    const change = pruneChange(stray);
    if (change !== undefined) changes.push({ ...change, state: 'done' });
  }
  const ill = changes.filter(
    (change) => change.health !== undefined && change.health !== 'Healthy' && change.health !== 'Suspended',
  );
  await tellRevisions(context);
  const { deployed, held } = loaded.inventory;
  const version =
    deployed === undefined
      ? 'no commit has been applied completely yet'
      : `commit ${deployed.commit.slice(0, 10)} since ${deployed.at}`;
  return {
    outcome: 'status',
    summary: `'${set.name}': ${counted(loaded.inventory.entries.size, 'object')}, ${version}; ${
      ill.length === 0 ? 'all are healthy' : `${ill.length} ${ill.length === 1 ? 'is' : 'are'} not healthy`
    }.${held === undefined ? '' : ` Commit ${held.commit.slice(0, 10)} is held: ${held.reason}`}`,
    changes,
    warnings: live.notes.map((message) => ({ message, code: 'not-permitted' })),
    errors: [],
  };
}

/** What could not be looked at is unknown, never missing. */
function healthOf(entry: InventoryEntry, key: string, live: LiveState): { status: string; message: string } {
  const object = live.objects.get(key);
  if (live.denied.has(key)) return { status: 'Unknown', message: 'the identity of the connection may not read it' };
  if (live.unserved.get(key) === 'down') {
    return { status: 'Unknown', message: `the server of ${entry.group} does not answer at the moment` };
  }
  if (object === undefined) return { status: 'Missing', message: 'it is not in the cluster' };
  if (entry.uid !== undefined && object.metadata.uid !== entry.uid) {
    return { status: 'Missing', message: 'somebody deleted it and made another of its name' };
  }
  return assessHealth(object);
}

/** What a rollback can go back to, and the plans that wait for an approval. */
async function tellRevisions(context: ActionContext): Promise<void> {
  try {
    for (const revision of await new RevisionStore(context.client, context.set).list()) {
      const plan = revision.state === 'planned' ? `, planDigest ${revision.digest ?? ''}` : '';
      context.log.info(
        `  revision ${revision.number}: ${revision.state}, commit ${revision.commit.slice(0, 10)}, ${revision.createdAt}${plan}`,
      );
    }
  } catch (error) {
    if (!(error instanceof NotPermittedError)) throw error;
    context.log.info('  Revisions are not listed: the identity may not list secrets.');
  }
}

export function noInventory(context: ActionContext): InputError {
  const { set, client } = context;
  return new InputError({
    input: 'syncSet',
    code: 'no-inventory',
    message: `There is no set '${set.name}' with an inventory in namespace ${set.namespace} on ${client.server}: nothing was deployed under this name, or inventoryNamespace is another one.`,
  });
}

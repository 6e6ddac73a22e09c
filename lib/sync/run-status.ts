import { assessHealth } from '../core/objects/health.ts';
import type { ChangeResult } from '../core/plan/result.ts';
import { InputError } from '../errors.ts';
import { type ActionContext, type ActionResult, counted } from './action-result.ts';
import { pruneChange, targetName } from './changes.ts';
import { readLiveState } from './live-state.ts';
import { pruneDecisions } from './prune-guards.ts';

/** What is deployed, by the inventory and the live objects. Git is neither read nor rendered. */
export async function runStatus(context: ActionContext): Promise<ActionResult> {
  const { client, set, loaded } = context;
  if (!loaded.exists) throw noInventory(context);
  const live = await readLiveState(client, await client.catalog(), set, [], loaded);
  const changes: ChangeResult[] = [];
  for (const [key, entry] of loaded.inventory.entries) {
    const object = live.objects.get(key);
    const isSame = object !== undefined && (entry.uid === undefined || object.metadata.uid === entry.uid);
    const health = isSame
      ? assessHealth(object)
      : {
          status: 'Missing',
          message:
            object === undefined ? 'it is not in the cluster' : 'somebody deleted it and made another of its name',
        };
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
  const { deployed } = loaded.inventory;
  const version =
    deployed === undefined
      ? 'no commit has been applied completely yet'
      : `commit ${deployed.commit.slice(0, 10)} since ${deployed.at}`;
  return {
    outcome: 'status',
    summary: `'${set.name}': ${counted(loaded.inventory.entries.size, 'object')}, ${version}; ${
      ill.length === 0 ? 'all are healthy' : `${ill.length} ${ill.length === 1 ? 'is' : 'are'} not healthy`
    }.`,
    changes,
    warnings: live.notes.map((message) => ({ message, code: 'not-permitted' })),
    errors: [],
  };
}

export function noInventory(context: ActionContext): InputError {
  const { set, client } = context;
  return new InputError({
    input: 'syncSet',
    code: 'no-inventory',
    message: `There is no set '${set.name}' with an inventory in namespace ${set.namespace} on ${client.server}: nothing was deployed under this name, or inventoryNamespace is another one.`,
  });
}

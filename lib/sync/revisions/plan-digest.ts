import { createHmac } from 'node:crypto';
import { canonicalJson } from '../../core/objects/canonical-json.ts';
import { keyOf } from '../../core/objects/kubernetes-object.ts';
import type { Change } from '../../core/plan/change.ts';
import type { Assessment } from '../assess.ts';
import { changeOf, pruneChange } from '../changes.ts';
import type { Inventory } from '../inventory.ts';
import type { SyncSet } from '../sync-set.ts';
import type { FrozenOptions, RevisionContent, StoredPlan } from './revision.ts';

/**
 * The digest of a plan: of what is declared, of what would change and how, of what is recorded, and of the inputs. The same digest on
 * another day means that exactly the approved thing would happen. Everything is keyed by the plan's own nonce.
 */
export function digestPlan(
  set: SyncSet,
  assessment: Assessment,
  content: Omit<RevisionContent, 'plan'>,
  nonce: Buffer,
): StoredPlan {
  const changes = changeDigests(set, assessment, content.options, nonce);
  const inventory = inventoryDigest(assessment.loaded.inventory, nonce);
  const digest = hmac(nonce, {
    set: set.applySetId,
    cluster: content.clusterUid,
    commit: content.deployment.commit,
    namespace: content.namespace,
    options: content.options,
    manifests: content.manifests.map((manifest) => manifest.object),
    inventory,
    changes,
  });
  return { digest, nonce: nonce.toString('base64'), inventory, changes };
}

/** What is not as it was approved, in words; empty when a plan may be applied. */
export function staleReasons(
  set: SyncSet,
  assessment: Assessment,
  content: RevisionContent & { readonly plan: StoredPlan },
  clusterUid: string,
): string[] {
  const nonce = Buffer.from(content.plan.nonce, 'base64');
  if (content.clusterUid !== clusterUid) return ['the plan was made for another cluster'];
  if (inventoryDigest(assessment.loaded.inventory, nonce) !== content.plan.inventory) {
    return ['the set was deployed or changed by another run since'];
  }
  const now = changeDigests(set, assessment, content.options, nonce);
  const keys = new Set([...Object.keys(now), ...Object.keys(content.plan.changes)]);
  return [...keys]
    .filter((key) => now[key] !== content.plan.changes[key])
    .sort()
    .map((key) => `${key} would change in another way than was approved`);
}

function changeDigests(
  set: SyncSet,
  assessment: Assessment,
  options: FrozenOptions,
  nonce: Buffer,
): Record<string, string> {
  const shown = { fieldManager: set.fieldManager, displayKey: nonce, foreignFields: options.foreignFields };
  const digests: Record<string, string> = {};
  const add = (name: string, change: Change, uid: string | undefined) => {
    if (change.action === 'unchanged') return;
    const { action, fields } = change;
    digests[name] = hmac(nonce, { action, fields, uid: uid ?? '' }).slice(0, 16);
  };
  for (const prepared of assessment.preflight.prepared) {
    const { target, live } = prepared.decision;
    add(nameOf(keyOf(target.id)), changeOf(prepared, shown), live?.metadata.uid);
  }
  for (const prune of assessment.decisions.prune) {
    const change = pruneChange(prune);
    if (change !== undefined) add(nameOf(prune.key), change, prune.live?.metadata.uid);
  }
  return digests;
}

/** `apps/Deployment/shop/web`; the empty group of core kinds leaves no slash behind. */
function nameOf(key: string): string {
  return key.replace(/^\//, '');
}

/** When it was written does not matter, what it records does. */
function inventoryDigest(inventory: Inventory, nonce: Buffer): string {
  const { epoch: _epoch, entries, deployed } = inventory;
  return hmac(nonce, {
    commit: deployed?.commit ?? '',
    entries: [...entries].sort(([a], [b]) => (a < b ? -1 : 1)),
  }).slice(0, 16);
}

function hmac(nonce: Buffer, value: unknown): string {
  return createHmac('sha256', nonce).update(canonicalJson(value)).digest('hex');
}

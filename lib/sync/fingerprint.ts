import { createHash, createHmac } from 'node:crypto';
import { canonicalJson } from '../core/objects/canonical-json.ts';
import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { applyEntryOf, entryHash, ownedDigest } from '../core/objects/managed-fields.ts';
import type { Fingerprint } from './inventory.ts';

/**
 * Neither generation nor resourceVersion alone tells that an object is as we left it: many kinds have no generation, and the
 * resourceVersion of some moves by itself. Four things together do: what Git declares, which fields are ours, the server's
 * values of those, and the generation where there is one.
 */
export function fingerprint(
  payload: KubernetesObject,
  answer: KubernetesObject,
  options: FingerprintOptions,
): Fingerprint | undefined {
  const key = keyFor(payload, options);
  if (key === 'none') return undefined;
  const entry = applyEntryOf(answer, options.fieldManager);
  if (entry === undefined) return undefined;
  const generation = answer.metadata.generation;
  return {
    manifest: manifestDigest(payload, key),
    entry: entryHash(entry),
    owned: ownedDigest(answer, entry, key),
    ...(generation !== undefined && { generation }),
  };
}

export interface FingerprintOptions {
  readonly fieldManager: string;
  /** Keys the digests of Secrets; without it they get none, and are compared by the server every time. */
  readonly digestKey: Buffer | undefined;
}

/** Whether the live object is what was recorded, and what was recorded is what Git declares now. */
export function isUnchanged(
  recorded: Fingerprint | undefined,
  payload: KubernetesObject,
  live: KubernetesObject,
  options: FingerprintOptions,
): boolean {
  if (recorded === undefined) return false;
  const now = fingerprint(payload, live, options);
  // The owned values are compared for all kinds: a mutating policy can rewrite them on somebody else's update without
  // touching our entry.
  return (
    now !== undefined &&
    now.manifest === recorded.manifest &&
    now.entry === recorded.entry &&
    now.owned === recorded.owned
  );
}

/** Whether Git declares the same as when the object was last applied. */
export function isSameManifest(
  recorded: Fingerprint | undefined,
  payload: KubernetesObject,
  options: FingerprintOptions,
): boolean {
  const key = keyFor(payload, options);
  return recorded !== undefined && key !== 'none' && recorded.manifest === manifestDigest(payload, key);
}

function manifestDigest(payload: KubernetesObject, key: Buffer | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return hash.update(canonicalJson(payload)).digest('hex').slice(0, 16);
}

/** A plain digest of a Secret in a ConfigMap would allow guessing its value. */
function keyFor(payload: KubernetesObject, options: FingerprintOptions): Buffer | undefined | 'none' {
  if (payload.kind !== 'Secret' || payload.apiVersion !== 'v1') return undefined;
  return options.digestKey ?? 'none';
}

import { gunzipSync, gzipSync } from 'node:zlib';
import type { Manifest } from '../../core/manifests/manifest.ts';
import { InputError } from '../../errors.ts';
import type { Deployment } from '../inventory.ts';
import type { SyncOptions } from '../options.ts';

/** `planned`: may be applied by its digest. `applied`: ran, and everything was healthy. `superseded`: was applied once. */
export type RevisionState = 'planned' | 'applied' | 'superseded';

/**
 * A rendered set as it is kept in the cluster, like a release of Helm: enough to apply it again on any agent without a checkout, a
 * renderer or a key.
 */
export interface Revision {
  readonly number: number;
  readonly state: RevisionState;
  readonly content: RevisionContent;
}

export interface RevisionContent {
  /** What was rendered, and by which run. */
  readonly deployment: Deployment;
  /** First line of the commit's message. */
  readonly subject?: string;
  readonly author?: string;
  /** The protected branch contained the commit when it was rendered. */
  readonly merged: boolean;
  /** `metadata.uid` of the namespace kube-system, which is the nearest to a name that a cluster has. */
  readonly clusterUid: string;
  /** Of objects that name none. */
  readonly namespace: string;
  readonly options: FrozenOptions;
  readonly manifests: readonly Manifest[];
  /** Absent for a revision that was stored by a sync. */
  readonly plan?: StoredPlan;
}

/** What was approved. */
export interface StoredPlan {
  /** The name of the plan, 64 hex digits; what an approver sees and `apply` takes. */
  readonly digest: string;
  /** Base64. Keys every digest of the plan, so that nobody can try values of Secrets. */
  readonly nonce: string;
  /** Of the inventory that the plan was made against. */
  readonly inventory: string;
  /** By object: a digest of its action and of what changes. */
  readonly changes: Readonly<Record<string, string>>;
}

/** Inputs that shape what is done; an approved plan keeps those it was made with. */
export type FrozenOptions = Pick<
  SyncOptions,
  'prune' | 'maxPrune' | 'allowEmpty' | 'conflicts' | 'adopt' | 'foreignFields' | 'deleteProtectedKinds'
>;

export function frozenOptions(options: SyncOptions): FrozenOptions {
  const { prune, maxPrune, allowEmpty, conflicts, adopt, foreignFields, deleteProtectedKinds } = options;
  return { prune, maxPrune, allowEmpty, conflicts, adopt, foreignFields, deleteProtectedKinds };
}

/** Bytes of base64 in one Secret: the API server takes 1 MiB, labels and envelope included. */
const partSize = 900_000;
const format = 1;

/** The content in parts that each fit into a Secret. */
export function encodeContent(content: RevisionContent): string[] {
  const packed = gzipSync(JSON.stringify({ format, ...content }), { level: 9 }).toString('base64');
  const parts: string[] = [];
  for (let start = 0; start < packed.length; start += partSize) parts.push(packed.slice(start, start + partSize));
  return parts;
}

/** Throws InputError when the parts are not what `encodeContent` made; `where` names them. */
export function decodeContent(parts: readonly string[], where: string): RevisionContent {
  let content: (RevisionContent & { format?: unknown }) | undefined;
  try {
    // 256 MiB: far above any set, and a bound for what foreign hands may have put there.
    const text = gunzipSync(Buffer.from(parts.join(''), 'base64'), { maxOutputLength: 256 * 1024 * 1024 });
    content = JSON.parse(text.toString('utf8')) as RevisionContent;
  } catch (error) {
    throw new InputError(
      `${where} cannot be read: somebody changed it, or a part is missing. Choose another revision.`,
      {
        cause: error,
      },
    );
  }
  if (content.format !== format || !Array.isArray(content.manifests)) {
    throw new InputError(
      `${where} was written by another version of this task (format ${String(content.format)}). Update the extension, or choose another revision.`,
    );
  }
  return content;
}

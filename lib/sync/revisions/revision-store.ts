import { NotPermittedError } from '../../errors.ts';
import type { ApiResource } from '../../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../../ports/kubernetes/kubernetes-error.ts';
import { setLabel } from '../inventory.ts';
import type { SyncSet } from '../sync-set.ts';
import { decodeContent, encodeContent, type Revision, type RevisionContent, type RevisionState } from './revision.ts';

const secrets: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
  verbs: [],
};
const revisionLabel = 'gitops.pipelines/revision';
const stateLabel = 'gitops.pipelines/revision-state';
const partLabel = 'gitops.pipelines/revision-part';
const commitAnnotation = 'gitops.pipelines/commit';
const digestAnnotation = 'gitops.pipelines/plan-digest';
const contentAnnotation = 'gitops.pipelines/content-digest';
const partsAnnotation = 'gitops.pipelines/parts';
const dataKey = 'content';

/** What a list tells without reading contents. */
export interface RevisionSummary {
  readonly number: number;
  readonly state: RevisionState;
  readonly commit: string;
  readonly digest?: string;
  readonly createdAt: string;
  /** See `digestOf`. */
  readonly contentDigest?: string;
  readonly parts: number;
}

/** How many revisions are kept: of those that ran, and of plans. */
const kept = 5;

/** The revisions of one set: Secrets beside its inventory, because manifests hold Secrets. */
export class RevisionStore {
  readonly #client: KubernetesClient;
  readonly #set: SyncSet;

  constructor(client: KubernetesClient, set: SyncSet) {
    this.#client = client;
    this.#set = set;
  }

  /** Newest first. */
  async list(): Promise<RevisionSummary[]> {
    const { items } = await this.#client.list(secrets, {
      namespace: this.#set.namespace,
      labelSelector: `${setLabel}=${this.#set.name},${revisionLabel},${partLabel}=1`,
      metadataOnly: true,
    });
    return items.map(summaryOf).sort((a, b) => b.number - a.number);
  }

  async read(summary: RevisionSummary): Promise<Revision> {
    const where = `Revision ${summary.number} of '${this.#set.name}' (Secret ${this.#set.namespace}/${this.#nameOf(summary.number, 1)})`;
    const parts: string[] = [];
    for (let part = 1; part <= summary.parts; part += 1) {
      const secret = await this.#client.get(secrets, this.#set.namespace, this.#nameOf(summary.number, part));
      parts.push(Buffer.from(String(secret?.['data']?.[dataKey] ?? ''), 'base64').toString('latin1'));
    }
    return { number: summary.number, state: summary.state, content: decodeContent(parts, where) };
  }

  /** The first part is written last: a run that dies in between leaves nothing that a list shows. */
  async add(content: RevisionContent, state: RevisionState, contentDigest?: string): Promise<RevisionSummary> {
    const parts = encodeContent(content);
    for (let attempt = 0; ; attempt += 1) {
      const newest = (await this.list())[0]?.number ?? 0;
      const number = newest + 1 + attempt;
      try {
        for (let part = parts.length; part >= 1; part -= 1) {
          await this.#client.create(
            secrets,
            this.#set.namespace,
            this.#secret(number, part, parts, content, state, contentDigest),
          );
        }
        const created = {
          number,
          state,
          commit: content.deployment.commit,
          createdAt: content.deployment.at,
          parts: parts.length,
        };
        return content.plan === undefined ? created : { ...created, digest: content.plan.digest };
      } catch (error) {
        // Another run took the number a moment ago.
        if (statusOf(error) !== 409 || attempt >= 5) throw error;
      }
    }
  }

  async mark(summary: RevisionSummary, state: RevisionState): Promise<void> {
    await this.#client.mergePatch(secrets, this.#set.namespace, this.#nameOf(summary.number, 1), {
      metadata: { labels: { [stateLabel]: state } },
    });
  }

  /** Deletes what is beyond the last five that ran, and the last five plans. */
  async prune(): Promise<void> {
    const all = await this.list();
    const ran = all.filter((summary) => summary.state !== 'planned');
    const planned = all.filter((summary) => summary.state === 'planned');
    await this.#remove([...ran.slice(kept), ...planned.slice(kept)]);
  }

  async removeAll(): Promise<void> {
    try {
      await this.#remove(await this.list());
    } catch (error) {
      if (!(error instanceof NotPermittedError)) throw error;
    }
  }

  async #remove(summaries: readonly RevisionSummary[]): Promise<void> {
    for (const { number, parts } of summaries) {
      for (let part = 1; part <= parts; part += 1) {
        await this.#client.delete(secrets, this.#set.namespace, this.#nameOf(number, part));
      }
    }
  }

  #nameOf(number: number, part: number): string {
    return `${this.#set.parentName}-r${number}${part === 1 ? '' : `-${part}`}`;
  }

  #secret(
    number: number,
    part: number,
    parts: readonly string[],
    content: RevisionContent,
    state: RevisionState,
    contentDigest: string | undefined,
  ): Json {
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'gitops.pipelines/revision',
      metadata: {
        name: this.#nameOf(number, part),
        namespace: this.#set.namespace,
        labels: {
          [setLabel]: this.#set.name,
          [revisionLabel]: String(number),
          [partLabel]: String(part),
          ...(part === 1 && { [stateLabel]: state }),
        },
        annotations: {
          [commitAnnotation]: content.deployment.commit,
          [partsAnnotation]: String(parts.length),
          ...(content.plan && { [digestAnnotation]: content.plan.digest }),
          ...(contentDigest !== undefined && { [contentAnnotation]: contentDigest }),
        },
      },
      data: { [dataKey]: Buffer.from(parts[part - 1] ?? '', 'latin1').toString('base64') },
    };
  }
}

function summaryOf(item: Json): RevisionSummary {
  const { labels = {}, annotations = {}, creationTimestamp } = item['metadata'];
  const state = labels[stateLabel];
  const digest = annotations[digestAnnotation];
  const contentDigest = annotations[contentAnnotation];
  return {
    number: Number(labels[revisionLabel]),
    state: state === 'planned' || state === 'applied' ? state : 'superseded',
    commit: String(annotations[commitAnnotation] ?? ''),
    createdAt: String(creationTimestamp ?? ''),
    parts: Number(annotations[partsAnnotation] ?? 1),
    ...(typeof digest === 'string' && { digest }),
    ...(typeof contentDigest === 'string' && { contentDigest }),
  };
}

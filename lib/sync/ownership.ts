import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import { applyEntryOf } from '../core/objects/managed-fields.ts';
import { partOfLabel, type SyncSet } from './sync-set.ts';

/** Whoever claims an object that is not in our inventory. */
export interface Owner {
  /** `Helm release shop/web` */
  readonly description: string;
  /** What its own tool would have to do so that we may take the object. */
  readonly release: string;
}

/**
 * The tool that says, by its own marks on the object, that the object is its. Undefined: nobody does. Sources: Helm's
 * `meta.helm.sh`, Argo CD's tracking annotation, Flux' labels, cli-utils' owning-inventory, kapp's label, KEP-3659.
 */
export function foreignOwner(live: KubernetesObject, set: SyncSet): Owner | undefined {
  const labels = live.metadata.labels ?? {};
  const annotations = live.metadata.annotations ?? {};
  const applySet = labels[partOfLabel];
  if (applySet !== undefined && applySet !== set.applySetId) {
    return {
      description: `another sync set or ApplySet (${applySet})`,
      release: 'remove it from that set’s Git folder first',
    };
  }
  const helm = annotations['meta.helm.sh/release-name'];
  if (helm !== undefined) {
    return {
      description: `Helm release ${annotations['meta.helm.sh/release-namespace'] ?? ''}/${helm}`,
      release: 'retire the release',
    };
  }
  const argo = annotations['argocd.argoproj.io/tracking-id'] ?? labels['argocd.argoproj.io/instance'];
  if (argo !== undefined)
    return { description: `Argo CD application ${argo.split(':')[0]}`, release: 'remove it from the application' };
  for (const [label, what] of fluxLabels) {
    const name = labels[`${label}/name`];
    if (name !== undefined) {
      return {
        description: `${what} ${labels[`${label}/namespace`] ?? ''}/${name}`,
        release: 'suspend and remove it there',
      };
    }
  }
  const inventory = annotations['config.k8s.io/owning-inventory'];
  if (inventory !== undefined)
    return { description: `inventory ${inventory} (kpt, Config Sync)`, release: 'remove it there' };
  const kapp = labels['kapp.k14s.io/app'];
  if (kapp !== undefined) return { description: `kapp application ${kapp}`, release: 'remove it from the application' };
  const controller = live.metadata.ownerReferences?.find((reference) => reference.controller === true);
  if (controller !== undefined) {
    return {
      description: `its controller ${controller.kind} ${controller.name}`,
      release: `declare ${controller.kind} ${controller.name} in Git instead`,
    };
  }
  return undefined;
}

const fluxLabels = [
  ['kustomize.toolkit.fluxcd.io', 'Flux Kustomization'],
  ['helm.toolkit.fluxcd.io', 'Flux HelmRelease'],
] as const;

/** An object of ours that another set took over: it has that set's label, and nothing of what we applied is left to us. */
export function isTakenByAnotherSet(live: KubernetesObject, set: SyncSet): boolean {
  const label = live.metadata.labels?.[partOfLabel];
  return label !== undefined && label !== set.applySetId && applyEntryOf(live, set.fieldManager) === undefined;
}

export type AdoptPolicy = 'ifUnowned' | 'never' | 'always';

/** Why an object that exists may not be taken over; undefined when it may. */
export function refusalToAdopt(live: KubernetesObject, set: SyncSet, policy: AdoptPolicy): string | undefined {
  // Our label without an inventory entry: an inventory that was lost, or a run that died. It was ours before.
  if (live.metadata.labels?.[partOfLabel] === set.applySetId) return undefined;
  const owner = foreignOwner(live, set);
  if (policy === 'always') return undefined;
  if (owner !== undefined) {
    return `exists and belongs to ${owner.description}. Two owners would undo each other's changes: ${owner.release}, or set adopt: always to take it over.`;
  }
  if (policy === 'never') {
    return 'exists already and adopt is never. Set adopt: ifUnowned to take it over, or remove it from Git.';
  }
  return undefined;
}

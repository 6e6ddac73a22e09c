import type { ManagedFieldsEntry } from './kubernetes-object.ts';

/**
 * Who is behind a field manager's name. `person`: somebody at a keyboard, so what they set is put back to what Git declares.
 * `controller`: part of the cluster, left alone. `tool`: something else that declares a desired state, never overruled silently.
 */
export type ManagerClass = 'ours' | 'person' | 'controller' | 'tool';

export interface KnownManager {
  /** As `managedFields` shows it, without regard to case; `*` stands for anything. */
  readonly name: string;
  readonly what: string;
}

/** Our field managers: this prefix and the name of the sync set. */
export const ourManagerPrefix = 'azdo-gitops:';

/**
 * The names we know, most telling first: the first list that has a name decides. A client that names no field manager is called by its
 * user agent up to the first slash (source: managerOrUserAgent of k8s.io/apiserver), which is why browsers and HTTP libraries are here.
 */
export const knownManagers: Readonly<Record<Exclude<ManagerClass, 'ours'>, readonly KnownManager[]>> = {
  person: [
    { name: 'kubectl', what: 'kubectl, also kubectl apply --server-side' },
    {
      name: 'kubectl-*',
      what: 'kubectl edit, patch, create, label, annotate, set, replace, rollout, client-side apply, ...',
    },
    { name: 'kubectl.exe', what: 'kubectl on Windows' },
    { name: 'oc', what: 'OpenShift command line' },
    { name: 'oc-*', what: 'OpenShift command line: edit, patch, ...' },
    { name: 'k9s*', what: 'K9s' },
    { name: 'Lens*', what: 'Lens' },
    { name: 'OpenLens*', what: 'OpenLens' },
    { name: 'Freelens*', what: 'Freelens' },
    { name: 'node-fetch', what: 'Lens and other desktop programs on Node' },
    { name: 'headlamp*', what: 'Headlamp' },
    { name: 'dashboard', what: 'Kubernetes Dashboard' },
    { name: 'kubernetes-dashboard*', what: 'Kubernetes Dashboard' },
    { name: 'octant', what: 'Octant' },
    { name: 'rancher', what: 'Rancher user interface' },
    { name: 'AzurePortal*', what: 'Azure portal' },
    { name: 'Mozilla', what: 'a web page: Azure portal and other dashboards' },
    { name: 'curl', what: 'curl' },
    { name: 'PostmanRuntime', what: 'Postman' },
    { name: 'before-first-apply', what: 'whoever made the object before anything was recorded' },
  ],
  controller: [
    { name: 'kube-controller-manager', what: 'Kubernetes: rollouts, horizontal autoscaling, garbage collection, ...' },
    { name: 'cloud-controller-manager', what: 'Kubernetes: load balancers, nodes' },
    { name: 'kube-scheduler', what: 'Kubernetes: placement' },
    { name: 'kube-apiserver', what: 'Kubernetes: allocation of addresses and ports' },
    { name: 'kubelet', what: 'Kubernetes: the node' },
    { name: 'vpa-*', what: 'vertical autoscaling' },
    { name: 'cluster-autoscaler', what: 'node autoscaling' },
    { name: 'keda*', what: 'KEDA autoscaling' },
  ],
  tool: [
    { name: `${ourManagerPrefix}*`, what: 'another sync set' },
    { name: 'helm', what: 'Helm' },
    { name: 'helm-controller', what: 'Flux: Helm releases' },
    { name: 'kustomize-controller', what: 'Flux: kustomizations' },
    { name: 'flux*', what: 'Flux' },
    { name: 'gotk-*', what: 'Flux' },
    { name: 'argocd*', what: 'Argo CD' },
    { name: 'configsync*', what: 'Config Sync' },
    { name: 'applier.configmanagement.gke.io', what: 'Config Sync' },
    { name: 'fleet*', what: 'Fleet' },
    { name: 'kapp*', what: 'kapp' },
    { name: 'kluctl*', what: 'kluctl' },
    { name: 'werf', what: 'werf' },
    { name: 'krane', what: 'Krane' },
    { name: 'pulumi*', what: 'Pulumi' },
    { name: 'Terraform', what: 'Terraform' },
    { name: 'HashiCorp', what: 'Terraform' },
    { name: 'terraform-*', what: 'Terraform' },
    { name: 'crossplane*', what: 'Crossplane' },
    { name: 'apiextensions.crossplane.io*', what: 'Crossplane' },
    { name: 'applyset', what: 'kubectl apply with an apply set' },
  ],
};

/**
 * Who is behind an entry of `managedFields`. `ourManager` is the full name of this set's own manager. Names that no list has: a writer
 * of a subresource is a controller, one that uses server-side apply is a tool, anything else is a controller, because those go by
 * many names and undoing their work breaks the cluster. A person who scales with kubectl stays a person, though the change goes
 * through the `scale` subresource as an autoscaler's does.
 */
export function classifyManager(
  entry: Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'subresource'>,
  ourManager: string,
): ManagerClass {
  const name = entry.manager ?? '';
  const subresource = entry.subresource ?? '';
  if (name === ourManager && subresource === '') return 'ours';
  if (subresource === 'status') return 'controller';
  for (const { names, kind } of matchers) {
    if (names.some((pattern) => pattern.test(name))) return kind;
  }
  if (subresource !== '') return 'controller';
  return entry.operation === 'Apply' ? 'tool' : 'controller';
}

/** Whether a list has the manager's name; what `classifyManager` says of others is a guess. */
export function isKnownManager(manager: string): boolean {
  return matchers.some(({ names }) => names.some((pattern) => pattern.test(manager)));
}

const matchers = (['person', 'controller', 'tool'] as const).map((kind) => ({
  kind,
  names: knownManagers[kind].map((manager) => namePattern(manager.name)),
}));

function namePattern(name: string): RegExp {
  const literal = name.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 'i');
}

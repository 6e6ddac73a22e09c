import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildGo, type GoModule, pinnedVersion } from '../tools/build.ts';

/** The Kubernetes release that go.mod pins, e.g. `1.36.3`; the server reports what is stamped into it here. */
export const kubernetesVersion = pinnedVersion(import.meta.dirname, 'k8s.io/kubernetes').slice(1);

const [major, minor] = kubernetesVersion.split('.');
const versionPackage = 'k8s.io/component-base/version';

/** The module of this folder: the control plane and our own fake node. */
export const clusterModule: GoModule = {
  directory: import.meta.dirname,
  ldflags: [
    `-X ${versionPackage}.gitVersion=v${kubernetesVersion}`,
    `-X ${versionPackage}.gitMajor=${major}`,
    `-X ${versionPackage}.gitMinor=${minor}`,
    `-X ${versionPackage}.gitTreeState=clean`,
  ].join(' '),
  takes: '4 to 8 minutes on 2 cores',
};

const programs = [
  { name: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  { name: 'kube-apiserver', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  { name: 'kube-controller-manager', package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  { name: 'kube-scheduler', package: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  { name: 'node', package: './node' },
  { name: 'supervise', package: './supervise' },
] as const;

export type ProgramName = (typeof programs)[number]['name'];

/** Paths of all programs of a cluster. What KUBEBUILDER_ASSETS holds is used as it is; the rest is built, once. */
export async function clusterPrograms(): Promise<Record<ProgramName, string>> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const given: Partial<Record<ProgramName, string>> = {};
  for (const name of ['etcd', 'kube-apiserver'] as const) {
    const path = assets ? join(assets, name) : '';
    if (path !== '' && existsSync(path)) given[name] = path;
  }
  const built = await buildGo(
    clusterModule,
    programs.filter((program) => given[program.name] === undefined),
  );
  return { ...built, ...given };
}

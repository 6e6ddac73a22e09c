/**
 * The programs that users run, for tests that run them too or compare with them: pinned in go.mod, built once by Go.
 *
 *     const helm = await tool('helm');   // path of the binary
 *
 * A preinstalled program of the same name is not used: its version is anybody's guess.
 */
import { clusterModule } from '../cluster/programs.ts';
import { buildGo, pinnedVersion } from './build.ts';

interface Tool {
  /** Import path of its `main` package. */
  readonly package: string;
  readonly ldflags?: string;
  readonly takes: string;
}

const pinned = (path: string) => pinnedVersion(import.meta.dirname, path);
/** As Helm's Makefile does it: Kubernetes 1.N is client-go 0.N. */
const [, helmKubernetesMinor] = pinned('k8s.io/client-go').split('.');

/** What each project's own release build stamps into its binary. */
const helm3Stamps = [
  `-X helm.sh/helm/v3/internal/version.version=${pinned('helm.sh/helm/v3')}`,
  '-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1',
  `-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=${helmKubernetesMinor}`,
  '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1',
  `-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=${helmKubernetesMinor}`,
];

const tools = {
  helm: { package: 'helm.sh/helm/v3/cmd/helm', ldflags: helm3Stamps.join(' '), takes: '2 to 3 minutes' },
  helm4: {
    package: 'helm.sh/helm/v4/cmd/helm',
    ldflags: `-X helm.sh/helm/v4/internal/version.version=${pinned('helm.sh/helm/v4')}`,
    takes: '1 to 2 minutes',
  },
  kustomize: {
    package: 'sigs.k8s.io/kustomize/kustomize/v5',
    ldflags: `-X sigs.k8s.io/kustomize/api/provenance.version=${pinned('sigs.k8s.io/kustomize/kustomize/v5')}`,
    takes: 'about a minute',
  },
  sops: { package: 'github.com/getsops/sops/v3/cmd/sops', takes: '2 to 3 minutes' },
  'age-keygen': { package: 'filippo.io/age/cmd/age-keygen', takes: 'some seconds' },
  'yaml-reference': { package: './yaml-reference', takes: 'some seconds' },
} as const satisfies Record<string, Tool>;

/** `helm` is Helm 3, `helm4` is Helm 4; `yaml-reference` prints Kubernetes' reading of YAML, see its main.go. */
export type ToolName = keyof typeof tools | 'kubectl';

const found = new Map<ToolName, Promise<string>>();

/** Path of a program's binary, built at the first call on this machine. */
export function tool(name: ToolName): Promise<string> {
  const known = found.get(name) ?? build(name);
  found.set(name, known);
  return known;
}

async function build(name: ToolName): Promise<string> {
  if (name === 'kubectl') {
    const program = { name, package: 'k8s.io/kubernetes/cmd/kubectl' };
    return (await buildGo({ ...clusterModule, takes: 'about a minute' }, [program]))[name];
  }
  const { package: path, ...settings }: Tool = tools[name];
  return (await buildGo({ directory: import.meta.dirname, ...settings }, [{ name, package: path }]))[name];
}

import type { Problem } from '../../errors.ts';
import type { Manifest } from './manifest.ts';

export type RenderType = 'auto' | 'manifests' | 'kustomize' | 'helm';
export type RenderKind = Exclude<RenderType, 'auto'>;

/** Where the desired state is and how it is rendered: the task inputs of the group "source", lists split into lines. */
export interface ManifestSource {
  /** Default `auto`. */
  readonly renderType?: RenderType;
  /** Files, folders and globs relative to the working directory; `!pattern` takes away. Or one chart. */
  readonly manifests: readonly string[];
  /** The namespace of objects that name none. Default `default`. */
  readonly namespace?: string;
  readonly releaseName?: string;
  readonly valueFiles?: readonly string[];
  /** `name=value`; nothing in the value has a meaning of its own. */
  readonly overrides?: readonly string[];
  readonly chartRepository?: string;
  readonly chartVersion?: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly chartDigest?: string;
  readonly kubernetesVersion?: string;
  readonly apiVersions?: readonly string[];
  /** Names of variables that are put in the place of `${name}`. */
  readonly substitute?: readonly string[];
  readonly decryptSops?: boolean;
}

/** What loading needs of the world around it. */
export interface LoadContext {
  /** Nothing outside this folder is read. */
  readonly workingDirectory: string;
  /** For charts that are fetched or completed; what is put there is removed again. */
  readonly tempDirectory: string;
  /** Paths of programs; a missing one is looked up on the PATH by its usual name. */
  readonly programs: Programs;
  readonly signal: AbortSignal;
  maskSecret(value: string): void;
  /** A pipeline variable; undefined when it is not set. */
  variable(name: string): string | undefined;
  log(line: string): void;
  /** What the cluster says of itself, for charts. */
  readonly cluster?: { readonly kubernetesVersion: string; readonly apiVersions: readonly string[] };
  /** For charts in a registry or a repository. Used for the server it names and for no other. */
  readonly registryLogin?: RegistryLogin;
  /** The environment of the programs. Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface Programs {
  readonly helm?: string;
  readonly kustomize?: string;
  readonly kubectl?: string;
  readonly sops?: string;
}

export interface RegistryLogin {
  /** `registry.example.com`, with a port if it has one; a URL is understood too. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

export interface Renderer {
  /** `none` for files that are taken as they are. */
  readonly name: 'none' | 'kustomize' | 'kubectl kustomize' | 'helm';
  readonly version?: string;
}

export interface LoadResult {
  /** In the order in which files name them. */
  readonly manifests: Manifest[];
  /** Worth a look, but no reason to stop. */
  readonly warnings: Problem[];
  readonly renderer: Renderer;
  readonly kind: RenderKind;
}

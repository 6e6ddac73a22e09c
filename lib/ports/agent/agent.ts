import type { Place } from '../../errors.ts';

/**
 * What a task knows of the machine that runs it. Adapters: Azure Pipelines (build and classic release) and a terminal.
 * Nothing else in the product knows azure-pipelines-task-lib.
 */
export interface Agent {
  readonly host: Host;
  readonly log: Log;
  /** Aborted once, at the first SIGINT or SIGTERM. About 7 seconds remain then before the process is killed. */
  readonly cancelled: AbortSignal;
  /** `System.DefaultWorkingDirectory`: the checkout in a build, the artifacts' folder in a classic release. */
  readonly workingDirectory: string;
  /** A folder that the agent empties after the job. */
  readonly tempDirectory: string;
  readonly network: NetworkSettings;

  /** The input as the agent sent it, trimmed; undefined when it is empty or was not given. */
  input(name: string): string | undefined;
  /** A pipeline variable by its real name, e.g. `Build.SourceVersion`; undefined when it is not set. */
  variable(name: string): string | undefined;
  /** A service connection that one of the task's inputs names. Throws InputError when the agent did not pass it. */
  connection(id: string): ServiceConnection;
  /** The connection to Azure DevOps itself; undefined in a terminal. */
  systemConnection(): SystemConnection | undefined;

  /** Masks a value, and each line of it, in everything that is printed from now on. Call it before the value is first used. */
  maskSecret(value: string): void;
  setOutput(name: string, value: string): void;
  /** Queues a file for upload; it must stay where it is until the job ends. `type` and `name` are file-name safe. */
  attach(type: string, name: string, file: string): void;
  /** Shows a Markdown file on the run's summary page. */
  addSummary(file: string): void;
  publishTestResults(file: string, runTitle: string): void;
  progress(percent: number, text: string): void;
  /** The worst result wins when it is called more than once. */
  complete(result: TaskResult, message: string): void;
}

export type TaskResult = 'Succeeded' | 'SucceededWithIssues' | 'Failed';

/** Which kind of run this is and what it says of itself. Read in one place so that nothing else tells builds and releases apart. */
export interface Host {
  readonly type: 'build' | 'release' | 'terminal';
  /** `https://dev.azure.com/org/` with a slash at the end. */
  readonly collectionUrl?: string;
  readonly project?: string;
  readonly projectId?: string;
  /** Who asked for the run, as Azure DevOps shows the name. */
  readonly requestedFor?: string;
  /** A page that shows this run. */
  readonly runUrl?: string;
  readonly runId?: string;
  readonly runName?: string;
  readonly pipelineName?: string;
  readonly stageName?: string;
  readonly attempt?: string;
  readonly pullRequestId?: string;
  readonly repository?: HostRepository;
  /** Classic releases only: every artifact that is a repository, the primary one first. */
  readonly sourceArtifacts?: readonly HostRepository[];
}

/** The repository the run was started for. In a classic release: of the Git artifact, see `artifactAlias`. */
export interface HostRepository {
  /** `TfsGit`, `TfsVersionControl`, `GitHub`, ... as `Build.Repository.Provider` says it. */
  readonly provider?: string;
  readonly id?: string;
  readonly name?: string;
  readonly url?: string;
  /** A commit id, or a changeset number for TFVC. */
  readonly version?: string;
  /** `refs/heads/main` */
  readonly ref?: string;
  readonly localPath?: string;
  readonly artifactAlias?: string;
}

export interface ServiceConnection {
  readonly id: string;
  /** The name that the author of the pipeline knows, when the agent tells it. */
  readonly name?: string;
  readonly url: string;
  /** As sent, e.g. `Kubernetes`, `Token`, `WorkloadIdentityFederation`. */
  readonly scheme?: string;
  /** An authorization parameter; values that are secret were masked before this returns. */
  parameter(name: string): string | undefined;
  data(name: string): string | undefined;
}

export interface SystemConnection {
  readonly url: string;
  readonly accessToken: string;
}

export interface NetworkSettings {
  /** `http://host:port`; undefined for a direct connection. */
  readonly proxyUrl?: string;
  readonly proxyUsername?: string;
  readonly proxyPassword?: string;
  /** Regular expressions of URLs that are reached directly (`Agent.ProxyBypassList`). */
  readonly proxyBypass: readonly RegExp[];
  /** PEM text of additional certificate authorities (`Agent.CAInfo`). */
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly clientKeyPassphrase?: string;
  readonly skipCertValidation: boolean;
}

/** Everything that is printed. Each line passes one filter, so that foreign text can form no agent command. */
export interface Log {
  info(text: string): void;
  /** Shown when `System.Debug` is true. */
  debug(text: string): void;
  /** An issue of the run, also shown as an annotation. The agent keeps the first ten of each kind. */
  warning(text: string, at?: IssuePlace): void;
  error(text: string, at?: IssuePlace): void;
  /** A coloured heading. */
  section(title: string): void;
  /** Opens a collapsible group; groups do not nest. */
  group(title: string): void;
  endGroup(): void;
}

export interface IssuePlace extends Partial<Place> {
  readonly code?: string;
}

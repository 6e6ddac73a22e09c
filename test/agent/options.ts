import type { NetworkOptions } from './agent-variables.ts';
import type { Connection, SystemConnection } from './endpoints.ts';
import type { NodeVersion } from './node-runtimes.ts';
import type { RuleName } from './rules/index.ts';
import type { HostType } from './step.ts';

export interface RunOptions {
  /** The task's name in the VSIX. */
  readonly task?: string;
  /** Default: GITOPS_TEST_VSIX, else the newest in dist. */
  readonly vsix?: string;
  /** The folder of a built task, instead of a task in a VSIX. */
  readonly taskFolder?: string;

  /** By name or alias, as a pipeline's author writes them. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** By the name of the input that takes it; text is the path of a kubeconfig. The input is set to the connection's id. */
  readonly connections?: Readonly<Record<string, Connection | string>>;
  /** By the name of the `secureFile` input. */
  readonly secureFiles?: Readonly<
    Record<string, { readonly id: string; readonly name: string; readonly ticket: string }>
  >;
  /** Pipeline variables, over those of the host. A variable of the host is taken away by undefined. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly secretVariables?: Readonly<Record<string, string>>;
  /** Left by an earlier stage of the same step. */
  readonly taskVariables?: Readonly<Record<string, string>>;
  /** Folders that earlier steps put on the PATH, oldest first. */
  readonly prependPath?: readonly string[];
  /** Added to the agent's own environment, e.g. KUBECONFIG or a PATH with helm. */
  readonly environment?: Readonly<Record<string, string>>;

  /** Default: build. */
  readonly host?: HostType;
  /** Default: 20, as agents do by default even when the task has a Node24 handler. */
  readonly node?: NodeVersion;
  /** System.DefaultWorkingDirectory: the checkout, or the artifacts' folder of a release. Default: an empty folder. */
  readonly workdir?: string;
  /** The job checks out several repositories: relative `filePath` inputs then begin at the working directory. */
  readonly multipleCheckouts?: boolean;
  /** Where the repository lies. Default: the working directory. */
  readonly repositoryPath?: string;
  /** The step's `name` in YAML. Default: the task's name. */
  readonly referenceName?: string;
  readonly network?: NetworkOptions;
  /** Default: an address of this machine where nothing answers. */
  readonly systemConnection?: SystemConnection;
  /** System.Debug. */
  readonly debug?: boolean;

  /** Cancel after so many milliseconds; */
  readonly cancelAfter?: number;
  /** as soon as a line of the log holds this text; */
  readonly cancelOn?: string;
  /** as soon as this says so of a line of the log; */
  readonly cancelWhen?: (line: string) => boolean;
  /** or when this is aborted. */
  readonly signal?: AbortSignal;
  /** The job's timeout, in milliseconds. Default: 10 minutes. */
  readonly timeoutMs?: number;
  /** How long output is read after the task has ended; the agent waits 5000 ms. */
  readonly outputGraceMs?: number;
  /** Every line of the log, masked, as it comes. */
  readonly onLog?: (line: string) => void;

  /** Text that the test put into markers of its data; see the rule `marker-from-data`. */
  readonly fixtureMarkers?: readonly string[];
  /** Values that the task derives or receives and must never show. */
  readonly sensitiveValues?: readonly string[];
  /** Patterns, relative to a temp folder, of files that may stay there. */
  readonly allowLeftovers?: readonly string[];
  /** `area.event` in lower case. Default: what the product has reason to send. */
  readonly allowedCommands?: readonly string[];
  /** Rules that are taken out. */
  readonly without?: readonly RuleName[];
  /** Broken rules are in the result only; otherwise the run is rejected with a HarnessViolation. */
  readonly expectViolations?: boolean;
  /** Where copies of uploaded files go. Default: a new folder in the system's temp folder, which the caller may remove. */
  readonly outputDirectory?: string;
  /** Keeps the agent's folder, below outputDirectory, so that paths in output variables stay valid. Default: it is removed. */
  readonly keepAgentFolder?: boolean;
}

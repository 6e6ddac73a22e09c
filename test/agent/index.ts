/** The agent harness: runs a packed task exactly as an Azure Pipelines agent does. See docs/agent-harness.md. */
export type { NetworkOptions } from './agent-variables.ts';
export type { Connection, SystemConnection } from './endpoints.ts';
export { type GitCheckout, readGitCheckout } from './git-checkout.ts';
export { kubeconfigConnection } from './kubeconfig-connection.ts';
export { type NodeVersion, nodeVersions } from './node-runtimes.ts';
export type { RunOptions } from './options.ts';
export {
  type BuildOptions,
  buildVariables,
  type PipelineOptions,
  type ReleaseArtifact,
  type ReleaseOptions,
  releaseVariables,
} from './pipeline-variables.ts';
export { defaultAllowedCommands } from './rules/command-rules.ts';
export { type RuleName, rules, type Violation } from './rules/index.ts';
export { runTask } from './run-task.ts';
export type { HostType, Issue } from './step.ts';
export { HarnessViolation, type TaskRun, type UploadedFile } from './task-run.ts';

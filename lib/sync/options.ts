import type { Agent } from '../ports/agent/agent.ts';
import { boolean, csv, dnsLabel, duration, integer, lines, pickList, string } from '../ports/agent/input-fields.ts';
import { type InputsOf, readInputs } from '../ports/agent/inputs.ts';

const shape = {
  action: pickList(['sync', 'plan', 'apply', 'rollback', 'drift', 'status', 'destroy'], { default: 'sync' }),
  syncSet: dnsLabel({ required: true }),
  environment: string(),
  connectionType: pickList(['kubernetesServiceConnection', 'kubeconfig', 'inCluster'], {
    default: 'kubernetesServiceConnection',
  }),
  kubernetesServiceConnection: string(),
  kubeconfig: string(),
  kubeContext: string(),
  namespace: dnsLabel(),
  inventoryNamespace: dnsLabel(),
  renderType: pickList(['auto', 'manifests', 'kustomize', 'helm'], { default: 'auto' }),
  manifests: lines(),
  releaseName: dnsLabel(),
  valueFiles: lines(),
  overrides: lines(),
  chartRepository: string(),
  chartVersion: string(),
  chartDigest: string(),
  registryConnection: string(),
  kubernetesVersion: string(),
  apiVersions: lines(),
  substitute: lines(),
  decryptSops: boolean(),
  kustomizePath: string(),
  helmPath: string(),
  sopsPath: string(),
  protectedBranch: string(),
  repositoryPath: string(),
  allowUnmerged: boolean(),
  allowOlder: boolean(),
  commitStatus: boolean({ default: true }),
  prune: boolean({ default: true }),
  maxPrune: integer({ min: 0 }),
  allowEmpty: boolean(),
  confirmDestroy: string(),
  deleteProtectedKinds: csv(),
  conflicts: pickList(['auto', 'fail', 'force', 'yield'], { default: 'auto' }),
  adopt: pickList(['ifUnowned', 'never', 'always'], { default: 'ifUnowned' }),
  foreignFields: pickList(['correct', 'report', 'ignore'], { default: 'correct' }),
  preflight: pickList(['server', 'client'], { default: 'server' }),
  wait: pickList(['all', 'changed', 'none'], { default: 'all' }),
  timeout: duration({ default: '10m', min: 1000 }),
  failOnDrift: boolean(),
  guardrails: string(),
  requireGuardrails: boolean(),
  breakGlass: string(),
  lockTimeout: duration({ default: '10m' }),
  planStore: pickList(['cluster', 'none'], { default: 'cluster' }),
  planDigest: string(),
  revision: string(),
  rollbackOnFailure: boolean(),
  release: boolean(),
};

/** The inputs of GitOpsSync, each of its own type. */
export type SyncOptions = InputsOf<typeof shape>;

/** Reads and checks all inputs; throws one InputError with everything that is wrong. */
export function readSyncOptions(agent: Agent): SyncOptions {
  return readInputs(agent, shape, (inputs) => {
    const problems = [];
    const renders = inputs.action === 'sync' || inputs.action === 'plan' || inputs.action === 'drift';
    if (renders && inputs.manifests.length === 0) {
      problems.push({
        input: 'manifests',
        code: 'input-required',
        message: `Input \`manifests\` is empty; action ${inputs.action} needs the files, folders or globs that Git declares, one a line. For example \`deploy/\`.`,
      });
    }
    if (inputs.connectionType === 'kubernetesServiceConnection' && inputs.kubernetesServiceConnection === undefined) {
      problems.push({
        input: 'kubernetesServiceConnection',
        code: 'input-required',
        message:
          'Input `kubernetesServiceConnection` is empty. Set it to the name of a Kubernetes service connection of the project, or set connectionType to kubeconfig or inCluster.',
      });
    }
    if (inputs.action === 'apply' && !/^[0-9a-f]{12,64}$/.test(inputs.planDigest ?? '')) {
      problems.push({
        input: 'planDigest',
        code: 'input-required',
        message: `Input \`planDigest\` is '${inputs.planDigest ?? ''}'; action apply needs the digest of an approved plan: the output variable planDigest of the step that made it, at least its first 12 digits.`,
      });
    }
    if (
      inputs.action === 'rollback' &&
      inputs.revision !== undefined &&
      !/^(previous|[1-9][0-9]*)$/.test(inputs.revision)
    ) {
      problems.push({
        input: 'revision',
        code: 'input-invalid',
        message: `Input \`revision\` is '${inputs.revision}'; expected previous or the number of a revision, as action status lists them.`,
      });
    }
    if (inputs.action === 'destroy' && inputs.confirmDestroy !== inputs.syncSet) {
      problems.push({
        input: 'confirmDestroy',
        code: 'input-invalid',
        message: `Input \`confirmDestroy\` is '${inputs.confirmDestroy ?? ''}'; destroy deletes everything that the set '${inputs.syncSet}' made, so it must be '${inputs.syncSet}'.`,
      });
    }
    return problems;
  });
}

export const defaultEnvironment = 'default';

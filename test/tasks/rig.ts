/**
 * What tests of packed tasks work with: a team's repository in Azure Repos, checkouts as an agent makes them, and runs of a task in them
 * against the shared cluster. Each deployment has a sync set and a namespace of its own.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { RunResult } from '../../lib/core/plan/result.ts';
import { type RunOptions, runTask, type TaskRun } from '../agent/index.ts';
import type { ServedRepository } from '../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../azure-devops/server.ts';
import { type Cluster, type ClusterClient, sharedCluster } from '../cluster/index.ts';

const execute = promisify(execFile);
const identity = ['-c', 'user.name=Ada Lovelace', '-c', 'user.email=ada@example.com'];

/** Text of files by their paths in the repository; null removes a file. */
export type Files = Readonly<Record<string, string | Uint8Array | null>>;

/** Everything that the tests of one file share. */
export interface Rig {
  readonly cluster: Cluster;
  readonly azureDevOps: AzureDevOps;
  /** Where checkouts and other files of the tests go; removed at the end. */
  readonly folder: string;
  /** A repository with one commit on its main branch, a new sync set and a new namespace. */
  deployment(files?: Files): Promise<Deployment>;
}

/** Starts a rig before the tests of the enclosing `describe` and ends it after them. */
export function useRig(): Rig {
  const parts: { cluster?: Cluster; azureDevOps?: AzureDevOps; folder?: string } = {};
  const deployments: Deployment[] = [];
  const part = <K extends keyof typeof parts>(name: K): NonNullable<(typeof parts)[K]> => {
    const value = parts[name];
    if (value === undefined) throw new Error(`${name} is there only while tests run`);
    return value as NonNullable<(typeof parts)[K]>;
  };

  before(async function () {
    this.timeout(120_000);
    parts.folder = await mkdtemp(join(tmpdir(), 'gitops-tasks-'));
    parts.cluster = await sharedCluster();
    parts.azureDevOps = await startAzureDevOps();
  });

  after(async function () {
    this.timeout(60_000);
    for (const deployment of deployments) await deployment.dispose();
    await parts.azureDevOps?.stop();
    if (parts.folder !== undefined) await rm(parts.folder, { recursive: true, force: true });
  });

  return {
    get cluster() {
      return part('cluster');
    },
    get azureDevOps() {
      return part('azureDevOps');
    },
    get folder() {
      return part('folder');
    },
    async deployment(files = {}) {
      const deployment = await Deployment.create(
        { cluster: part('cluster'), azureDevOps: part('azureDevOps'), folder: part('folder') },
        files,
      );
      deployments.push(deployment);
      return deployment;
    },
  };
}

type Surroundings = Pick<Rig, 'cluster' | 'azureDevOps' | 'folder'>;

/** A checkout's folder, a release's folder of artifacts, or nothing for a fresh checkout of the main branch. */
export interface RunSettings extends Omit<RunOptions, 'task'> {
  readonly action?: string;
}

/** A run of a task and what it left behind, read. */
export interface Run extends TaskRun {
  /** The JSON report. Throws when there is none. */
  readonly report: RunResult;
  /** The summary page. */
  readonly summary: string;
  /** The test results' XML. */
  readonly tests: string;
  /** Everything that leaves the task: log, reports, variables. */
  readonly everything: string;
}

export class Deployment {
  readonly set: string;
  readonly namespace: string;
  readonly repository: ServedRepository;
  readonly client: ClusterClient;
  readonly #around: Surroundings;
  /** A developer's clone. */
  readonly clone: string;
  #checkouts = 0;

  private constructor(around: Surroundings, repository: ServedRepository, id: string) {
    this.#around = around;
    this.repository = repository;
    this.set = `set-${id}`;
    this.namespace = `tasks-${id}`;
    this.clone = join(around.folder, id, 'developer');
    this.client = around.cluster.client();
  }

  static async create(around: Surroundings, files: Files): Promise<Deployment> {
    const id = randomBytes(4).toString('hex');
    const repository = await around.azureDevOps.addRepository(`config-${id}`);
    const deployment = new Deployment(around, repository, id);
    await mkdir(deployment.clone, { recursive: true });
    await deployment.git('init', '--quiet', '--initial-branch=main');
    await deployment.git('remote', 'add', 'origin', repository.folder);
    await deployment.merge(Object.keys(files).length > 0 ? files : { 'deploy/config.yaml': configMap('config') });
    await deployment.client.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: deployment.namespace },
    });
    return deployment;
  }

  /** Git in the developer's clone. */
  async git(...args: string[]): Promise<string> {
    const { stdout } = await execute('git', [...identity, '-C', this.clone, ...args]);
    return stdout.trim();
  }

  /** Changes files and pushes them as one commit to the main branch, as a merged pull request does. Returns its id. */
  async merge(files: Files, message = 'Change the configuration'): Promise<string> {
    await this.commit(files, message);
    await this.git('push', '--quiet', 'origin', 'HEAD:main');
    return this.git('rev-parse', 'HEAD');
  }

  /** One commit in the developer's clone, not pushed. */
  async commit(files: Files, message: string): Promise<string> {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.clone, name);
      if (text === null) {
        await rm(path, { recursive: true });
        continue;
      }
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** A new checkout of depth 1 with a detached HEAD, as the agent makes it. */
  async checkout(ref = 'main', folderName = 's'): Promise<string> {
    this.#checkouts += 1;
    const folder = join(dirname(this.clone), `job-${this.#checkouts}`, folderName);
    await mkdir(folder, { recursive: true });
    const git = (...args: string[]) => execute('git', ['-C', folder, ...args]);
    const { token } = this.#around.azureDevOps;
    await git('init', '--quiet');
    await git('remote', 'add', 'origin', this.repository.url);
    const header = `http.extraheader=AUTHORIZATION: bearer ${token}`;
    await git('-c', header, 'fetch', '--quiet', '--no-tags', '--depth=1', 'origin', ref);
    await git('checkout', '--quiet', '--detach', 'FETCH_HEAD');
    return folder;
  }

  /** Runs GitOpsSync. What the settings do not say is as in an ordinary pipeline of the main branch. */
  async run(settings: RunSettings = {}): Promise<Run> {
    const { action, ...options } = settings;
    const { azureDevOps, cluster } = this.#around;
    const run = await runTask({
      task: 'GitOpsSync',
      workdir: options.workdir ?? (await this.checkout()),
      timeoutMs: 60_000,
      systemConnection: { url: azureDevOps.collectionUrl, token: azureDevOps.token },
      ...(takesConnection(options) ? { connections: { kubernetesServiceConnection: cluster.kubeconfig } } : {}),
      ...options,
      inputs: {
        action: action ?? 'sync',
        syncSet: this.set,
        namespace: this.namespace,
        manifests: 'deploy',
        timeout: '30s',
        ...options.inputs,
      },
      variables: {
        'Build.Repository.ID': options.host === 'release' ? undefined : this.repository.id,
        'System.TeamProject': azureDevOps.project.name,
        'System.TeamProjectId': azureDevOps.project.id,
        ...options.variables,
      },
      sensitiveValues: [cluster.token, ...(options.sensitiveValues ?? [])],
    });
    return withFiles(run);
  }

  /** An object of the deployment's namespace, e.g. `find('configmaps/config')` or `find('deployments/web', 'apps/v1')`. */
  find(path: string, apiVersion = 'v1') {
    return this.client.find(this.path(path, apiVersion));
  }

  path(path: string, apiVersion = 'v1'): string {
    return `/${apiVersion === 'v1' ? 'api' : 'apis'}/${apiVersion}/namespaces/${this.namespace}/${path}`;
  }

  async dispose(): Promise<void> {
    try {
      await this.client.delete(`/api/v1/namespaces/${this.namespace}`);
    } finally {
      await this.client.close();
    }
  }
}

function takesConnection(options: Omit<RunOptions, 'task'>): boolean {
  return (options.inputs?.['connectionType'] ?? 'kubernetesServiceConnection') === 'kubernetesServiceConnection';
}

async function withFiles(run: TaskRun): Promise<Run> {
  const read = async (path: string | undefined): Promise<string> =>
    path === undefined ? '' : await readFile(path, 'utf8');
  const json = await read(run.attachments.find(({ type }) => type === 'gitops.result')?.path);
  const summary = await read(run.summaries[0]?.path);
  const tests = await read(run.testResults[0]);
  await rm(run.outputDirectory, { recursive: true, force: true });
  const variables = JSON.stringify([run.variables, run.outputVariables, run.issues, run.progress]);
  return {
    ...run,
    get report(): RunResult {
      if (json === '') throw new Error(`The run attached no result. Its log:\n${run.log}`);
      return JSON.parse(json) as RunResult;
    },
    summary,
    tests,
    everything: [run.log, json, summary, tests, variables].join('\n'),
  };
}

/** A ConfigMap's manifest. */
export function configMap(name: string, data: Readonly<Record<string, string>> = { color: 'blue' }): string {
  return yaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
}

/** A Deployment's manifest whose Pods behave as the annotations say; see test/cluster/node/README.md. */
export function deploymentManifest(
  name: string,
  options: { readonly image?: string; readonly pod?: string; readonly replicas?: number } = {},
): string {
  const labels = { app: name };
  const annotations = { 'test.gitops.pipelines/pod': options.pod ?? 'ready' };
  const containers = [{ name: 'web', image: options.image ?? 'example.com/web:1.0' }];
  return yaml({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: options.replicas ?? 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { containers } },
    },
  });
}

/** A Pod's manifest that ends with exit code 1 at once, after it wrote these lines. */
export function failingPod(name: string, log: string): string {
  const annotations = { 'test.gitops.pipelines/pod': 'fail', 'test.gitops.pipelines/log': log };
  const spec = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example.com/job:1.0' }] };
  return yaml({ apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations }, spec });
}

/** One YAML document; JSON is YAML too. */
export function yaml(object: unknown): string {
  return `${JSON.stringify(object, undefined, 2)}\n`;
}

import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runTask, type TaskRun } from '../../test/agent/index.ts';
import type { ServedRepository } from '../../test/azure-devops/served-repository.ts';
import type { AzureDevOps } from '../../test/azure-devops/server.ts';
import type { Cluster } from '../../test/cluster/index.ts';
import { command, logLine } from './stage.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

export interface Surroundings {
  readonly vsix: string;
  readonly cluster: Cluster;
  readonly azureDevOps: AzureDevOps;
  readonly folder: string;
}

/** A team's repository in Azure Repos, and the pipeline that runs on every merge to its main. */
export class Pipeline {
  readonly cluster: Cluster;
  readonly azureDevOps: AzureDevOps;
  readonly #around: Surroundings;
  readonly #repository: ServedRepository;
  /** A developer's clone. */
  readonly #clone: string;
  #runs = 0;

  private constructor(around: Surroundings, repository: ServedRepository, clone: string) {
    this.#around = around;
    this.cluster = around.cluster;
    this.azureDevOps = around.azureDevOps;
    this.#repository = repository;
    this.#clone = clone;
  }

  static async create(around: Surroundings): Promise<Pipeline> {
    const repository = await around.azureDevOps.addRepository('shop');
    const clone = join(around.folder, 'developer');
    await cp(join(root, 'examples', 'shop'), clone, { recursive: true });
    const pipeline = new Pipeline(around, repository, clone);
    await pipeline.#git('init', '--quiet', '--initial-branch=main');
    await pipeline.#git('remote', 'add', 'origin', repository.folder);
    return pipeline;
  }

  /** Everything that changed in the clone, as a merged pull request. */
  async merge(title: string): Promise<string> {
    command(`git merge: "${title}"`);
    await this.#git('add', '--all');
    await this.#git('commit', '--quiet', '--message', title);
    await this.#git('push', '--quiet', 'origin', 'main');
    return this.#git('rev-parse', 'HEAD');
  }

  async edit(file: string, change: (text: string) => string): Promise<void> {
    const path = join(this.#clone, file);
    const before = await readFile(path, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} was to be changed and was not.`);
    await writeFile(path, after);
  }

  async remove(file: string): Promise<void> {
    await rm(join(this.#clone, file));
  }

  /** One run of the pipeline: a fresh checkout of depth 1, as the agent makes it, and the packed task in it. */
  async run(action: string, inputs: Record<string, string> = {}): Promise<TaskRun> {
    const checkout = await this.#folder();
    await this.#checkOut(checkout);
    return this.#runIn(checkout, action, { manifests: 'deploy', ...inputs });
  }

  /** A run on another agent that checks nothing out. */
  async runWithoutCheckout(action: string, inputs: Record<string, string> = {}): Promise<TaskRun> {
    return this.#runIn(await this.#folder(), action, inputs);
  }

  async #folder(): Promise<string> {
    this.#runs += 1;
    const folder = join(this.#around.folder, `run-${this.#runs}`, 's');
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async #checkOut(checkout: string): Promise<void> {
    const { azureDevOps } = this.#around;
    const git = (...args: string[]) => run('git', ['-C', checkout, ...args]);
    await git('init', '--quiet');
    await git('remote', 'add', 'origin', this.#repository.url);
    await git(
      '-c',
      `http.extraheader=AUTHORIZATION: bearer ${azureDevOps.token}`,
      'fetch',
      '--quiet',
      '--depth=1',
      'origin',
      'main',
    );
    await git('checkout', '--quiet', '--detach', 'FETCH_HEAD');
  }

  async #runIn(checkout: string, action: string, inputs: Record<string, string>): Promise<TaskRun> {
    const { azureDevOps, cluster, vsix } = this.#around;
    const shown = Object.entries(inputs)
      .map(([name, value]) => ` ${name}=${value}`)
      .join('');
    command(`GitOpsSync@0  action=${action} syncSet=shop environment=production${shown}`);
    const result = await runTask({
      vsix,
      task: 'GitOpsSync',
      workdir: checkout,
      inputs: {
        action,
        syncSet: 'shop',
        environment: 'production',
        namespace: 'shop',
        timeout: '2m',
        ...inputs,
      },
      connections: { kubernetesServiceConnection: cluster.kubeconfig },
      systemConnection: { url: azureDevOps.collectionUrl, token: azureDevOps.token },
      variables: {
        'Build.Repository.ID': this.#repository.id,
        'Build.Repository.Name': this.#repository.name,
        'System.TeamProject': azureDevOps.project.name,
        'System.TeamProjectId': azureDevOps.project.id,
        'System.CollectionUri': azureDevOps.collectionUrl,
        'System.TeamFoundationCollectionUri': azureDevOps.collectionUrl,
      },
      onLog: logLine,
    });
    const lastStatus = azureDevOps.statuses.at(-1)?.status;
    if (action === 'sync' && lastStatus !== undefined) {
      logLine(`(commit status in Azure Repos: ${String(lastStatus['state'])})`);
    }
    return result;
  }

  async #git(...args: string[]): Promise<string> {
    const identity = ['-c', 'user.name=Ada Lovelace', '-c', 'user.email=ada@example.com'];
    const { stdout } = await run('git', [...identity, '-C', this.#clone, ...args]);
    return stdout.trim();
  }
}

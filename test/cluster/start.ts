import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterClient } from './client.ts';
import {
  apiServerArguments,
  auditLogOf,
  type ControlPlaneOptions,
  controllerManagerArguments,
  etcdArguments,
  makeTokens,
  nodeArguments,
  type Ports,
  type SystemTokens,
  schedulerArguments,
  serverCertificate,
  writeControlPlaneFiles,
  writeSystemKubeconfigs,
} from './control-plane.ts';
import { newClusterFolder, remove, sweepAbandoned, writeRecord } from './directories.ts';
import { freePorts, lastLines, type Running, start } from './processes.ts';
import { clusterPrograms, type ProgramName } from './programs.ts';

export interface StartOptions extends ControlPlaneOptions {
  /** Default: made up. */
  readonly name?: string;
  /** Outlive this process; `cluster down` ends it. */
  readonly detached?: boolean;
}

/** What runs, before it gets the face that tests see. */
export interface StartedCluster {
  readonly name: string;
  readonly folder: string;
  readonly server: string;
  readonly ca: string;
  readonly kubeconfig: string;
  readonly token: string;
  stopApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  stop(): Promise<void>;
}

const startLimitMs = 90_000;

/** Starts the programs and waits until Pods can be made. Throws with the end of the log of what failed. */
export async function startPrograms(options: StartOptions): Promise<StartedCluster> {
  sweepAbandoned();
  const programs = await clusterPrograms();
  for (let tries = 1; ; tries++) {
    const start = new Start(options, programs, await fourPorts());
    try {
      return await start.run();
    } catch (error) {
      await start.stop();
      // Between finding a free port and using it, somebody else may have taken it.
      if (tries === 3 || !/address already in use/.test(String(error))) throw error;
    }
  }
}

async function fourPorts(): Promise<Ports> {
  const [etcd, etcdPeer, apiServer, node] = (await freePorts(4)) as [number, number, number, number];
  return { etcd, etcdPeer, apiServer, node };
}

class Start {
  readonly #options: StartOptions;
  readonly #programs: Record<ProgramName, string>;
  readonly #ports: Ports;
  readonly #name: string;
  readonly #folder: string;
  readonly #tokens: SystemTokens;
  readonly #running = new Map<ProgramName, Running>();
  readonly #removeAtExit: () => void;

  constructor(options: StartOptions, programs: Record<ProgramName, string>, ports: Ports) {
    this.#options = options;
    this.#programs = programs;
    this.#ports = ports;
    this.#name = options.name ?? `test-${randomBytes(4).toString('hex')}`;
    this.#folder = newClusterFolder(this.#name);
    this.#tokens = makeTokens();
    this.#record();
    this.#removeAtExit = () => {
      for (const { pid, exitCode } of this.#running.values()) if (exitCode === undefined) process.kill(pid, 'SIGKILL');
      remove(this.#folder);
    };
    if (!options.detached) process.once('exit', this.#removeAtExit);
  }

  async run(): Promise<StartedCluster> {
    const folder = this.#folder;
    writeControlPlaneFiles(folder, this.#ports, this.#tokens);
    this.#start('etcd', etcdArguments(folder, this.#ports));
    this.#startApiServer();
    await this.#until('kube-apiserver to make its certificate', async () => existsSync(serverCertificate(folder)));
    const ca = readFileSync(serverCertificate(folder), 'utf8');
    const server = `https://127.0.0.1:${this.#ports.apiServer}`;
    const kubeconfig = writeSystemKubeconfigs(folder, server, ca, this.#tokens);
    this.#start('node', nodeArguments(folder, this.#ports));
    const client = new ClusterClient(server, ca, this.#tokens.admin);
    try {
      await this.#answers(client, '/readyz');
      this.#start('kube-controller-manager', controllerManagerArguments(folder));
      this.#start('kube-scheduler', schedulerArguments(folder));
      await this.#answers(client, '/api/v1/namespaces/default/serviceaccounts/default');
      await this.#schedulable(client);
    } finally {
      await client.close();
    }
    return {
      name: this.#name,
      folder,
      server,
      ca,
      kubeconfig,
      token: this.#tokens.admin,
      stopApiServer: async () => {
        await this.#running.get('kube-apiserver')?.stop();
        this.#running.delete('kube-apiserver');
      },
      startApiServer: async () => {
        if (this.#running.has('kube-apiserver')) return;
        this.#startApiServer();
        const again = new ClusterClient(server, ca, this.#tokens.admin);
        await this.#answers(again, '/readyz').finally(() => again.close());
      },
      stop: () => this.stop(),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((one) => one.stop()));
    process.removeListener('exit', this.#removeAtExit);
    remove(this.#folder);
  }

  #startApiServer(): void {
    this.#start('kube-apiserver', apiServerArguments(this.#folder, this.#ports, this.#options));
  }

  #start(name: ProgramName, args: readonly string[]): void {
    const command = [this.#programs[name], ...args];
    this.#running.set(
      name,
      start(this.#programs.supervise, this.#folder, name, command, this.#options.detached ?? false),
    );
    this.#record();
  }

  #record(): void {
    writeRecord(this.#folder, {
      name: this.#name,
      server: `https://127.0.0.1:${this.#ports.apiServer}`,
      token: this.#tokens.admin,
      nodePort: this.#ports.node,
      ...(this.#options.audit ? { auditLog: auditLogOf(this.#folder) } : {}),
      owner: process.pid,
      detached: this.#options.detached ?? false,
      processes: [...this.#running.values()].map((one) => one.pid),
    });
  }

  async #answers(client: ClusterClient, path: string): Promise<void> {
    await this.#until(`an answer to ${path}`, async () => (await client.request('GET', path)).status === 200);
  }

  /** The node is Ready and the controller has taken the taint off that it had until then. */
  async #schedulable(client: ClusterClient): Promise<void> {
    await this.#until('the node to take Pods', async () => {
      const { status, body } = await client.request('GET', '/api/v1/nodes/node-1');
      return status === 200 && !(body as { spec: { taints?: unknown } }).spec.taints;
    });
  }

  async #until(what: string, done: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + startLimitMs;
    while (!(await done().catch(() => false))) {
      for (const one of this.#running.values()) {
        if (one.exitCode === undefined) continue;
        const end = lastLines(one.log);
        throw new Error(
          `The test cluster did not start: ${one.name} ended with ${one.exitCode}. Its log ends:\n${end}`,
        );
      }
      if (Date.now() > end) {
        const logs = [...this.#running.values()].map((one) => `--- ${one.name}\n${lastLines(one.log, 5)}`).join('\n');
        throw new Error(`The test cluster did not start within ${startLimitMs / 1000} s: waited for ${what}.\n${logs}`);
      }
      await delay(50);
    }
  }
}

/**
 * One folder for each cluster, in the system's temp folder: data, logs, certificates, kubeconfigs and `cluster.json`,
 * which says whose processes run there. Nothing of it is worth keeping.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../tools/lock.ts';

/** What another process needs to use or stop a cluster. */
export interface ClusterRecord {
  readonly name: string;
  readonly server: string;
  readonly token: string;
  /** Port of the fake node's TLS server. */
  readonly nodePort: number;
  readonly auditLog?: string;
  /** The process that started it; the cluster ends with it unless it is detached. */
  readonly owner: number;
  readonly detached: boolean;
  /** The supervisors of its programs: ending them ends the programs. */
  readonly processes: readonly number[];
}

export function clustersFolder(): string {
  return join(tmpdir(), `gitops-test-clusters-${process.getuid?.() ?? 'user'}`);
}

export function clusterFolder(name: string): string {
  return join(clustersFolder(), name);
}

export function newClusterFolder(name: string): string {
  const folder = clusterFolder(name);
  const record = readRecord(folder);
  if (record !== undefined && runningProcesses(folder, record).length > 0) {
    throw new Error(`A test cluster named ${name} runs already (${folder}).`);
  }
  remove(folder);
  for (const part of ['certificates', 'logs', 'users', 'etcd']) {
    mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
  }
  return folder;
}

export function writeRecord(folder: string, record: ClusterRecord): void {
  writeFileSync(join(folder, 'cluster.json'), JSON.stringify(record, undefined, 2), { mode: 0o600 });
}

export function readRecord(folder: string): ClusterRecord | undefined {
  const file = join(folder, 'cluster.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ClusterRecord) : undefined;
}

/** Whether it still runs: while its owner lives, and a detached one also while any program does. */
export function isRunning(folder: string, record: ClusterRecord): boolean {
  return isAlive(record.owner) || (record.detached && runningProcesses(folder, record).length > 0);
}

/** The record's processes that still are what they were: a process id may since have gone to another program. */
export function runningProcesses(folder: string, record: ClusterRecord): number[] {
  return record.processes.filter((pid) => {
    if (!isAlive(pid)) return false;
    const commandLine = `/proc/${pid}/cmdline`;
    return !existsSync('/proc/self/cmdline') || readIfThere(commandLine).includes(folder);
  });
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Ends what a dead process left running, which its supervisors do too, and removes its folder. */
export function sweepAbandoned(): void {
  const all = clustersFolder();
  if (!existsSync(all)) return;
  for (const name of readdirSync(all)) {
    const folder = join(all, name);
    const record = readRecord(folder);
    if (record === undefined) {
      // Being made by another process, or left by one that died while making it.
      if (Date.now() - statSync(folder).mtimeMs > 10 * 60_000) remove(folder);
    } else if (!isRunning(folder, record)) {
      for (const pid of runningProcesses(folder, record)) process.kill(pid, 'SIGKILL');
      remove(folder);
    }
  }
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

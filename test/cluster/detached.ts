/** Clusters that outlive the process that started them: what `npm run cluster` works with. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClusterRecord,
  clusterFolder,
  clustersFolder,
  readRecord,
  remove,
  runningProcesses,
} from './directories.ts';

export function detachedClusters(): ClusterRecord[] {
  if (!existsSync(clustersFolder())) return [];
  return readdirSync(clustersFolder())
    .map((name) => readRecord(clusterFolder(name)))
    .filter((record): record is ClusterRecord => record?.detached === true)
    .filter((record) => runningProcesses(clusterFolder(record.name), record).length > 0);
}

/** Path of the administrator's kubeconfig of a detached cluster that runs. */
export function kubeconfigOf(name: string): string | undefined {
  const running = detachedClusters().some((record) => record.name === name);
  return running ? join(clusterFolder(name), 'admin.kubeconfig') : undefined;
}

/** Ends a detached cluster and removes its folder. False when there was none. */
export async function stopDetached(name: string): Promise<boolean> {
  const folder = clusterFolder(name);
  const record = detachedClusters().find((one) => one.name === name);
  if (record === undefined) return false;
  for (const pid of runningProcesses(folder, record)) process.kill(pid, 'SIGTERM');
  for (let tries = 0; runningProcesses(folder, record).length > 0; tries++) {
    if (tries === 100) for (const pid of runningProcesses(folder, record)) process.kill(pid, 'SIGKILL');
    await delay(50);
  }
  remove(folder);
  return true;
}

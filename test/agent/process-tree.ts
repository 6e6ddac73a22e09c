import { readdir, readFile } from 'node:fs/promises';

export interface RunningProcess {
  readonly pid: number;
  readonly commandLine: string;
}

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/**
 * Processes that belong to a job: those that carry its `VSTS_PROCESS_LOOKUP_ID`, as the agent finds them, and also those in the
 * task's session, which a child with an environment of its own does not leave. Ended ones that nobody waited for do not count.
 * Needs /proc; elsewhere it finds nothing.
 */
export async function findProcesses(lookupId: string, session: number): Promise<RunningProcess[]> {
  const found: RunningProcess[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const stat = await readStat(entry);
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') continue;
    if (stat.session !== session && !(await carries(entry, lookupId))) continue;
    const commandLine = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    found.push({ pid: Number(entry), commandLine: commandLine.replaceAll('\0', ' ').trim() });
  }
  return found;
}

async function readStat(pid: string): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The program's name stands in parentheses and may itself hold blanks and parentheses.
  const [state, parent, group, session] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: state ?? '', parent: Number(parent), group: Number(group), session: Number(session) };
}

async function carries(pid: string, lookupId: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environment.split('\0').includes(`VSTS_PROCESS_LOOKUP_ID=${lookupId}`);
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

import { join } from 'node:path';
import { startCluster } from '../../test/cluster/index.ts';
import { type ToolName, tool } from '../../test/tools/index.ts';
import { buildExtension } from '../build/extension.ts';
import { packageExtension } from '../package/extension.ts';
import type { Need, Suite } from './suites.ts';

/** What suites share: made before them, so that a cold cache or a build is on nobody's budget. */
export interface Shared {
  /** Environment for the suites. */
  readonly env: Readonly<Record<string, string>>;
  /** What could not be made, and why; the suites that need it fail. */
  readonly failures: ReadonlyMap<Need, unknown>;
  stop(): Promise<void>;
}

/** Programs that tests run and that Go builds on the first day. */
const TOOLS: readonly ToolName[] = ['helm', 'helm4', 'kustomize', 'sops', 'age-keygen', 'yaml-reference', 'kubectl'];

interface Resource {
  readonly env: Readonly<Record<string, string>>;
  readonly stop?: () => Promise<void>;
}

/** Makes what the suites need, one after another, and prints how long each took. */
export async function prepare(root: string, suites: readonly Suite[], log: (line: string) => void): Promise<Shared> {
  const makers = { vsix: () => makeVsix(root, log), cluster: startSharedCluster, tools: buildTools };
  const env: Record<string, string> = {};
  const failures = new Map<Need, unknown>();
  const stops: (() => Promise<void>)[] = [];
  for (const need of new Set(suites.flatMap((suite) => suite.needs))) {
    const start = performance.now();
    try {
      const resource = await makers[need]();
      Object.assign(env, resource.env);
      if (resource.stop !== undefined) stops.push(resource.stop);
      log(`prepared ${need} in ${((performance.now() - start) / 1000).toFixed(0)} s`);
    } catch (error) {
      failures.set(need, error);
    }
  }
  return {
    env,
    failures,
    stop: async () => {
      for (const stop of stops.reverse()) await stop();
    },
  };
}

async function makeVsix(root: string, log: (line: string) => void): Promise<Resource> {
  const tasks = await buildExtension(root, log);
  const vsix = await packageExtension({ root, tasks, dev: false, outDir: join(root, 'dist'), now: new Date() });
  return { env: { GITOPS_TEST_VSIX: vsix } };
}

async function startSharedCluster(): Promise<Resource> {
  const cluster = await startCluster();
  return { env: { GITOPS_TEST_KUBECONFIG: cluster.kubeconfig }, stop: () => cluster.stop() };
}

/** Built one after another: each build takes all cores. */
async function buildTools(): Promise<Resource> {
  for (const name of TOOLS) await tool(name);
  return { env: {} };
}

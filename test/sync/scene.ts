import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dump } from 'js-yaml';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import type { ActionResult } from '../../lib/sync/action-result.ts';
import { type Cluster, type ClusterClient, sharedCluster, withNamespace } from '../cluster/index.ts';
import { type ToolName, tool } from '../tools/index.ts';
import { type Rig, type RigOptions, rig } from './rig.ts';

/** A namespace of the shared cluster, the sync set of the same name, and ways to look at both. */
export interface Scene {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly client: ClusterClient;
  readonly r: Rig;
  /** The same set, or another, in another manner. */
  rigWith(options: Partial<RigOptions>): Rig;
  /** Runs a program as the administrator, in this namespace. Standard output; throws with standard error. */
  run(program: ToolName, args: readonly string[], options?: RunOptions): Promise<string>;
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Path of a namespaced object: `path('apps/v1', 'deployments', 'web')`. */
  path(apiVersion: string, plural: string, name?: string): string;
  get(apiVersion: string, plural: string, name: string): Promise<Json>;
  find(apiVersion: string, plural: string, name: string): Promise<Json | undefined>;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Also of a program that fails. */
  readonly mayFail?: boolean;
}

/** To be called in a suite: the returned function makes a test of a function that plays in a namespace of its own. */
export function scenes(): (play: (scene: Scene) => Promise<void>) => () => Promise<void> {
  let cluster: Cluster;
  before(async () => {
    cluster = await sharedCluster();
  });
  return (play) => () => withNamespace(cluster, (namespace) => playIn(cluster, namespace, play));
}

export async function playIn(
  cluster: Cluster,
  namespace: string,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const client = cluster.client();
  const rigWith = (options: Partial<RigOptions>) =>
    rig({ kubeconfig: cluster.kubeconfig, set: namespace, namespace, ...options });
  const run: Scene['run'] = async (program, args, options = {}) => {
    const environment = { ...process.env, KUBECONFIG: cluster.kubeconfig, ...options.environment };
    const running = promisify(execFile)(await tool(program), ['--namespace', namespace, ...args], {
      env: environment,
      maxBuffer: 64 * 1024 * 1024,
    });
    running.child.stdin?.end(options.input ?? '');
    try {
      return (await running).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      if (options.mayFail) return stdout + stderr;
      throw new Error(`${program} ${args.join(' ')}: ${stderr}${stdout}`, { cause: error });
    }
  };
  const path: Scene['path'] = (apiVersion, plural, name) =>
    `${apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`}/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
  try {
    await play({
      cluster,
      namespace,
      client,
      r: rigWith({}),
      rigWith,
      run,
      kubectl: (args, options) => run('kubectl', args, options),
      path,
      get: (apiVersion, plural, name) => client.get(path(apiVersion, plural, name)),
      find: (apiVersion, plural, name) => client.find(path(apiVersion, plural, name)),
    });
  } finally {
    await client.close();
  }
}

/** Documents of YAML, of objects. */
export function yaml(...objects: readonly Json[]): string {
  return objects.map((object) => `---\n${dump(object, { noRefs: true })}`).join('');
}

export function configMap(name: string, data: Record<string, string> = { key: 'value' }, metadata: Json = {}): Json {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

export function deployment(name: string, spec: Json = {}, container: Json = {}): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      ...spec,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name, image: 'web:1', ...container }] },
      },
    },
  };
}

export function service(name: string): Json {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  };
}

/** The whole result, for the message of an assertion. */
export function told(result: ActionResult): string {
  return JSON.stringify(result, null, 1);
}

/** `data.key a b kubectl-edit`, sorted: every field of every change that a result shows. */
export function fieldsOf(result: ActionResult): string[] {
  return result.changes
    .flatMap((change) => change.fields.map((f) => [f.path, f.before, f.after, f.setBy].join(' ').trimEnd()))
    .sort();
}

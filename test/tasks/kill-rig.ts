/** What the tests of killed runs share: commits that drop and rename objects, a run that dies at one request, and what must be true afterwards. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readlink, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KubernetesObject } from '../../lib/core/objects/kubernetes-object.ts';
import { decodeParent } from '../../lib/sync/inventory.ts';
import { partOfLabel, syncSet } from '../../lib/sync/sync-set.ts';
import { type FaultProxy, startFaultProxy } from '../sync/fault-proxy.ts';
import type { Deployment, Rig, Run, RunSettings } from './rig.ts';

/** One of the moments of a run: at its n-th request, before that is forwarded or after it was done. */
export interface Moment {
  readonly request: number;
  readonly when: 'before' | 'after';
}

/** A moment as it came about. */
export interface Killed {
  /** `12/31 after PATCH /api/v1/namespaces/x/configmaps/stays` */
  readonly at: string;
}

const kinds: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1 configmaps',
  Secret: '/api/v1 secrets',
  Service: '/api/v1 services',
  ServiceAccount: '/api/v1 serviceaccounts',
  Deployment: '/apis/apps/v1 deployments',
  NetworkPolicy: '/apis/networking.k8s.io/v1 networkpolicies',
  Role: '/apis/rbac.authorization.k8s.io/v1 roles',
};

/** A set that is deployed generation after generation through a proxy; each drops, renames and changes objects of the one before. */
export class Victim {
  readonly #deployment: Deployment;
  readonly #proxy: FaultProxy;
  readonly #kubeconfig: string;
  readonly #foreign: readonly KubernetesObject[];
  #generation = 0;
  #workdir = '';

  private constructor(
    deployment: Deployment,
    proxy: FaultProxy,
    kubeconfig: string,
    foreign: readonly KubernetesObject[],
  ) {
    this.#deployment = deployment;
    this.#proxy = proxy;
    this.#kubeconfig = kubeconfig;
    this.#foreign = foreign;
  }

  /** Deployed once, beside objects of others. */
  static async create(rig: Rig): Promise<Victim> {
    const deployment = await rig.deployment({ 'deploy/all.yaml': text(objectsOf(0)) });
    const proxy = await startFaultProxy(rig.cluster);
    const foreign: KubernetesObject[] = [];
    for (const object of foreignObjects()) {
      foreign.push((await deployment.client.create(pathOf(deployment, object), object)) as unknown as KubernetesObject);
    }
    const folder = dirname(deployment.clone);
    await mkdir(folder, { recursive: true });
    const victim = new Victim(deployment, proxy, proxy.kubeconfig(folder), foreign);
    await victim.#checkOut();
    await victim.finish('the first commit');
    return victim;
  }

  /** Merges the next generation. */
  async merge(): Promise<void> {
    this.#generation += 1;
    await this.#deployment.merge({ 'deploy/all.yaml': text(objectsOf(this.#generation)) });
    await this.#checkOut();
  }

  /** How many requests an undisturbed run of the commit sends that is checked out. */
  async countRequests(what: string): Promise<number> {
    await this.finish(what);
    return this.#proxy.requests.length;
  }

  /** Runs the commit that is checked out, and kills the task at a moment. Undefined when it ended before that came. */
  async kill({ request, when }: Moment): Promise<Killed | undefined> {
    let at: string | undefined;
    const workdir = await realpath(this.#workdir);
    const kill = () => killProcessesIn(workdir);
    this.#proxy.reset();
    this.#proxy.fault = async (seen) => {
      // What the dead task had under way is forwarded or not, as the network had it.
      if (seen.number !== request) return undefined;
      at = `${request} ${when} ${seen.method} ${seen.url}`;
      if (when === 'after') return { afterwards: kill };
      await kill();
      return { cut: 'before' };
    };
    const run = await this.#run({ expectViolations: true });
    this.#proxy.reset();
    if (at === undefined) return undefined;
    assert.equal(run.exitCode, 137, `killed by SIGKILL ${at}:\n${run.log}`);
    await this.#letLockExpire();
    return { at };
  }

  /** Runs the commit that is checked out to its end; then the cluster equals Git, and nobody else lost anything. */
  async finish(what: string): Promise<void> {
    this.#proxy.reset();
    const run = await this.#run({});
    assert.equal(run.result, 'Succeeded', `${what}:\n${run.log}`);
    await this.#equalsGit(what);
  }

  async dispose(): Promise<void> {
    await this.#proxy.close();
  }

  async #checkOut(): Promise<void> {
    this.#workdir = await this.#deployment.checkout();
  }

  #run(settings: RunSettings): Promise<Run> {
    return this.#deployment.run({
      workdir: this.#workdir,
      connections: { kubernetesServiceConnection: this.#kubeconfig },
      inputs: { wait: 'none', maxPrune: '20', commitStatus: 'false' },
      ...settings,
    });
  }

  async #equalsGit(what: string): Promise<void> {
    const git = objectsOf(this.#generation);
    const { client, namespace } = this.#deployment;
    const labelled: string[] = [];
    const seen = new Map<string, KubernetesObject>();
    for (const [kind, api] of Object.entries(kinds)) {
      const [root, plural] = api.split(' ');
      for (const item of await client.list(`${root}/namespaces/${namespace}/${plural}`)) {
        const object = { kind, ...item } as unknown as KubernetesObject;
        const name = `${kind} ${object.metadata.name}`;
        seen.set(name, object);
        if (object.metadata.labels?.[partOfLabel] === this.#set.applySetId) labelled.push(name);
      }
    }
    const declared = git.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
    assert.deepEqual(labelled.sort(), declared, `${what}: what carries the set's label is what Git declares`);
    for (const object of git) {
      const live = seen.get(`${object.kind} ${object.metadata.name}`);
      for (const field of ['data', 'rules', 'spec']) contains(live?.[field], object[field], `${what}: ${object.kind}`);
    }
    for (const { kind, metadata } of this.#foreign) {
      const { uid, resourceVersion } = seen.get(`${kind} ${metadata.name}`)?.metadata ?? {};
      const before = [metadata.uid, metadata.resourceVersion];
      assert.deepEqual([uid, resourceVersion], before, `${what}: ${kind} ${metadata.name} is not ours`);
    }
    const parent = await client.get(`/api/v1/namespaces/${namespace}/configmaps/${this.#set.parentName}`);
    const { entries } = decodeParent(this.#set, parent).inventory;
    const recorded = [...entries.values()].map((entry) => `${entry.kind} ${entry.name}`).sort();
    assert.deepEqual(recorded, declared, `${what}: what is recorded is what Git declares`);
    const open = [...entries.values()].filter((entry) => entry.pending !== undefined || entry.uid === undefined);
    assert.deepEqual(open, [], `${what}: nothing is pending`);
  }

  get #set() {
    return syncSet(this.#deployment.set, this.#deployment.namespace, 'default');
  }

  /** As a minute without a sign of life would. */
  async #letLockExpire(): Promise<void> {
    const { client, namespace } = this.#deployment;
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${this.#set.parentName}`;
    if ((await client.find(path)) !== undefined) await client.patch(path, { spec: { holderIdentity: null } });
  }
}

/** Eight objects. Of each generation three have other names than in the one before, and every second has one more. */
function objectsOf(generation: number): KubernetesObject[] {
  const value = `generation ${generation}`;
  const labels = { app: 'web' };
  const object = (apiVersion: string, kind: string, name: string, rest: object): KubernetesObject => ({
    apiVersion,
    kind,
    metadata: { name },
    ...rest,
  });
  return [
    object('v1', 'ConfigMap', 'stays', { data: { value } }),
    object('v1', 'ConfigMap', `settings-${generation}`, { data: { value } }),
    object('v1', 'Secret', `password-${generation}`, { data: { value: Buffer.from(value).toString('base64') } }),
    object('v1', 'ServiceAccount', 'robot', {}),
    object('v1', 'Service', 'web', { spec: { selector: labels, ports: [{ port: 8000 + generation }] } }),
    object('rbac.authorization.k8s.io/v1', 'Role', `reader-${generation}`, {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    }),
    object('networking.k8s.io/v1', 'NetworkPolicy', 'edge', {
      spec: { podSelector: {}, ingress: [{ ports: [{ port: 8000 + generation }] }] },
    }),
    object('apps/v1', 'Deployment', 'web', {
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: `web:${generation}` }] } },
      },
    }),
    ...(generation % 2 === 0 ? [object('v1', 'ConfigMap', 'every-second', { data: { value } })] : []),
  ];
}

/** Made by nobody we know, and by another set. */
function foreignObjects(): KubernetesObject[] {
  const foreign = (name: string, labels: Record<string, string>): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels },
    data: { not: 'ours' },
  });
  return [foreign('foreign', {}), foreign('of-another-set', { [partOfLabel]: 'applyset-another-v1' })];
}

function pathOf(deployment: Deployment, { kind }: KubernetesObject): string {
  const [root, plural] = (kinds[kind] ?? '').split(' ');
  return `${root}/namespaces/${deployment.namespace}/${plural}`;
}

/** JSON is YAML. */
function text(objects: readonly KubernetesObject[]): string {
  return objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
}

/** Everything that is wanted is there; servers add defaults. */
function contains(live: unknown, wanted: unknown, what: string): void {
  if (wanted === undefined) return;
  if (Array.isArray(wanted)) {
    assert.equal((live as unknown[] | undefined)?.length, wanted.length, what);
    for (const [index, item] of wanted.entries()) contains((live as unknown[])[index], item, what);
  } else if (typeof wanted === 'object' && wanted !== null) {
    for (const [key, value] of Object.entries(wanted))
      contains((live as Record<string, unknown> | undefined)?.[key], value, `${what}.${key}`);
  } else {
    assert.equal(live, wanted, what);
  }
}

/** Kills the task that works in a checkout, and what it has started there. */
async function killProcessesIn(workdir: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    if (folder === workdir) process.kill(Number(pid), 'SIGKILL');
  }
}

/** A reproducible series of numbers from 0 to 1 (mulberry32). */
export function randomSeries(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Kills runs at so many random moments, in a few sets at once. After each the cluster has to be brought to equal Git: by the same commit and
 * then the next one, or by the next one at once. Says the seed and the moments; the seed is GITOPS_TEST_SEED, if that is set.
 */
export async function killAtRandomMoments(rig: Rig, kills: number): Promise<void> {
  const seed = Number(process.env['GITOPS_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  const random = randomSeries(seed);
  const moments = Array.from({ length: kills }, () => ({
    part: random(),
    when: random() < 0.5 ? ('before' as const) : ('after' as const),
    again: random() < 0.5,
  }));
  const points: string[] = [];
  const work = async (lane: number): Promise<void> => {
    const victim = await Victim.create(rig);
    try {
      await victim.merge();
      const requests = await victim.countRequests('an undisturbed run');
      for (const [index, moment] of moments.entries()) {
        if (index % lanes !== lane) continue;
        await victim.merge();
        const request = 1 + Math.floor(moment.part * requests);
        const killed = await victim.kill({ request, when: moment.when });
        const what = `seed ${seed}, kill ${index}: ${killed?.at ?? `${request}: the run had ended`}`;
        assert.ok(killed, what);
        points.push(`${killed.at}, then ${moment.again ? 'the same commit and another' : 'another commit'}`);
        if (moment.again) await victim.finish(`${what}, then the same commit`);
        await victim.merge();
        await victim.finish(`${what}, then another commit`);
      }
    } finally {
      await victim.dispose();
    }
  };
  const lanes = Math.min(3, kills);
  const results = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => work(lane)));
  process.stdout.write(`\n    seed ${seed}; killed at request\n${points.map((point) => `      ${point}\n`).join('')}`);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  assert.equal(points.length, kills);
}

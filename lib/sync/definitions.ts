import type { KubernetesObject } from '../core/objects/kubernetes-object.ts';
import type { Problem } from '../errors.ts';
import type { ApiResource } from '../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../ports/kubernetes/kubernetes-client.ts';
import { pause } from '../ports/kubernetes/transport.ts';

const definitions: ApiResource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
  verbs: [],
};

const patience = 60_000;

/**
 * Waits until the server has accepted each definition and serves its kinds: being `Established` comes a moment before being served.
 * Returns what is not served within a minute, and why.
 */
export async function waitForDefinitions(
  client: KubernetesClient,
  applied: readonly KubernetesObject[],
  signal: AbortSignal,
): Promise<{ readonly object: KubernetesObject; readonly problem: Problem }[]> {
  const deadline = Date.now() + patience;
  let waiting = applied.filter((object) => object.kind === 'CustomResourceDefinition');
  if (waiting.length === 0) return [];
  const late: { object: KubernetesObject; problem: Problem }[] = [];
  for (let pauseFor = 50; waiting.length > 0; pauseFor = Math.min(1000, pauseFor * 2)) {
    const catalog = await client.catalog({ refresh: true });
    const still: KubernetesObject[] = [];
    for (const object of waiting) {
      if (kindsOf(object).every(({ apiVersion, kind }) => catalog.find(apiVersion, kind) !== undefined)) continue;
      const live = await client.get(definitions, '', object.metadata.name);
      const refused = condition(live, 'NamesAccepted', 'False');
      if (refused !== undefined || Date.now() > deadline) late.push({ object, problem: problem(object, refused) });
      else still.push(object);
    }
    waiting = still;
    if (waiting.length > 0) await pause(pauseFor, signal);
  }
  return late;
}

function kindsOf(definition: KubernetesObject): { apiVersion: string; kind: string }[] {
  const spec = definition['spec'] as Json;
  return ((spec['versions'] ?? []) as Json[])
    .filter((version) => version['served'] !== false)
    .map((version) => ({ apiVersion: `${spec['group']}/${version['name']}`, kind: spec['names'].kind }));
}

function condition(live: Json | undefined, type: string, status: string): string | undefined {
  const found = ((live?.['status']?.conditions ?? []) as Json[]).find(
    (entry) => entry['type'] === type && entry['status'] === status,
  );
  return found === undefined ? undefined : `${found['reason']}: ${found['message']}`;
}

function problem(object: KubernetesObject, refused: string | undefined): Problem {
  const what = `CustomResourceDefinition ${object.metadata.name}`;
  return {
    code: 'definition-not-established',
    message:
      refused === undefined
        ? `${what} was applied but the server did not serve its kinds within ${patience / 1000} s. Look at its status conditions.`
        : `${what} was applied but not accepted (${refused}). Give it names that no other definition has.`,
  };
}

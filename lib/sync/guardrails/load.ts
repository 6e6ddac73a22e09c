import { InputError, NotPermittedError, type Problem } from '../../errors.ts';
import type { ApiResource } from '../../ports/kubernetes/discovery.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { guardrailsNamespace } from './judge.ts';
import { joinProtection, noProtection, type Protection, readProtection } from './read.ts';

/** The ConfigMap that protects a cluster, in the namespace of the same name. */
export const guardrailsConfigMap = 'gitops-guardrails';

export interface LoadProtectionOptions {
  readonly client: Pick<KubernetesClient, 'get'>;
  /** The file of the input `guardrails`, as its protected branch has it: see core/source/protected-file.ts. */
  readonly file?: { readonly text: string; readonly name: string };
  /** The input `requireGuardrails`: without a rule nothing is done. */
  readonly required: boolean;
}

export interface LoadedProtection extends Protection {
  /** For the log: what was read, and what was not. */
  readonly notes: readonly string[];
}

const configMaps: ApiResource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  verbs: [],
};

/**
 * Reads what protects the target: the cluster's own ConfigMap, which no input switches off, and the file of the input. Both apply. Throws
 * InputError with everything that is wrong in either, because a broken rule protects nothing; NotPermittedError when the ConfigMap may not
 * be read though guardrails are required.
 */
export async function loadProtection(options: LoadProtectionOptions): Promise<LoadedProtection> {
  const { client, file, required } = options;
  const notes: string[] = [];
  const problems: Problem[] = [];
  const found: Protection[] = [];
  const take = (text: string, name: string): void => {
    const read = readProtection(text, name);
    problems.push(...read.problems);
    found.push(read);
    notes.push(`${name}: ${describe(read)}`);
  };
  const inCluster = await readConfigMap(client, required);
  if (typeof inCluster === 'string') notes.push(inCluster);
  else for (const { text, name } of inCluster) take(text, name);
  if (file !== undefined) take(file.text, file.name);
  if (problems.length > 0) throw new InputError(problems);
  const all = found.length === 0 ? noProtection : joinProtection(found);
  if (required && all.guardrails.length === 0) {
    throw new InputError({
      input: 'requireGuardrails',
      code: 'guardrails-missing',
      message: `Guardrails are required, and there are none: neither ${where} in the cluster nor the input guardrails holds a document of kind SyncGuardrails. Nothing was changed.`,
    });
  }
  return { ...all, notes };
}

const where = `ConfigMap ${guardrailsNamespace}/${guardrailsConfigMap}`;

/** Each value of the ConfigMap is a file. A sentence when there is none to read. */
async function readConfigMap(
  client: Pick<KubernetesClient, 'get'>,
  required: boolean,
): Promise<readonly { readonly text: string; readonly name: string }[] | string> {
  let answer: Json | undefined;
  try {
    answer = await client.get(configMaps, guardrailsNamespace, guardrailsConfigMap);
  } catch (error) {
    if (!(error instanceof NotPermittedError)) throw error;
    if (!required) return `${where} may not be read by this identity; if there is one, it does not hold here.`;
    throw new NotPermittedError(
      `Guardrails are required, and ${where} may not be read: ${error.message} Give the identity the verb get on it. Nothing was changed.`,
      { cause: error },
    );
  }
  if (answer === undefined) return `${where} does not exist.`;
  if (Object.keys(answer['binaryData'] ?? {}).length > 0) {
    throw new InputError(`${where} has binaryData; guardrails are text. Write them under data.`);
  }
  const data = Object.entries((answer['data'] ?? {}) as Record<string, string>);
  if (data.length === 0) {
    throw new InputError(`${where} has no data. Write the guardrails into it, or delete it if there are to be none.`);
  }
  return data.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, text]) => ({ text, name: `${where}, ${key}` }));
}

function describe({ guardrails, windows }: Protection): string {
  const rules = guardrails.reduce((sum, one) => sum + one.rules.length, 0);
  return `${rules} rule${rules === 1 ? '' : 's'}, ${windows.length} freeze window${windows.length === 1 ? '' : 's'}`;
}

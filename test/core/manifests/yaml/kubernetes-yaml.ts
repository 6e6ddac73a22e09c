import { spawn } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { toPlain } from '../../../../lib/core/manifests/yaml/node.ts';
import { readYaml } from '../../../../lib/core/manifests/yaml/read.ts';
import { tool } from '../../../tools/index.ts';
import { documentText } from './documents.ts';

/** What Kubernetes' library answers for one document: JSON text, or its error. */
export type Answer = { readonly json: string } | { readonly error: string };

/** What our reader answers: a value, or the codes of what is wrong. */
export type Reading = { readonly value: unknown } | { readonly refused: readonly (string | undefined)[] };

/**
 * Asks the program of Kubernetes' own library. Documents must hold more than white space, and no line that begins with `---`.
 */
export async function askKubernetes(documents: readonly string[]): Promise<Answer[]> {
  const child = spawn(await tool('yaml-reference'), [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stdin.end(documents.map((text) => `${text}\n---\n`).join(''));
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  const lines = Buffer.concat(output).toString('utf8').split('\n').slice(0, -1);
  if (lines.length !== documents.length) throw new Error(`${documents.length} documents got ${lines.length} answers`);
  return lines.map((line) => {
    const value = JSON.parse(line) as { error?: unknown } | null;
    const isError = typeof value === 'object' && value !== null && typeof value.error === 'string';
    return isError ? { error: value.error as string } : { json: line };
  });
}

/** Reads one document as `loadManifests` does. Kubernetes' tools end every line, the last too, so this does. */
export function readAsWeDo(text: string): Reading {
  const { documents, problems } = readYaml(`${text}\n`, 'sample.yaml');
  if (problems.length > 0) return { refused: problems.map(({ code }) => code) };
  const [document] = documents;
  return { value: document === undefined ? null : toPlain(document.root) };
}

/** Whether the API server would see the same: numbers compared as what JSON text carries. */
export function sameValue(ours: unknown, json: string): boolean {
  // `-0` is 0 for a reader of JSON.
  const noNegativeZero = (_key: string, value: unknown): unknown => (Object.is(value, -0) ? 0 : value);
  return isDeepStrictEqual(JSON.parse(JSON.stringify(ours), noNegativeZero), JSON.parse(json, noNegativeZero));
}

/** What Kubernetes' library takes and we refuse, because it loses something or because other readers see something else. */
const stricter: Record<string, string> = {
  'duplicate-key': 'one of the two values would be lost',
  'integer-too-large': 'digits would be lost on the way to the server',
  'number-not-finite': 'as a key',
  'key-not-text': '`on:` would become the key `true`',
  'merge-order': 'Kubernetes and YAML disagree on which value wins',
  'binary-not-text': 'bytes would be replaced',
  'flow-text': 'YAML 1.1 and 1.2 cut the text differently',
  'escaped-break': 'YAML readers disagree',
  'text-after-document': 'it would be ignored without a word',
  'line-separator': 'what looks like one line would be two',
  'anchor-name': 'YAML 1.2 sees a longer name',
  'tag-separator': 'YAML 1.2 sees a longer tag',
  'unknown-alias': 'of a name that is cut differently',
  'merge-not-object': 'of a key that is cut differently',
  'yaml-syntax': 'the parser follows the stricter grammar of YAML 1.2',
};

/** What is wrong with our answer beside that of Kubernetes; undefined when it is right. */
export function fault(text: string, ours: Reading, kubernetes: Answer): string | undefined {
  const shown = `${JSON.stringify(text)}: Kubernetes ${JSON.stringify(kubernetes)}, we ${JSON.stringify(ours)}`;
  if ('error' in kubernetes) return undefined;
  if ('value' in ours) return sameValue(ours.value, kubernetes.json) ? undefined : `another value for ${shown}`;
  return ours.refused.every((code) => code !== undefined && code in stricter) ? undefined : `refused ${shown}`;
}

/** Reads random documents beside Kubernetes; the first few that differ, and how many were accepted at all. */
export async function compareRandom(
  count: number,
  seed: number,
): Promise<{ readonly faults: string[]; readonly accepted: number; readonly total: number }> {
  const texts = fc.sample(documentText, { numRuns: count, seed }).filter((text) => !/^---/m.test(text));
  const answers = await askKubernetes(texts);
  const readings = texts.map(readAsWeDo);
  const faults = texts.flatMap((text, index) => {
    const answer = answers[index];
    const reading = readings[index];
    return (answer !== undefined && reading !== undefined && fault(text, reading, answer)) || [];
  });
  const accepted = readings.filter((reading) => 'value' in reading).length;
  return { faults: faults.slice(0, 5), accepted, total: texts.length };
}

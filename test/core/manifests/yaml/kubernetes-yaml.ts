import { spawn } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { toPlain } from '../../../../lib/core/manifests/yaml/node.ts';
import { readYaml } from '../../../../lib/core/manifests/yaml/read.ts';
import { tool } from '../../../tools/index.ts';

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

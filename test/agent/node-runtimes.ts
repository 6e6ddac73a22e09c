import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeFolder } from './handler-choice.ts';

/** `20`: the agent's default; `24`: the knob UseNode24withHandlerData is on; `20-oldest`: the default on the oldest Node 20 that tasks must run on. */
export type NodeVersion = '20' | '24' | '20-oldest';

export const nodeVersions: readonly NodeVersion[] = ['20', '24', '20-oldest'];

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The Node program for an agent's folder: an npm package on Linux, else the Node that runs this when it is of that version. */
export function nodeProgram(folder: NodeFolder, version: NodeVersion): string {
  const packageName = folder === 'node24' ? 'node24' : version === '20-oldest' ? 'node20-oldest' : 'node20';
  const program = path.join(repository, 'node_modules', packageName, 'bin/node');
  if (existsSync(program)) return program;

  const major = folder === 'node24' ? '24' : '20';
  if (packageName !== 'node20-oldest' && process.versions.node.startsWith(`${major}.`)) return process.execPath;
  throw new Error(
    `There is no Node ${major} here: the npm package "${packageName}" is for Linux only. Run the harness itself by Node ${major} instead.`,
  );
}

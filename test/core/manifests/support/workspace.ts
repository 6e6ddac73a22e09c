import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type LoadContext,
  type LoadResult,
  loadManifests,
  type ManifestSource,
} from '../../../../lib/core/manifests/load.ts';
import { InputError, type Problem } from '../../../../lib/errors.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A checkout and a temporary folder of one test, with what a task gives `loadManifests`. */
export interface Workspace {
  readonly root: string;
  readonly temp: string;
  /** Values that were masked, in order. */
  readonly masked: string[];
  readonly logged: string[];
  write(files: Files): void;
  load(source: ManifestSource, context?: Partial<LoadContext>): Promise<LoadResult>;
  /** The problems of a load that must fail. */
  problems(source: ManifestSource, context?: Partial<LoadContext>): Promise<readonly Problem[]>;
  /** What is left in the temporary folder. */
  leftovers(): string[];
}

const folders: string[] = [];

export function workspace(files: Files = {}): Workspace {
  const base = mkdtempSync(join(tmpdir(), 'gitops-manifests-'));
  folders.push(base);
  const root = join(base, 'checkout');
  const temp = join(base, 'temp');
  mkdirSync(root);
  mkdirSync(temp);
  const masked: string[] = [];
  const logged: string[] = [];
  const space: Workspace = {
    root,
    temp,
    masked,
    logged,
    write: (more) => {
      for (const [path, content] of Object.entries(more)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), content);
      }
    },
    load: async (source, context = {}) =>
      await loadManifests(source, {
        workingDirectory: root,
        tempDirectory: temp,
        programs: {},
        signal: new AbortController().signal,
        maskSecret: (value) => masked.push(value),
        variable: () => undefined,
        log: (line) => logged.push(line),
        ...context,
      }),
    problems: async (source, context) => {
      try {
        const result = await space.load(source, context);
        throw new Error(`No problem was found; ${result.manifests.length} objects were loaded.`);
      } catch (error) {
        if (error instanceof InputError) return error.problems;
        throw error;
      }
    },
    leftovers: () => readdirSync(temp),
  };
  space.write(files);
  return space;
}

/** Call in `after`: removes what `workspace` made. */
export function removeWorkspaces(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** `Deployment web`, in the order given. */
export function names(result: LoadResult): string[] {
  return result.manifests.map(({ object }) => `${object.kind} ${object.metadata.name}`);
}

/** `file:line` of a problem, without what is not there. */
export function places(problems: readonly Problem[]): string[] {
  return problems.map(({ at }) => (at === undefined ? '' : at.line === undefined ? at.file : `${at.file}:${at.line}`));
}

export function codes(problems: readonly Problem[]): (string | undefined)[] {
  return problems.map(({ code }) => code);
}

export function configMap(name: string, more = ''): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}`;
}

import { posix } from 'node:path';
import picomatch from 'picomatch';
import type { Problem } from '../../errors.ts';
import { type Checkout, isManifestFile, normalizeTyped, outsideProblem, type UserPath } from './paths.ts';
import type { ManifestSource, RenderKind } from './source.ts';

/** What is to be rendered, and how. */
export type Found =
  | { readonly kind: 'manifests'; readonly files: readonly UserPath[] }
  | { readonly kind: 'kustomize'; readonly folders: readonly UserPath[] }
  | { readonly kind: 'helm'; readonly chart: ChartReference };

/** A chart in the checkout, or one to fetch. */
export type ChartReference =
  | { readonly type: 'folder'; readonly folder: UserPath }
  | { readonly type: 'archive'; readonly file: UserPath }
  | { readonly type: 'oci'; readonly reference: string }
  | { readonly type: 'repository'; readonly url: string; readonly name: string };

export interface Findings {
  /** Undefined when problems leave nothing to render. */
  readonly found?: Found;
  readonly problems: readonly Problem[];
}

/** The names that kustomize itself looks for. */
export const kustomizationNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** Decides what the input `manifests` means, by `renderType` or, for `auto`, by what lies in the folder. */
export async function find(source: ManifestSource, checkout: Checkout): Promise<Findings> {
  const typed = source.manifests.map((line) => normalizeTyped(line.trim())).filter((line) => line !== '');
  const first = typed[0];
  if (first === undefined) {
    return wrong(
      'The input `manifests` is empty. Give files, folders or globs, one a line, relative to the working directory.',
    );
  }
  const remote = remoteChart(first, source);
  if (remote !== undefined) return chooseRemote(remote, typed, source);
  const renderType = source.renderType ?? 'auto';
  const kinds = await kindsOf(typed, renderType, checkout);
  if (kinds.problems.length > 0) return { problems: kinds.problems };
  switch (kinds.kind) {
    case 'manifests':
      return await findFiles(typed, checkout, renderType === 'manifests');
    case 'kustomize':
      return { found: { kind: 'kustomize', folders: kinds.paths }, problems: [] };
    case 'helm':
      return localChart(kinds.paths);
  }
}

function remoteChart(path: string, source: ManifestSource): ChartReference | undefined {
  if (/^oci:\/\//i.test(path)) return { type: 'oci', reference: path };
  if (source.chartRepository !== undefined) {
    return { type: 'repository', url: source.chartRepository, name: path };
  }
  return undefined;
}

function chooseRemote(chart: ChartReference, typed: readonly string[], source: ManifestSource): Findings {
  const renderType = source.renderType ?? 'auto';
  if (renderType !== 'auto' && renderType !== 'helm') {
    return wrong(
      `\`${typed[0]}\` is a chart, but \`renderType\` is \`${renderType}\`. Set \`renderType\` to \`helm\` or \`auto\`, or leave \`chartRepository\` empty.`,
      'renderType',
    );
  }
  if (typed.length > 1) return wrong('A chart must be the only line of `manifests`. Use one task for each chart.');
  return { found: { kind: 'helm', chart }, problems: [] };
}

function localChart(paths: readonly UserPath[]): Findings {
  const [path, ...more] = paths;
  if (path === undefined || more.length > 0) {
    return wrong('A chart must be the only line of `manifests`. Use one task for each chart.');
  }
  const chart: ChartReference = path.endsWith('.tgz')
    ? { type: 'archive', file: path }
    : { type: 'folder', folder: path };
  return { found: { kind: 'helm', chart }, problems: [] };
}

interface Kinds {
  readonly kind: RenderKind;
  /** Folders, for kustomize and helm. */
  readonly paths: readonly UserPath[];
  readonly problems: readonly Problem[];
}

async function kindsOf(typed: readonly string[], renderType: string, checkout: Checkout): Promise<Kinds> {
  const problems: Problem[] = [];
  const kinds = new Map<RenderKind, UserPath[]>();
  for (const path of typed.filter((line) => !line.startsWith('!'))) {
    const one = await kindOf(path, renderType, checkout, problems);
    if (one === undefined) continue;
    kinds.set(one.kind, [...(kinds.get(one.kind) ?? []), one.path]);
  }
  if (kinds.size > 1) {
    const parts = [...kinds].map(([kind, paths]) => `${kind} (${paths.map((path) => `\`${path}\``).join(', ')})`);
    problems.push({
      message: `The lines of \`manifests\` need different renderers: ${parts.join(', ')}. Set \`renderType\`, or use one task for each.`,
      input: 'renderType',
      code: 'mixed-renderers',
    });
  }
  const [kind, paths] = [...kinds][0] ?? ['manifests', []];
  return { kind, paths, problems };
}

async function kindOf(
  path: string,
  renderType: string,
  checkout: Checkout,
  problems: Problem[],
): Promise<{ kind: RenderKind; path: UserPath } | undefined> {
  if (renderType === 'manifests') return { kind: 'manifests', path };
  const folder = await folderOf(path, checkout);
  const at = folder ?? path;
  const holds =
    folder === undefined ? { kustomize: false, helm: path.endsWith('.tgz') } : await rendersIn(folder, checkout);
  if (renderType === 'kustomize' || renderType === 'helm') {
    if (holds[renderType]) return { kind: renderType, path: at };
    const expected = renderType === 'helm' ? '`Chart.yaml`' : '`kustomization.yaml`';
    problems.push({
      message: `\`renderType\` is \`${renderType}\`, but \`${path}\` is no folder with a ${expected}.${await nearNames(path, checkout)}`,
      input: 'manifests',
      code: 'nothing-to-render',
    });
    return undefined;
  }
  if (holds.kustomize && holds.helm) {
    problems.push({
      message: `\`${path}\` holds both a kustomization and a \`Chart.yaml\`. Set \`renderType\` to \`kustomize\` or \`helm\`.`,
      input: 'renderType',
      code: 'two-renderers',
    });
    return undefined;
  }
  if (holds.kustomize) return { kind: 'kustomize', path: at };
  return holds.helm ? { kind: 'helm', path: at } : { kind: 'manifests', path };
}

/** The folder that a path names, also by its `kustomization.yaml` or `Chart.yaml`; undefined for anything else. */
async function folderOf(path: string, checkout: Checkout): Promise<UserPath | undefined> {
  const inside = checkout.userPath(path);
  if (inside === undefined) return undefined;
  const kind = await checkout.kind(inside);
  if (kind === 'folder') return inside;
  const named = ['Chart.yaml', ...kustomizationNames].includes(posix.basename(inside));
  return kind === 'file' && named ? posix.dirname(inside) : undefined;
}

async function rendersIn(folder: UserPath, checkout: Checkout): Promise<{ kustomize: boolean; helm: boolean }> {
  const names = await checkout.names(folder);
  return { kustomize: kustomizationNames.some((name) => names.includes(name)), helm: names.includes('Chart.yaml') };
}

async function findFiles(typed: readonly string[], checkout: Checkout, explicit: boolean): Promise<Findings> {
  const problems: Problem[] = [];
  const excluded = typed.filter((line) => line.startsWith('!')).map((line) => line.slice(1).replace(/^\.\//, ''));
  const isExcluded =
    excluded.length === 0 ? () => false : picomatch([...excluded, ...excluded.map((path) => `${path}/**`)]);
  const files = new Set<UserPath>();
  for (const line of typed) {
    if (line.startsWith('!')) continue;
    const matches = await filesOf(line, checkout, explicit, problems);
    for (const file of matches) if (!isExcluded(file)) files.add(file);
  }
  return { found: { kind: 'manifests', files: [...files] }, problems };
}

async function filesOf(line: string, checkout: Checkout, explicit: boolean, problems: Problem[]): Promise<UserPath[]> {
  const inside = checkout.userPath(line);
  if (inside === undefined) {
    problems.push({
      message: `\`${line}\` is outside of the working directory. Only what is checked out can be deployed.`,
      input: 'manifests',
      code: 'outside-working-directory',
    });
    return [];
  }
  // A file may have brackets in its name: what is there literally is meant literally.
  switch (await checkout.kind(inside)) {
    case 'file':
      return [inside];
    case 'outside':
      problems.push(outsideProblem(inside));
      return [];
    case 'folder':
      return await folderFiles(inside, checkout, explicit, problems);
    default:
      return await globFiles(line, inside, checkout, problems);
  }
}

async function folderFiles(
  folder: UserPath,
  checkout: Checkout,
  explicit: boolean,
  problems: Problem[],
): Promise<UserPath[]> {
  const files: UserPath[] = [];
  const before = problems.length;
  for await (const file of checkout.filesBelow(folder, problems)) {
    const name = posix.basename(file);
    if (!explicit && ['Chart.yaml', ...kustomizationNames].includes(name)) problems.push(nestedRenderer(file, name));
    else if (isManifestFile(file)) files.push(file);
  }
  if (files.length === 0 && problems.length === before) {
    problems.push({
      message: `The folder \`${folder}\` holds no file whose name ends in .yaml, .yml or .json; hidden files do not count.`,
      input: 'manifests',
      code: 'no-files',
    });
  }
  return files;
}

function nestedRenderer(file: UserPath, name: string): Problem {
  const renderer = name === 'Chart.yaml' ? 'helm' : 'kustomize';
  return {
    message: `The folder is read as plain files, but this one belongs to ${renderer}. Name \`${posix.dirname(file)}\` itself in \`manifests\`, leave it out with \`!${posix.dirname(file)}\`, or set \`renderType\` to \`manifests\`.`,
    at: { file },
    input: 'renderType',
    code: 'nested-renderer',
  };
}

async function globFiles(line: string, inside: UserPath, checkout: Checkout, problems: Problem[]): Promise<UserPath[]> {
  const scanned = picomatch.scan(inside);
  if (!scanned.isGlob) {
    problems.push({
      message: `\`${line}\` is not there.${await nearNames(line, checkout)}`,
      input: 'manifests',
      code: 'path-not-found',
    });
    return [];
  }
  const base = scanned.base === '' ? '.' : scanned.base;
  const files: UserPath[] = [];
  let others = 0;
  if ((await checkout.kind(base)) === 'folder') {
    const matches = picomatch(inside);
    for await (const file of checkout.filesBelow(base, problems)) {
      if (!matches(file)) continue;
      if (isManifestFile(file)) files.push(file);
      else others++;
    }
  }
  if (files.length === 0) {
    const reason = others > 0 ? ' that ends in .yaml, .yml or .json' : '';
    problems.push({
      message: `The glob \`${line}\` matches no file${reason}.${await nearNames(base, checkout)}`,
      input: 'manifests',
      code: 'glob-without-match',
    });
  }
  return files;
}

/** ` Near it are: ...`, from the deepest folder of the path that exists; empty when there is nothing to say. */
async function nearNames(path: string, checkout: Checkout): Promise<string> {
  let folder = checkout.userPath(path) ?? '.';
  let missing: string | undefined;
  while ((await checkout.kind(folder)) !== 'folder') {
    if (folder === '.') return '';
    missing = posix.basename(folder);
    folder = posix.dirname(folder);
  }
  const names = (await checkout.names(folder)).filter((name) => !name.startsWith('.'));
  if (names.length === 0) return ` The folder \`${folder}\` is empty.`;
  const wanted = missing?.toLowerCase();
  const ranked = wanted === undefined ? names : [...names].sort((a, b) => distance(a, wanted) - distance(b, wanted));
  const shown = ranked.slice(0, 5).map((name) => `\`${folder === '.' ? name : `${folder}/${name}`}\``);
  return ` In \`${folder}\` there are: ${shown.join(', ')}${names.length > shown.length ? ', ...' : ''}`;
}

/** Edits that turn one name into the other. */
function distance(name: string, wanted: string): number {
  const other = name.toLowerCase();
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= wanted.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (wanted[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

function wrong(message: string, input = 'manifests'): Findings {
  return { problems: [{ message, input, code: 'invalid-input' }] };
}

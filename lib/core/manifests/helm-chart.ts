import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Problem } from '../../errors.ts';
import { readTextFiles } from './files.ts';
import type { ChartReference } from './find.ts';
import type { HelmHome } from './helm-home.ts';
import type { Checkout, UserPath } from './paths.ts';
import type { LoadContext, ManifestSource } from './source.ts';
import { failWith } from './tools.ts';
import { member, textOf, type YamlNode } from './yaml/node.ts';
import { readYaml } from './yaml/read.ts';

/** A chart that helm can render. */
export interface Chart {
  /** What helm is given. */
  readonly path: string;
  /** The file that a person would edit for a template, named as helm does without the chart's own name. */
  sourceOf(template: string): Promise<{ readonly file: string; readonly readable: boolean }>;
}

interface Dependency {
  readonly name: string;
  readonly alias: string | undefined;
  readonly repository: string;
}

/** Gets the chart ready: in the checkout as it is, completed in a copy, or fetched and verified. Throws InputError. */
export async function obtainChart(
  reference: ChartReference,
  source: ManifestSource,
  checkout: Checkout,
  context: LoadContext,
  helm: HelmHome,
  home: string,
): Promise<Chart> {
  switch (reference.type) {
    case 'folder':
      return await localChart(reference.folder, checkout, context, helm, home);
    case 'archive':
      return {
        path: `./${reference.file}`,
        sourceOf: () => Promise.resolve({ file: reference.file, readable: false }),
      };
    case 'oci':
      return await fetchOci(reference.reference, source, helm, home);
    case 'repository':
      return await fetchFromRepository(reference.url, reference.name, source, helm, home);
  }
}

async function localChart(
  folder: UserPath,
  checkout: Checkout,
  context: LoadContext,
  helm: HelmHome,
  home: string,
): Promise<Chart> {
  const problems: Problem[] = [];
  // helm follows symbolic links, wherever they lead: they are judged before it does.
  for await (const _ of checkout.filesBelow(folder, problems));
  if (problems.length > 0) failWith(problems);
  const dependencies = await dependenciesOf(folder, checkout, context);
  const folders = new Map(dependencies.flatMap((dependency) => localFolder(folder, dependency)));
  const sourceOf = async (template: string): Promise<{ file: string; readable: boolean }> => {
    const path = posix.join(folder, template);
    if ((await checkout.kind(path)) === 'file') return { file: path, readable: true };
    const [, name = '', rest = ''] = /^charts\/([^/]+)\/(.*)$/s.exec(template) ?? [];
    const original = folders.get(name);
    const inDependency = original === undefined ? undefined : posix.join(original, rest);
    if (inDependency !== undefined && (await checkout.kind(inDependency)) === 'file') {
      return { file: inDependency, readable: true };
    }
    return { file: posix.join(folder, 'Chart.yaml'), readable: false };
  };
  const missing = await missingDependencies(folder, dependencies, checkout);
  if (missing.length === 0) return { path: folder === '.' ? '.' : `./${folder}`, sourceOf };
  context.log(`Fetching what the chart depends on: ${missing.map(({ name }) => name).join(', ')}.`);
  return { path: await completeCopy(folder, dependencies, missing, checkout, helm, home), sourceOf };
}

/** A dependency in the checkout, by the names it goes by in the chart. */
function localFolder(folder: UserPath, dependency: Dependency): [string, UserPath][] {
  const path = /^file:\/\/(.*)$/s.exec(dependency.repository)?.[1];
  if (path === undefined) return [];
  const names = dependency.alias === undefined ? [dependency.name] : [dependency.name, dependency.alias];
  return names.map((name) => [name, posix.normalize(posix.join(folder, path))]);
}

async function dependenciesOf(folder: UserPath, checkout: Checkout, context: LoadContext): Promise<Dependency[]> {
  const names = await checkout.names(folder);
  const files = ['Chart.yaml', 'requirements.yaml'].filter((name) => names.includes(name));
  const texts = await readTextFiles(
    files.map((name) => posix.join(folder, name)),
    checkout,
    context.signal,
    [],
  );
  return texts.flatMap(({ file, text }) => {
    const list = member(readYaml(text, file).documents[0]?.root, 'dependencies');
    return list?.kind === 'sequence' ? list.items.flatMap(dependency) : [];
  });
}

function dependency(node: YamlNode): Dependency[] {
  const name = textOf(member(node, 'name'));
  if (name === undefined) return [];
  return [{ name, alias: textOf(member(node, 'alias')), repository: textOf(member(node, 'repository')) ?? '' }];
}

async function missingDependencies(
  folder: UserPath,
  dependencies: readonly Dependency[],
  checkout: Checkout,
): Promise<Dependency[]> {
  const charts = posix.join(folder, 'charts');
  const present = (await checkout.kind(charts)) === 'folder' ? await checkout.names(charts) : [];
  return dependencies.filter(
    ({ name }) => !present.some((entry) => entry === name || (entry.startsWith(`${name}-`) && entry.endsWith('.tgz'))),
  );
}

/** `helm dependency build` in a copy: the checkout stays as it is. `Chart.lock` decides the versions. */
async function completeCopy(
  folder: UserPath,
  dependencies: readonly Dependency[],
  missing: readonly Dependency[],
  checkout: Checkout,
  helm: HelmHome,
  home: string,
): Promise<string> {
  const file = posix.join(folder, 'Chart.yaml');
  const names = await checkout.names(folder);
  const remote = missing.filter(({ repository }) => !repository.startsWith('file://'));
  if (remote.length > 0 && !names.includes('Chart.lock') && !names.includes('requirements.lock')) {
    failWith({
      message: `The chart depends on ${remote.map(({ name }) => `\`${name}\``).join(', ')}, which is neither in \`charts/\` nor pinned by a \`Chart.lock\`. Run \`helm dependency update\` and commit \`Chart.lock\`, or \`charts/\` too.`,
      at: { file },
      code: 'chart-lock-missing',
    });
  }
  const root = join(home, 'copy');
  const copied = join(root, folder);
  await copyInto(root, folder, checkout);
  for (const [, path] of dependencies.flatMap((entry) => localFolder(folder, entry))) {
    if (checkout.userPath(path) === undefined || (await checkout.kind(path)) !== 'folder') {
      failWith({
        message: `The chart depends on the folder \`${path}\`, which is not in the working directory. Correct \`repository\` of the dependency.`,
        at: { file },
        code: 'chart-dependency',
      });
    }
    await copyInto(root, path, checkout);
  }
  const flags = await reachRepositories(remote, file, helm);
  await helm.must(`\`helm dependency build ${folder}\``, 'manifests', ['dependency', 'build', ...flags, copied]);
  return copied;
}

async function copyInto(root: string, path: UserPath, checkout: Checkout): Promise<void> {
  await mkdir(join(root, path), { recursive: true });
  await cp(checkout.absolute(path), join(root, path), { recursive: true, dereference: true });
}

async function reachRepositories(dependencies: readonly Dependency[], file: string, helm: HelmHome): Promise<string[]> {
  const flags = new Set<string>();
  for (const repository of new Set(dependencies.map((entry) => entry.repository))) {
    if (repository.startsWith('oci://')) for (const flag of await helm.prepareRegistry(repository)) flags.add(flag);
    else if (/^https?:\/\//.test(repository)) await helm.addRepository(repository, 'manifests');
    else {
      failWith({
        message: `\`${repository}\` is a repository by a name that only one machine knows. Write its address, https:// or oci://, in \`dependencies\`.`,
        at: { file },
        code: 'chart-dependency',
      });
    }
  }
  return [...flags];
}

async function fetchOci(reference: string, source: ManifestSource, helm: HelmHome, home: string): Promise<Chart> {
  const pin = pinOf(reference, source);
  const lastPart = reference.slice(reference.lastIndexOf('/') + 1);
  if (/[:@]/.test(lastPart)) {
    failWith({
      message: `\`${reference}\` contains a version or a digest. Put them into \`chartVersion\` and \`chartDigest\`.`,
      input: 'manifests',
      code: 'chart-reference',
    });
  }
  const flags = await helm.prepareRegistry(reference);
  const folder = await emptyFolder(home, 'pulled');
  const args = ['pull', reference, '--version', pin.version, '--destination', folder, ...flags];
  const result = await helm.must(`Fetching ${reference} ${pin.version}`, 'manifests', args);
  // helm verifies what it fetched against the manifest, and prints the manifest's digest.
  const manifest = /^Digest:\s*(sha256:[0-9a-f]{64})\s*$/m.exec(`${result.stdout}\n${result.stderr}`)?.[1];
  return await verified(reference, folder, pin.digest, manifest === undefined ? [] : [manifest]);
}

async function fetchFromRepository(
  url: string,
  name: string,
  source: ManifestSource,
  helm: HelmHome,
  home: string,
): Promise<Chart> {
  if (!/^[A-Za-z0-9][-_.A-Za-z0-9]*$/.test(name)) {
    failWith({
      message: `\`${name}\` is no name of a chart. With \`chartRepository\`, \`manifests\` is the chart's name in that repository.`,
      input: 'manifests',
      code: 'chart-reference',
    });
  }
  const shown = `${url.replace(/\/+$/, '')}/${name}`;
  const pin = pinOf(shown, source);
  const repository = await helm.addRepository(url, 'chartRepository');
  const folder = await emptyFolder(home, 'pulled');
  const args = ['pull', `${repository}/${name}`, '--version', pin.version, '--destination', folder];
  await helm.must(`Fetching ${shown} ${pin.version}`, 'manifests', args);
  return await verified(shown, folder, pin.digest, []);
}

/** Version and digest of a chart that is not in Git; without them Git would not say what runs. */
function pinOf(chart: string, source: ManifestSource): { readonly version: string; readonly digest: string } {
  const problems: Problem[] = [];
  const version = source.chartVersion ?? '';
  const digest = (source.chartDigest ?? '').toLowerCase().replace(/^(?=[0-9a-f]{64}$)/, 'sha256:');
  if (!/^v?\d+\.\d+\.\d+(?:[-+][-+.0-9A-Za-z]+)?$/.test(version)) {
    const found = version === '' ? 'is empty' : `is \`${version}\``;
    problems.push({
      message: `\`${chart}\` is not in Git and must be pinned: \`chartVersion\` ${found}, but must be one exact version such as \`1.4.2\`.`,
      input: 'chartVersion',
      code: 'chart-not-pinned',
    });
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    const found = digest === '' ? 'is empty' : 'is no digest';
    problems.push({
      message: `\`${chart}\` is not in Git and must be pinned: \`chartDigest\` ${found}, but must be \`sha256:\` and 64 hexadecimal digits, as \`helm pull\` prints it or as the repository's index has it.`,
      input: 'chartDigest',
      code: 'chart-not-pinned',
    });
  }
  return problems.length === 0 ? { version, digest } : failWith(problems);
}

/** The archive, if it or the manifest that named it has the digest that was asked for. */
async function verified(
  chart: string,
  folder: string,
  digest: string,
  manifestDigests: readonly string[],
): Promise<Chart> {
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (archive === undefined) {
    failWith({ message: `helm fetched no archive for \`${chart}\`.`, input: 'manifests', code: 'helm-failed' });
  }
  const path = join(folder, archive);
  const own = `sha256:${createHash('sha256')
    .update(await readFile(path))
    .digest('hex')}`;
  if (![own, ...manifestDigests].includes(digest)) {
    failWith({
      message: `\`${chart}\` has the digest ${[...manifestDigests, own].join(' (archive: ')}${manifestDigests.length > 0 ? ')' : ''}, but \`chartDigest\` is ${digest}. The chart was changed after it was pinned, or the digest is of another version. Nothing was rendered.`,
      input: 'chartDigest',
      code: 'chart-digest',
    });
  }
  return { path, sourceOf: (template) => Promise.resolve({ file: `${chart}/${template}`, readable: false }) };
}

async function emptyFolder(home: string, name: string): Promise<string> {
  const folder = join(home, name);
  await mkdir(folder, { recursive: true });
  return folder;
}

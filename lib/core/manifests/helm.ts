import type { Place, Problem } from '../../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { readTextFiles } from './files.ts';
import type { ChartReference } from './find.ts';
import { type Chart, obtainChart } from './helm-chart.ts';
import { HelmHome } from './helm-home.ts';
import { helmValues } from './helm-values.ts';
import type { Checkout } from './paths.ts';
import { candidates } from './shape.ts';
import type { Sops } from './sops.ts';
import type { LoadContext, ManifestSource, Renderer } from './source.ts';
import { withTemporaryFolder } from './temporary.ts';
import { collectInputErrors, failWith, toolFailure } from './tools.ts';
import type { ScalarRewrite } from './yaml/compose.ts';
import { member, textOf } from './yaml/node.ts';
import { readYaml, type YamlDocument } from './yaml/read.ts';
import { splitDocuments } from './yaml/split.ts';

export interface HelmRender {
  readonly documents: readonly YamlDocument[];
  readonly renderer: Renderer;
  origin(object: KubernetesObject, document: YamlDocument): Place;
}

export interface HelmOptions {
  readonly source: ManifestSource;
  readonly checkout: Checkout;
  readonly context: LoadContext;
  readonly sops: Sops | undefined;
  readonly rewrite: ScalarRewrite | undefined;
}

/** Windows takes no longer command line; API versions are the only argument that can come near it. */
const maxApiVersionsText = 24_000;

/** Renders a chart by `helm template`, with the cluster's versions and without asking the cluster. */
export async function renderHelm(
  reference: ChartReference,
  options: HelmOptions,
  problems: Problem[],
): Promise<HelmRender> {
  const { source, checkout, context } = options;
  return await withTemporaryFolder(context.tempDirectory, async (home) => {
    const helm = new HelmHome(context, home);
    // Asked beside the work, which takes longer.
    const version = rendererOf(helm);
    version.catch(() => undefined);
    const values = await helmValues(source, checkout, options.sops, context.signal, problems);
    checkReleaseName(source, problems);
    const obtained = obtainChart(reference, source, checkout, context, helm, home);
    const chart = await collectInputErrors(obtained, problems);
    const renderer = await version;
    if (chart === undefined || problems.length > 0) return { documents: [], renderer, origin: () => ({ file: '' }) };
    const args = ['template', ...templateFlags(source, context), ...values.args, '--', releaseName(source), chart.path];
    const result = await helm.run(args, values.stdin);
    if (result.exitCode !== 0) {
      const doing = `\`helm template\` of \`${source.manifests[0] ?? ''}\``;
      problems.push(toolFailure(doing, result, { input: 'manifests', code: 'helm-failed' }));
      return { documents: [], renderer, origin: () => ({ file: '' }) };
    }
    for (const line of result.stderr.split(/\r?\n/)) if (line.trim() !== '') context.log(`helm: ${line}`);
    return await readRendered(result.stdout, chart, renderer, options, problems);
  });
}

async function rendererOf(helm: HelmHome): Promise<Renderer> {
  const said = (await helm.run(['version', '--template', '{{.Version}}'])).stdout;
  const version = /v?(\d+)\.\d+(?:\.\d+)?[-+.\w]*/.exec(said);
  if (version !== null && Number(version[1]) < 3) {
    failWith({
      message: `helm ${version[0]} is too old: helm 3 or later is needed, for example by the task HelmInstaller@1.`,
      input: 'helmPath',
      code: 'helm-too-old',
    });
  }
  return version === null ? { name: 'helm' } : { name: 'helm', version: version[0] };
}

function releaseName(source: ManifestSource): string {
  return source.releaseName ?? 'release';
}

function checkReleaseName(source: ManifestSource, problems: Problem[]): void {
  const name = releaseName(source);
  if (name.length <= 53 && /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(name)) return;
  problems.push({
    message: `\`${name}\` is no name of a Helm release: lower-case letters, digits, hyphens and dots, at most 53. Set \`releaseName\`.`,
    input: 'releaseName',
    code: 'release-name',
  });
}

function templateFlags(source: ManifestSource, context: LoadContext): string[] {
  const flags = ['--include-crds', '--namespace', source.namespace ?? 'default'];
  const version = source.kubernetesVersion ?? context.cluster?.kubernetesVersion;
  if (version !== undefined) flags.push('--kube-version', version);
  const given = (source.apiVersions ?? []).map((line) => line.trim()).filter((line) => line !== '');
  const known = given.length > 0 ? given : (context.cluster?.apiVersions ?? []);
  const all = known.join(',');
  const apiVersions =
    all.length <= maxApiVersionsText ? all : known.filter((entry) => !/\/[A-Z]/.test(entry)).join(',');
  if (apiVersions !== '') flags.push('--api-versions', apiVersions);
  return flags;
}

async function readRendered(
  text: string,
  chart: Chart,
  renderer: Renderer,
  options: HelmOptions,
  problems: Problem[],
): Promise<HelmRender> {
  const templates = templatesByLine(text);
  const templateOf = (line: number): string => templates.get(line) ?? '';
  const rendered = options.source.manifests[0] ?? '';
  const read = readYaml(text, rendered, options.rewrite);
  const lines = [...templates.keys()];
  for (const problem of read.problems) {
    const line = lines.filter((first) => first <= (problem.at?.line ?? 0)).at(-1) ?? 0;
    const { file } = await chart.sourceOf(templateOf(line));
    // The line is one of the rendered text, which nobody sees.
    problems.push({ ...problem, at: { file } });
  }
  const places = new Map<YamlDocument, Place>();
  const sources = new TemplateSources(chart, options);
  const documents: YamlDocument[] = [];
  for (const document of read.documents) {
    const template = templateOf(document.firstLine);
    const { file } = await chart.sourceOf(template);
    const placed = { ...document, file, place: () => ({ file }) };
    documents.push(placed);
    places.set(placed, await sources.placeOf(template, document));
  }
  return { documents, renderer, origin: (_object, document) => places.get(document) ?? { file: document.file } };
}

/** The template of each document, by the document's first line. Later documents of a file of `crds/` carry no comment of their own. */
function templatesByLine(text: string): ReadonlyMap<number, string> {
  const templates = new Map<number, string>();
  let template = '';
  for (const chunk of splitDocuments(text, '').chunks) {
    const said = /^\s*# Source: (\S.*?)\s*$/m.exec(chunk.text.slice(0, 2000));
    if (said !== null && chunk.text.slice(0, said.index).trim() === '')
      template = (said[1] ?? '').replace(/^[^/]*\//, '');
    templates.set(chunk.firstLine, template);
  }
  return templates;
}

/** Finds lines in the templates themselves, where the text of a template leaves no doubt. */
class TemplateSources {
  readonly #chart: Chart;
  readonly #options: HelmOptions;
  readonly #texts = new Map<string, string | undefined>();

  constructor(chart: Chart, options: HelmOptions) {
    this.#chart = chart;
    this.#options = options;
  }

  async placeOf(template: string, document: YamlDocument): Promise<Place> {
    const { file, readable } = await this.#chart.sourceOf(template);
    const text = readable ? await this.#text(file) : undefined;
    const kind = textOf(member(document.root, 'kind'));
    if (text === undefined || kind === undefined) return { file };
    const line = text.includes('{{') ? lineOfKind(text, kind) : lineOfObject(text, file, document);
    return line === undefined ? { file } : { file, line };
  }

  async #text(file: string): Promise<string | undefined> {
    if (!this.#texts.has(file)) {
      const { checkout, context } = this.#options;
      const [read] = await readTextFiles([file], checkout, context.signal, []);
      this.#texts.set(file, read?.text);
    }
    return this.#texts.get(file);
  }
}

/** In a template: the one place that writes an object of this kind; undefined when there are several, or when it is generated. */
function lineOfKind(text: string, kind: string): number | undefined {
  const lines = text.split(/\r\n|\r|\n/);
  const isKind = (line: string): boolean =>
    /^kind:\s/.test(line) && line.replace(/^kind:\s*|\s*(?:#.*)?$/g, '') === kind;
  const found = lines.flatMap((line, index) => (isKind(line) ? [index] : []));
  const [index] = found;
  if (index === undefined || found.length > 1) return undefined;
  return /^apiVersion:/.test(lines[index - 1] ?? '') ? index : index + 1;
}

/** In a file without template actions: the object of the same type and name. */
function lineOfObject(text: string, file: string, document: YamlDocument): number | undefined {
  const identity = (node: YamlDocument['root']): string =>
    [member(node, 'apiVersion'), member(node, 'kind'), member(member(node, 'metadata'), 'name')].map(textOf).join('\n');
  const wanted = identity(document.root);
  const same = readYaml(text, file)
    .documents.flatMap(candidates)
    .filter((candidate) => identity(candidate.node) === wanted);
  const [only] = same;
  return only === undefined || same.length > 1 ? undefined : only.document.place(only.path).line;
}

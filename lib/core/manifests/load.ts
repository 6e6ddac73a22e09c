import { CancelledError, InputError, type Place, type Problem } from '../../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { type Findings, find } from './find.ts';
import { renderHelm } from './helm.ts';
import { renderKustomize } from './kustomize.ts';
import { objectsOf } from './objects.ts';
import { Checkout } from './paths.ts';
import { readPlain } from './plain.ts';
import { Sops } from './sops.ts';
import { sopsMac } from './sops-detect.ts';
import type { LoadContext, LoadResult, ManifestSource, Renderer, RenderKind } from './source.ts';
import { substitution } from './substitute.ts';
import { collectInputErrors } from './tools.ts';
import type { ScalarRewrite } from './yaml/compose.ts';
import type { YamlDocument } from './yaml/read.ts';

export type { Manifest } from './manifest.ts';
export { lineOf } from './objects.ts';
export type {
  LoadContext,
  LoadResult,
  ManifestSource,
  Programs,
  RegistryLogin,
  Renderer,
  RenderKind,
  RenderType,
} from './source.ts';

interface Rendered {
  readonly documents: readonly YamlDocument[];
  readonly renderer: Renderer;
  readonly origin?: (object: KubernetesObject, document: YamlDocument) => Place;
}

/**
 * Finds, renders and parses what Git declares. All problems of all files are reported together, as one InputError; then nothing
 * is returned, because a desired state with holes would delete what is in the holes. Throws CancelledError.
 */
export async function loadManifests(source: ManifestSource, context: LoadContext): Promise<LoadResult> {
  const problems: Problem[] = [];
  const checkout = new Checkout(context.workingDirectory);
  const { rewrite, problems: substituteProblems } = substitution(source.substitute ?? [], (name) =>
    context.variable(name),
  );
  problems.push(...substituteProblems);
  const findings = await find(source, checkout);
  problems.push(...findings.problems);
  const found = findings.found;
  if (found === undefined) throw failure(problems);
  const sops = source.decryptSops === true ? new Sops(context, checkout) : undefined;
  const rendering = render(found, { source, checkout, context, sops, rewrite }, problems);
  const rendered = await collectInputErrors(rendering, problems);
  if (context.signal.aborted) throw new CancelledError();
  const documents = await decryptAll(rendered?.documents ?? [], sops, problems);
  const objects = objectsOf(documents, {
    defaultNamespace: source.namespace ?? 'default',
    decrypted: sops !== undefined,
    maskSecret: (value) => context.maskSecret(value),
    log: (line) => context.log(line),
    ...(rendered?.origin === undefined ? {} : { origin: rendered.origin }),
  });
  problems.push(...objects.problems);
  if (rendered === undefined || problems.length > 0) throw failure(problems);
  return {
    manifests: objects.manifests,
    warnings: [...unusedInputs(source, found.kind), ...objects.warnings],
    renderer: rendered.renderer,
    kind: found.kind,
  };
}

/** Inputs for charts that somebody gave where there is no chart. */
function unusedInputs(source: ManifestSource, kind: RenderKind): Problem[] {
  if (kind === 'helm') return [];
  const inputs = ['valueFiles', 'overrides', 'chartVersion', 'chartDigest'] as const;
  return inputs
    .filter((input) => (source[input] ?? '').length > 0)
    .map((input) => ({
      message: `\`${input}\` is for Helm charts and has no effect: \`manifests\` is rendered as ${kind}.`,
      input,
      code: 'unused-input',
    }));
}

/** More than anybody reads at once; the log of an agent is no place for a thousand lines of one mistake. */
const maxProblems = 100;

function failure(problems: readonly Problem[]): InputError {
  const more = problems.length - maxProblems;
  const shown = problems.slice(0, maxProblems).map(ofInput);
  if (more > 0) shown.push({ message: `There are ${more} problems more. Correct these first.`, code: 'more-problems' });
  return new InputError(shown);
}

/** What is wrong in a file is wrong with what the input `manifests` names. */
function ofInput(problem: Problem): Problem {
  return problem.input === undefined ? { ...problem, input: 'manifests' } : problem;
}

interface RenderOptions {
  readonly source: ManifestSource;
  readonly checkout: Checkout;
  readonly context: LoadContext;
  readonly sops: Sops | undefined;
  readonly rewrite: ScalarRewrite | undefined;
}

async function render(
  found: NonNullable<Findings['found']>,
  options: RenderOptions,
  problems: Problem[],
): Promise<Rendered> {
  const { checkout, context, rewrite } = options;
  switch (found.kind) {
    case 'manifests': {
      const plain = { ...options, signal: context.signal };
      return { documents: await readPlain(found.files, plain, problems), renderer: { name: 'none' } };
    }
    case 'kustomize':
      return await renderKustomize(found.folders, checkout, context, rewrite, problems);
    case 'helm':
      return await renderHelm(found.chart, options, problems);
  }
}

/** What a renderer took from an encrypted file. Files that are taken as they are were decrypted when they were read. */
async function decryptAll(
  documents: readonly YamlDocument[],
  sops: Sops | undefined,
  problems: Problem[],
): Promise<readonly YamlDocument[]> {
  if (sops === undefined) return documents;
  const result: YamlDocument[] = [];
  for (const document of documents) {
    const mac = sopsMac(document.root);
    const decrypted = mac === undefined ? document : await collectInputErrors(sops.decryptRendered(document), problems);
    result.push(decrypted ?? document);
  }
  return result;
}

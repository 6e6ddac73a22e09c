import type { Place, Problem } from '../../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { KustomizeOrigins } from './kustomize-origins.ts';
import { findKustomize } from './kustomize-program.ts';
import type { Checkout, UserPath } from './paths.ts';
import type { LoadContext, Renderer } from './source.ts';
import { toolFailure } from './tools.ts';
import type { ScalarRewrite } from './yaml/compose.ts';
import { readYaml, type YamlDocument } from './yaml/read.ts';

export interface KustomizeRender {
  readonly documents: readonly YamlDocument[];
  readonly renderer: Renderer;
  origin(object: KubernetesObject, document: YamlDocument): Place;
}

/**
 * Renders kustomizations. Plugins, exec functions and helm are not enabled: a kustomization runs no program. The rendered text is
 * what `kustomize build` says for the user's own folder; a second build tells only where each object comes from.
 */
export async function renderKustomize(
  folders: readonly UserPath[],
  checkout: Checkout,
  context: LoadContext,
  rewrite: ScalarRewrite | undefined,
  problems: Problem[],
): Promise<KustomizeRender> {
  const program = await findKustomize(context);
  const origins = new KustomizeOrigins(checkout, context, program);
  const documents: YamlDocument[] = [];
  for (const folder of folders) {
    const result = await program.build(folder === '.' ? '.' : `./${folder}`);
    if (result.exitCode !== 0) {
      const at = { file: folder };
      problems.push(
        toolFailure(`\`${program.renderer.name} build ${folder}\``, result, { at, code: 'kustomize-failed' }),
      );
      continue;
    }
    for (const line of result.stderr.split(/\r?\n/)) if (line.trim() !== '') context.log(`kustomize: ${line}`);
    const read = readYaml(result.stdout, folder, rewrite);
    // Lines of the rendered text are in no file.
    problems.push(...read.problems.map((problem) => ({ ...problem, at: { file: folder } })));
    const rendered = read.documents.map((document) => ({ ...document, place: () => ({ file: folder }) }));
    documents.push(...rendered);
    await origins.learn(folder, rendered, problems);
  }
  return { documents, renderer: program.renderer, origin: (object, document) => origins.of(object, document) };
}

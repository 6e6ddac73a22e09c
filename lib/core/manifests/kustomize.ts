import type { Place, Problem } from '../../errors.ts';
import { gitEnvironment, MissingProgramError, type ProgramResult } from '../../ports/programs/index.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { KustomizeOrigins } from './kustomize-origins.ts';
import type { Checkout, UserPath } from './paths.ts';
import type { LoadContext, Renderer } from './source.ts';
import { environmentOf, runTool, toolFailure } from './tools.ts';
import type { ScalarRewrite } from './yaml/compose.ts';
import { readYaml, type YamlDocument } from './yaml/read.ts';

export interface KustomizeRender {
  readonly documents: readonly YamlDocument[];
  readonly renderer: Renderer;
  origin(object: KubernetesObject, document: YamlDocument): Place;
}

/** The kustomize that is there: the user's program, or the one that is built into kubectl. */
export interface KustomizeProgram {
  readonly renderer: Renderer;
  build(folder: string): Promise<ProgramResult>;
}

/** The default of kustomize: files come from the kustomization's own folder and below, bases from anywhere. */
const buildFlags = ['--load-restrictor', 'LoadRestrictionsRootOnly'];

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

async function findKustomize(context: LoadContext): Promise<KustomizeProgram> {
  const environment = gitEnvironment(environmentOf(context));
  const run = async (tool: 'kustomize' | 'kubectl', args: readonly string[]): Promise<ProgramResult> =>
    await runTool(context, tool, { args, environment });
  try {
    const version = versionIn((await run('kustomize', ['version'])).stdout);
    return {
      renderer: { name: 'kustomize', ...version },
      build: async (folder) => await run('kustomize', ['build', folder, ...buildFlags]),
    };
  } catch (error) {
    // A path that the user gave must be right; only the default has a stand-in.
    if (!(error instanceof MissingProgramError) || context.programs.kustomize !== undefined) throw error;
    return await kubectlKustomize(run, error);
  }
}

async function kubectlKustomize(
  run: (tool: 'kubectl', args: readonly string[]) => Promise<ProgramResult>,
  missingKustomize: MissingProgramError,
): Promise<KustomizeProgram> {
  try {
    const said = (await run('kubectl', ['version', '--client', '--output=json'])).stdout;
    const version = versionIn(/"kustomizeVersion":\s*"([^"]*)"/.exec(said)?.[1] ?? '');
    return {
      renderer: { name: 'kubectl kustomize', ...version },
      build: async (folder) => await run('kubectl', ['kustomize', folder, ...buildFlags]),
    };
  } catch (error) {
    throw error instanceof MissingProgramError ? missingKustomize : error;
  }
}

function versionIn(text: string): { readonly version?: string } {
  const version = /v?\d+\.\d+\.\d+[-+.\w]*/.exec(text)?.[0];
  return version === undefined ? {} : { version };
}

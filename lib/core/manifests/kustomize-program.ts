import { gitEnvironment, MissingProgramError, type ProgramResult } from '../../ports/programs/index.ts';
import type { LoadContext, Renderer } from './source.ts';
import { environmentOf, runTool } from './tools.ts';

/** The kustomize that is there: the user's program, or the one that is built into kubectl. */
export interface KustomizeProgram {
  readonly renderer: Renderer;
  build(folder: string): Promise<ProgramResult>;
}

/** The default of kustomize: files come from the kustomization's own folder and below, bases from anywhere. */
const buildFlags = ['--load-restrictor', 'LoadRestrictionsRootOnly'];

/** Finds it and asks for its version. Throws MissingProgramError when there is neither program. */
export async function findKustomize(context: LoadContext): Promise<KustomizeProgram> {
  // A remote base that needs a password must fail, not wait for somebody to type it.
  const environment = { ...gitEnvironment(environmentOf(context)), GIT_TERMINAL_PROMPT: '0' };
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

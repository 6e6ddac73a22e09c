import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { agentSecretVariables, agentVariables } from './agent-variables.ts';
import type { SystemConnection } from './endpoints.ts';
import { type GitCheckout, readGitCheckout } from './git-checkout.ts';
import type { RunOptions } from './options.ts';
import { buildVariables, type ReleaseArtifact, releaseVariables } from './pipeline-variables.ts';
import type { RunFolder } from './run-folder.ts';
import { Variables } from './variables.ts';

// Nothing listens on the discard port, so that a run reaches no server unless a test names one.
const nowhere = 'http://localhost:9/contoso/';

/** What a job is told before its first step. */
export interface HostSetup {
  readonly variables: Variables;
  readonly workingDirectory: string;
  readonly systemConnection: SystemConnection;
  /** Where relative `filePath` inputs begin. */
  readonly pathRoot: string;
  /** Undefined in a release, which has no sources. */
  readonly repositoryPath: string | undefined;
}

export async function setUpHost(options: RunOptions, folder: RunFolder): Promise<HostSetup> {
  const isRelease = options.host !== undefined && options.host !== 'build';
  const workingDirectory = path.resolve(options.workdir ?? path.join(folder.job, isRelease ? 'a' : 's'));
  const systemConnection = options.systemConnection ?? { url: nowhere, token: 'system-access-token-of-this-job' };
  const collectionUrl = systemConnection.url.endsWith('/') ? systemConnection.url : `${systemConnection.url}/`;
  const repositoryPath = path.resolve(options.repositoryPath ?? workingDirectory);
  const variables = new Variables();
  const add = (values: Readonly<Record<string, string | undefined>>, secret: boolean): void => {
    const taken = options.variables ?? {};
    for (const [name, value] of Object.entries(values)) {
      const isTaken = Object.entries(taken).some(([key, mine]) => mine === undefined && same(key, name));
      if (value !== undefined && !isTaken) variables.set(name, value, { secret });
    }
  };

  add(agentVariables(folder, isRelease, options.network ?? {}), false);
  add(agentSecretVariables(options.network ?? {}), true);
  if (isRelease) {
    const artifacts = await findArtifacts(workingDirectory);
    add(
      releaseVariables({ collectionUrl, jobDirectory: folder.job, artifactsDirectory: workingDirectory, artifacts }),
      false,
    );
    if (options.host === 'deployment') add({ 'System.HostType': 'deployment' }, false);
  } else {
    const checkout = await readGitCheckout(repositoryPath);
    add(
      buildVariables({
        collectionUrl,
        jobDirectory: folder.job,
        sourcesDirectory: workingDirectory,
        // Without a server of the test's own the repository is not in Azure Repos.
        ...(options.systemConnection === undefined ? { provider: 'Git' } : {}),
        ...(checkout === undefined ? {} : { checkout }),
      }),
      false,
    );
    add({ 'Build.Repository.LocalPath': repositoryPath }, false);
    add({ 'System.AccessToken': systemConnection.token }, true);
  }
  if (options.debug === true) add({ 'System.Debug': 'true' }, false);
  add(options.variables ?? {}, false);
  add(options.secretVariables ?? {}, true);

  return {
    variables,
    workingDirectory,
    systemConnection,
    pathRoot: isRelease || options.multipleCheckouts === true ? workingDirectory : repositoryPath,
    repositoryPath: isRelease ? undefined : repositoryPath,
  };
}

/** Git artifacts are clones in folders of their alias. */
async function findArtifacts(folder: string): Promise<ReleaseArtifact[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && entry.name !== '.git').map((entry) => entry.name);
  const artifacts: ReleaseArtifact[] = [];
  for (const alias of names.sort()) {
    const checkout: GitCheckout | undefined = await readGitCheckout(path.join(folder, alias));
    if (checkout !== undefined) artifacts.push({ alias, type: 'Git', checkout });
  }
  return artifacts;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

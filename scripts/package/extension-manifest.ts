import type { Problem } from '../../lib/errors.ts';
import type { TaskManifest } from '../build/task-manifest.ts';

/** The parts of vss-extension.json that packaging looks at. */
export interface ExtensionManifest {
  readonly manifestVersion: number;
  readonly id: string;
  readonly publisher: string;
  readonly version: string;
  readonly name: string;
  readonly description: string;
  readonly public?: boolean;
  readonly scopes?: readonly string[];
  readonly categories: readonly string[];
  readonly targets: readonly { readonly id: string }[];
  readonly contributions: readonly Contribution[];
}

export interface Contribution {
  readonly id: string;
  readonly type: string;
  readonly targets: readonly string[];
  readonly properties: { readonly name: string };
}

const TASK_TYPE = 'ms.vss-distributed-task.task';

/**
 * What the Marketplace would refuse at upload, and what nobody would tell: a task that no contribution names is in the package
 * and cannot be used.
 */
export function checkExtension(
  extension: ExtensionManifest,
  tasks: readonly TaskManifest[],
  packageVersion: string,
): Problem[] {
  const problems: Problem[] = [];
  const report = (message: string) => problems.push({ message, at: { file: 'vss-extension.json' }, code: 'extension' });
  if (extension.manifestVersion !== 1) report('manifestVersion must be 1');
  if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(extension.id)) report('id: letters, digits and hyphens, the first no hyphen');
  if (!/^\d+\.\d+\.\d+$/.test(extension.version)) report('version must have three numbers');
  if (extension.version !== packageVersion)
    report(`version is ${extension.version}, package.json says ${packageVersion}`);
  if (extension.name.length > 200) report('name is longer than 200 characters');
  if (extension.description.length > 200) report('description is longer than 200 characters');
  if (!extension.categories.includes('Azure Pipelines')) report("categories must hold 'Azure Pipelines'");
  // Covers Azure DevOps Services and Azure DevOps Server.
  if (!extension.targets.some(({ id }) => id === 'Microsoft.VisualStudio.Services'))
    report('targets must hold Microsoft.VisualStudio.Services');
  if (extension.public !== undefined && typeof extension.public !== 'boolean') report('public must be true or false');
  const ids = extension.contributions.map(({ id }) => id.toLowerCase());
  for (const id of ids.filter((id, index) => ids.indexOf(id) !== index))
    report(`two contributions have the id '${id}'`);
  const contributed = extension.contributions
    .filter(({ type }) => type === TASK_TYPE)
    .map(({ properties }) => properties.name);
  for (const { name } of tasks) {
    if (contributed.filter((other) => other === name).length !== 1)
      report(`the task ${name} needs exactly one contribution of type ${TASK_TYPE}`);
  }
  for (const name of contributed) {
    if (!tasks.some((task) => task.name === name))
      report(`a contribution names the task ${name}, which does not exist`);
  }
  return problems;
}

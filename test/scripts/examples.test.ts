import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { glob } from 'tinyglobby';
import { readTaskManifest, type TaskInput, type TaskManifest } from '../../scripts/build/task-manifest.ts';
import { parseVisibleRule } from '../../scripts/build/visible-rule.ts';

const root = join(import.meta.dirname, '..', '..');
const task = readTaskManifest(join(root, 'tasks', 'GitOpsSync', 'task.json')) as TaskManifest;

interface Step {
  readonly task: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** Every step of our task, wherever the pipeline's shape has it. */
function steps(value: unknown): Step[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = /^GitOps\w+@\d+$/.test(String((value as Partial<Step>).task)) ? [value as Step] : [];
  return [...own, ...Object.values(value).flatMap(steps)];
}

/** YAML of the blocks in a page that hold a step of ours, also when the block is a list of steps. */
function blocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)]
    .map(([, text]) => text ?? '')
    .filter((text) => text.includes('GitOps'));
}

function problemsOf(step: Step): string[] {
  const inputs = step.inputs ?? {};
  const find = (name: string): TaskInput | undefined =>
    task.inputs.find((input) => input.name === name || input.aliases?.includes(name));
  const given = (name: string) => String(inputs[name] ?? find(name)?.defaultValue ?? '');
  const isShown = (input: TaskInput): boolean => {
    const rule = input.visibleRule === undefined ? undefined : parseVisibleRule(input.visibleRule);
    if (rule === undefined || !rule.ok) return true;
    const holds = rule.clauses.map((clause) => {
      const value = given(clause.input);
      return value.includes('$(') || (value === clause.literal) === (clause.operator === '=');
    });
    return input.visibleRule?.includes('&&') ? holds.every(Boolean) : holds.some(Boolean);
  };
  const problems: string[] = [];
  for (const [name, value] of Object.entries(inputs)) {
    const input = find(name);
    if (input === undefined) problems.push(`${name} is no input`);
    else if (!isShown(input)) problems.push(`${name} has no effect with these inputs`);
    else if (input.options !== undefined && !String(value).includes('$(') && !(String(value) in input.options))
      problems.push(`${name}: ${String(value)} is no option`);
  }
  for (const input of task.inputs as readonly (TaskInput & { required?: boolean })[]) {
    const names = [input.name, ...(input.aliases ?? [])];
    const isGiven = Boolean(input.defaultValue) || names.some((name) => inputs[name] !== undefined);
    if (input.required === true && isShown(input) && !isGiven) problems.push(`${input.name} is missing`);
  }
  if (step.task !== `${task.name}@${task.version.Major}`) problems.push(`${step.task} is another version`);
  return problems;
}

const pipelines = (await glob('examples/pipelines/*.yml', { cwd: root })).sort();

describe('the pipelines that readers copy', () => {
  it('are there', () => {
    assert.ok(pipelines.length >= 5, String(pipelines));
  });

  for (const file of pipelines) {
    it(`${file} is YAML whose steps give the inputs that the task has`, async () => {
      const found = steps(load(await readFile(join(root, file), 'utf8')));
      assert.ok(found.length > 0, 'it has a step of ours');
      for (const step of found) assert.deepEqual(problemsOf(step), []);
    });
  }

  for (const file of ['README.md', 'overview.md', 'docs/gitops-sync.md']) {
    it(`${file} shows a step that gives the inputs that the task has`, async () => {
      const found = blocks(await readFile(join(root, file), 'utf8')).flatMap((text) => steps(load(text)));
      assert.ok(found.length > 0, 'it shows a step of ours');
      for (const step of found) assert.deepEqual(problemsOf(step), []);
    });
  }

  it('would be told of a wrong input, a missing one, a wrong option, and one without effect', () => {
    const step = {
      task: 'GitOpsSync@0',
      inputs: { syncSet: 'shop', namespaces: 'x', wait: 'some', kubeContext: 'x', kubernetesServiceConnection: 'x' },
    };
    assert.deepEqual(problemsOf(step), [
      'namespaces is no input',
      'wait: some is no option',
      'kubeContext has no effect with these inputs',
      'manifests is missing',
    ]);
  });
});

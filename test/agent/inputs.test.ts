import assert from 'node:assert/strict';
import { resolveInputs } from './inputs.ts';
import type { TaskDefinition, TaskInput } from './task-definition.ts';
import { Variables } from './variables.ts';

const input = (name: string, more: Partial<TaskInput> = {}): TaskInput => ({ name, type: 'string', ...more });

const definition = (...inputs: TaskInput[]): TaskDefinition => ({
  id: 'id',
  name: 'Sample',
  version: { Major: 1, Minor: 0, Patch: 0 },
  groups: [{ name: 'shown' }, { name: 'plan', visibleRule: 'action = plan' }],
  inputs,
});

function resolve(task: TaskDefinition, given: Record<string, string>, variables: Record<string, string> = {}) {
  const store = new Variables();
  for (const [name, value] of Object.entries(variables)) store.set(name, value);
  const { values, problems } = resolveInputs({
    definition: task,
    given,
    variables: store,
    agentEnvironment: { HOME: '/home/agent', name: 'of the environment' },
    pathRoot: '/agent/_work/1/s',
  });
  return { values: Object.fromEntries(values), problems: problems.map((problem) => problem.message) };
}

describe("A task's inputs", () => {
  it('are all declared ones: defaults also of hidden inputs, overlaid by what was given', () => {
    const task = definition(
      input('action', { defaultValue: 'sync' }),
      input('hidden', { defaultValue: 'yes', visibleRule: 'action = plan' }),
      input('name'),
    );
    assert.deepEqual(resolve(task, { NAME: 'web' }).values, { action: 'sync', hidden: 'yes', name: 'web' });
  });

  it('are trimmed, also over several lines, unless DISABLE_INPUT_TRIMMING says no', () => {
    const task = definition(input('text', { defaultValue: ' a ' }), input('name'));
    assert.deepEqual(resolve(task, { name: ' x\n y \n' }).values, { text: 'a', name: 'x\n y' });
    assert.deepEqual(resolve(task, { name: ' x ' }, { DISABLE_INPUT_TRIMMING: 'true' }).values, {
      text: ' a ',
      name: ' x ',
    });
  });

  it("expand macros by variables first, then by the agent's environment; what a variable brings is not trimmed", () => {
    const task = definition(input('a', { defaultValue: '$(Name)' }), input('b'), input('c'));
    const { values } = resolve(task, { b: '$(HOME)/x', c: '$(unknown)' }, { name: ' web ' });
    assert.deepEqual(values, { a: ' web ', b: '/home/agent/x', c: '$(unknown)' });
  });

  it('of type filePath become absolute: relative ones below the root, an empty one the root itself', () => {
    const task = definition(
      input('a', { type: 'filePath' }),
      input('b', { type: 'filePath' }),
      input('c', { type: 'filePath' }),
    );
    assert.deepEqual(resolve(task, { b: 'k8s/../base', c: '/etc//kube/' }).values, {
      a: '/agent/_work/1/s',
      b: '/agent/_work/1/s/base',
      c: '/etc/kube',
    });
  });

  it('may be given by an alias, but not twice', () => {
    const task = definition(input('manifests', { aliases: ['path', 'chartPath'] }));
    assert.deepEqual(resolve(task, { chartpath: 'k8s' }).values, { manifests: 'k8s' });
    assert.throws(() => resolve(task, { path: 'a', manifests: 'b' }), /"path" and "manifests" are the same input/);
  });

  it('that nobody declared are reported and not sent', () => {
    const { values, problems } = resolve(definition(input('name')), { nmae: 'web' });
    assert.deepEqual(values, { name: '' });
    assert.deepEqual(problems, ['The task Sample has no input "nmae".']);
  });

  it('are required only where they, and their group, are shown', () => {
    const task = definition(
      input('action', { defaultValue: 'sync' }),
      input('shown', { required: true, visibleRule: 'action = sync', groupName: 'shown' }),
      input('hidden', { required: true, visibleRule: 'action = plan' }),
      input('inHiddenGroup', { required: true, groupName: 'plan' }),
      input('filled', { required: true, defaultValue: 'x' }),
      input('file', { required: true, type: 'filePath' }),
    );
    assert.deepEqual(resolve(task, {}).problems, [
      'The input "shown" is required and was not given.',
      'The input "file" is required and was not given.',
    ]);
    assert.deepEqual(resolve(task, { action: 'plan', file: 'x' }).problems, [
      'The input "hidden" is required and was not given.',
      'The input "inHiddenGroup" is required and was not given.',
    ]);
  });
});

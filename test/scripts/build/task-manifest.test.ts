import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSchema } from '../../../scripts/build/task-manifest.ts';
import { checkRules } from '../../../scripts/build/task-rules.ts';
import { probeManifest, REPOSITORY } from '../support.ts';

type Json = Record<string, unknown>;

/** What is said of the probe's task.json after one change. */
function problemsAfter(change: (task: Json & { inputs: Json[] }) => void): string[] {
  const task = structuredClone(probeManifest()) as unknown as Json & { inputs: Json[] };
  change(task);
  const misfits = checkSchema(task, 'task.json');
  const problems = misfits.length > 0 ? misfits : checkRules(task as never, 'task.json');
  return problems.map((problem) => problem.message);
}

function refuses(title: string, change: (task: Json & { inputs: Json[] }) => void, message: RegExp): void {
  it(`refuses ${title}`, () => {
    const problems = problemsAfter(change);
    assert.ok(
      problems.some((problem) => message.test(problem)),
      `no problem like ${message} in:\n${problems.join('\n')}`,
    );
  });
}

/** The probe's inputs: mode (pickList), document (string), deep (boolean, in the group more). */
const input = (task: { inputs: Json[] }, name: string): Json => {
  const found = task.inputs.find((candidate) => candidate['name'] === name);
  assert.ok(found);
  return found;
};

describe('task.json', () => {
  it('passes when it keeps every rule', () => {
    assert.deepEqual(
      problemsAfter(() => {}),
      [],
    );
  });

  it('of GitOpsSync keeps every rule', () => {
    const task = JSON.parse(readFileSync(join(REPOSITORY, 'tasks/GitOpsSync/task.json'), 'utf8'));
    assert.deepEqual(checkSchema(task, 'task.json'), []);
    assert.deepEqual(checkRules(task, 'task.json'), []);
  });

  describe('by its schema', () => {
    refuses(
      'an id that is no GUID',
      (task) => {
        task['id'] = 'probe';
      },
      /^id: must match pattern/,
    );
    refuses(
      'a name with a space',
      (task) => {
        task['name'] = 'Probe Task';
      },
      /^name: must match pattern/,
    );
    refuses(
      'a friendlyName of 41 characters',
      (task) => {
        task['friendlyName'] = 'x'.repeat(41);
      },
      /^friendlyName: .*40 characters/,
    );
    refuses(
      'a missing instanceNameFormat',
      (task) => {
        delete task['instanceNameFormat'];
      },
      /'instanceNameFormat'/,
    );
    refuses(
      'an unknown property',
      (task) => {
        task['helpURL'] = 'https://example.com';
      },
      /unknown property 'helpURL'/,
    );
    refuses(
      'the handler key Node20, which agents ignore',
      (task) => {
        task['execution'] = { ...(task['execution'] as Json), Node20: { target: 'main.mjs' } };
      },
      /^execution: unknown handler key 'Node20'/,
    );
    refuses(
      'an unknown handler key before the job',
      (task) => {
        task['prejobexecution'] = { ...(task['execution'] as Json), Node16: { target: 'main.mjs' } };
      },
      /^prejobexecution: unknown handler key 'Node16'/,
    );
    refuses(
      'a missing handler for Node 24',
      (task) => {
        task['execution'] = { Node20_1: { target: 'main.mjs' } };
      },
      /^execution: must have required property 'Node24'/,
    );
    refuses(
      'a task that classic releases cannot use',
      (task) => {
        task['visibility'] = ['Build'];
      },
      /^visibility: /,
    );
    refuses(
      'an unknown type of input',
      (task) => {
        input(task, 'mode')['type'] = 'dropdown';
      },
      /^inputs\.0\.type: /,
    );
    refuses(
      'an input without help',
      (task) => {
        delete input(task, 'document')['helpMarkDown'];
      },
      /^inputs\.1: .*'helpMarkDown'/,
    );
    refuses(
      'an output variable with a hyphen',
      (task) => {
        task['outputVariables'] = [{ name: 'the-count', description: 'x' }];
      },
      /^outputVariables\.0\.name: must match pattern/,
    );
    refuses(
      'sourceDefinitions, which data source bindings replaced',
      (task) => {
        task['sourceDefinitions'] = [];
      },
      /'sourceDefinitions'/,
    );
  });

  describe('by its rules', () => {
    refuses(
      'two inputs whose names differ in case only',
      (task) => {
        task.inputs.push({ ...input(task, 'document'), name: 'Document', aliases: ['other'] });
      },
      /input 'Document': .* taken by input 'document'/,
    );
    refuses(
      'an alias that is the name of another input',
      (task) => {
        input(task, 'document')['aliases'] = ['mode'];
      },
      /'mode' is already taken/,
    );
    refuses(
      'a group that does not exist',
      (task) => {
        input(task, 'mode')['groupName'] = 'less';
      },
      /there is no group 'less'/,
    );
    refuses(
      'a group without inputs',
      (task) => {
        delete input(task, 'deep')['groupName'];
      },
      /group 'more' has no input/,
    );
    refuses(
      'a pick list without options',
      (task) => {
        delete input(task, 'mode')['options'];
      },
      /input 'mode': a pickList needs options/,
    );
    refuses(
      'options on a string',
      (task) => {
        input(task, 'document')['options'] = { a: 'A' };
      },
      /only a pickList or radio has options/,
    );
    refuses(
      'a pick list that takes no $(variables)',
      (task) => {
        input(task, 'mode')['properties'] = { EditableOptions: 'False' };
      },
      /EditableOptions "True"/,
    );
    refuses(
      'a default that is no option',
      (task) => {
        input(task, 'mode')['defaultValue'] = 'medium';
      },
      /"medium" is not one of its options/,
    );
    refuses(
      'a boolean without default',
      (task) => {
        delete input(task, 'deep')['defaultValue'];
      },
      /default of a boolean/,
    );
    refuses(
      'a visibleRule about an unknown input',
      (task) => {
        input(task, 'deep')['visibleRule'] = 'speed = slow';
      },
      /there is no input 'speed'/,
    );
    refuses(
      'a visibleRule about an alias',
      (task) => {
        input(task, 'deep')['visibleRule'] = 'yaml = slow';
      },
      /there is no input 'yaml'/,
    );
    refuses(
      'a visibleRule about a value that is no option',
      (task) => {
        input(task, 'deep')['visibleRule'] = 'mode = slowly';
      },
      /'slowly' is no option/,
    );
    refuses(
      'a visibleRule of a group that cannot be read',
      (task) => {
        task['groups'] = [{ name: 'more', displayName: 'More', visibleRule: 'mode == slow' }];
      },
      /group 'more': visibleRule/,
    );
    refuses(
      'an input that decides about itself',
      (task) => {
        input(task, 'mode')['visibleRule'] = 'mode = slow';
      },
      /cannot decide about itself/,
    );
    refuses(
      'an output variable that may not be set',
      (task) => {
        task['restrictions'] = { settableVariables: { allowed: [] } };
      },
      /'count' is missing in restrictions/,
    );
    refuses(
      'a settable variable that is no output',
      (task) => {
        task['restrictions'] = { settableVariables: { allowed: ['count', 'PATH'] } };
      },
      /'PATH', which is no output variable/,
    );
    refuses(
      'an instanceNameFormat that names no input',
      (task) => {
        task['instanceNameFormat'] = 'Probe $(modus)';
      },
      /no input 'modus'/,
    );
    refuses(
      'handlers that start different files',
      (task) => {
        task['execution'] = { Node20_1: { target: 'main.mjs' }, Node24: { target: 'other.mjs' } };
      },
      /same file/,
    );
    refuses(
      'an agent that knows no Node20_1',
      (task) => {
        task['minimumAgentVersion'] = '3.218.0';
      },
      /older than 4\.248\.0/,
    );
    refuses(
      'a data source for an input that does not exist',
      (task) => {
        task['dataSourceBindings'] = [{ target: 'cluster', endpointId: '$(connection)', dataSourceName: 'Clusters' }];
      },
      /dataSourceBindings: there is no input 'cluster'/,
    );
  });

  it('lets a data source fill a pick list instead of options', () => {
    const problems = problemsAfter((task) => {
      const mode = input(task, 'mode');
      delete mode['options'];
      mode['defaultValue'] = '';
      task['dataSourceBindings'] = [{ target: 'mode', endpointId: '$(document)', dataSourceName: 'Modes' }];
    });
    assert.deepEqual(problems, []);
  });
});

import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { InputError } from '../../../lib/errors.ts';
import { runsInAzurePipelines } from '../../../lib/ports/agent/create-agent.ts';
import { createTerminalAgent, parseTerminalArguments } from '../../../lib/ports/agent/terminal.ts';
import { wantsColours } from '../../../lib/ports/agent/terminal-log.ts';
import { capturedSession } from './session.ts';

function terminal(env: NodeJS.ProcessEnv, ...argv: string[]) {
  const parts = capturedSession();
  const session = createTerminalAgent({ NO_COLOR: '1', ...env }, parseTerminalArguments(argv), parts);
  return { ...session, ...parts };
}

describe('a task in a terminal', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it('takes its inputs from arguments, else from the variables that the agent would set', () => {
    const { agent } = terminal(
      { INPUT_SYNCSET: 'from-env', INPUT_MANIFESTS: 'a=b' },
      '--input',
      'syncSet=shop',
      '--input=values=a=b',
      '--input',
      'empty= ',
      '--workdir',
      '/srv',
    );
    folders.push(agent.tempDirectory);
    assert.equal(agent.input('SyncSet'), 'shop');
    assert.equal(agent.input('values'), 'a=b');
    assert.equal(agent.input('empty'), undefined);
    assert.equal(agent.input('manifests'), 'a=b');
    assert.equal(agent.workingDirectory, '/srv');
    assert.ok(existsSync(agent.tempDirectory));
    const { tempDirectory } = agent;
    assert.equal(agent.tempDirectory, tempDirectory, 'it is one folder for the whole run');
  });

  it('refuses arguments that it does not know', () => {
    for (const argv of [['--input', 'novalue'], ['--input', '=x'], ['--unknown'], ['stray']]) {
      assert.throws(() => parseTerminalArguments(argv), InputError);
    }
  });

  it('masks secrets itself, in the log and in outputs', async () => {
    const { agent, finish, stdout } = terminal({ HTTPS_PROXY: 'http://me:hunter2@proxy:1' });
    agent.maskSecret('s3cret-value');
    agent.log.info('the s3cret-value is hunter2');
    agent.setOutput('token', 's3cret-value');
    await finish();
    assert.equal(stdout.text, 'the *** is ***\noutput token = ***\n');
  });

  it('tells what was given and not read, which is most often misspelt', async () => {
    const { agent, finish, stderr } = terminal({}, '--input', 'syncset=a', '--input', 'manifest=b');
    agent.input('syncSet');
    assert.equal(await finish(), 0);
    assert.match(stderr.text, /^warning: The task has not read these inputs: manifest\./);
  });

  it('ends with 1 after a failure, also when something better is said later', async () => {
    const { agent, finish } = terminal({});
    agent.complete('Failed', 'no');
    agent.complete('Succeeded', 'yes');
    assert.equal(await finish(), 1);
  });

  it('has colours on a terminal that shows them, unless NO_COLOR or FORCE_COLOR say otherwise', () => {
    assert.equal(wantsColours({}, true), true);
    assert.equal(wantsColours({}, false), false);
    assert.equal(wantsColours({ NO_COLOR: '1' }, true), false);
    assert.equal(wantsColours({ NO_COLOR: '1', FORCE_COLOR: '1' }, true), false);
    assert.equal(wantsColours({ FORCE_COLOR: '1' }, false), true);
    assert.equal(wantsColours({ FORCE_COLOR: '0' }, true), false);
    assert.equal(wantsColours({ TERM: 'dumb' }, true), false);
  });
});

describe('the choice of the agent', () => {
  it('is Azure Pipelines where its agent has set both its mark and its variables', () => {
    assert.equal(runsInAzurePipelines({ TF_BUILD: 'True', AGENT_TEMPDIRECTORY: '/t' }), true);
    assert.equal(runsInAzurePipelines({ TF_BUILD: 'True' }), false);
    assert.equal(runsInAzurePipelines({ AGENT_TEMPDIRECTORY: '/t' }), false);
    assert.equal(runsInAzurePipelines({}), false);
  });
});

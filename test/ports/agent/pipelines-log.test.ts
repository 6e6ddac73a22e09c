import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createPipelinesLog, type PipelinesLog } from '../../../lib/ports/agent/pipelines-log.ts';
import { type ReadCommand, readAsAgent } from './agent-reader.ts';
import { foreignText } from './foreign-text.ts';
import { capturedSession } from './session.ts';

async function logged(
  write: (log: PipelinesLog) => void,
  options: { debug?: boolean; sourceRoot?: string | undefined } = {},
): Promise<string> {
  const { output, stdout } = capturedSession();
  write(createPipelinesLog({ output, debug: false, sourceRoot: '/agent/_work/1/s', ...options }));
  await output.flush();
  return stdout.text;
}

async function commandsOf(...args: Parameters<typeof logged>): Promise<readonly ReadCommand[]> {
  return readAsAgent(await logged(...args)).commands;
}

describe('the log in a pipeline', () => {
  it('annotates an issue with the absolute path, which the agent maps to the repository', async () => {
    const commands = await commandsOf((log) =>
      log.error('no such field', { file: 'apps/a b.yaml', line: 3, column: 7, code: 'unknown-field' }),
    );
    assert.deepEqual(commands, [
      {
        name: 'task.logissue',
        properties: {
          type: 'error',
          sourcepath: '/agent/_work/1/s/apps/a b.yaml',
          linenumber: '3',
          columnnumber: '7',
          code: 'unknown-field',
        },
        data: 'no such field',
      },
    ]);
  });

  it('tells a file without a line in words, as the agent would write `file(,)`', async () => {
    const [command] = await commandsOf((log) => log.warning('is empty', { file: 'apps/a.yaml' }));
    assert.deepEqual(command, {
      name: 'task.logissue',
      properties: { type: 'warning' },
      data: 'apps/a.yaml: is empty',
    });
  });

  it('tells the file in words in a classic release, where the agent maps no path', async () => {
    const [command] = await commandsOf((log) => log.error('bad', { file: 'a.yaml', line: 3, column: 2 }), {
      sourceRoot: undefined,
    });
    assert.deepEqual(command, { name: 'task.logissue', properties: { type: 'error' }, data: 'a.yaml:3:2: bad' });
  });

  it('tells a file with a hostile name in words, as the agent would print the name as it is', async () => {
    const [command] = await commandsOf((log) => log.error('bad', { file: 'a\n##[section]b.yaml', line: 1 }));
    assert.deepEqual(command?.properties, { type: 'error' });
    assert.equal(command?.data, 'a\n# #[section]b.yaml:1: bad');
  });

  it('keeps the lines of an issue together', async () => {
    const [command] = await commandsOf((log) => log.error('first\nsecond ##vso[a.b]'));
    assert.equal(command?.data, 'first\nsecond # #vso[a.b]');
  });

  it('prints what is more than the ten issues that the agent keeps, and says so once', async () => {
    const text = await logged((log) => {
      for (let index = 1; index <= 13; index += 1) log.error(`error ${index}`, { file: 'a.yaml', line: index });
      log.warning('only one');
      log.finish();
      log.finish();
    });
    const { commands, shown } = readAsAgent(text);
    assert.equal(commands.filter(({ properties }) => properties['type'] === 'error').length, 10);
    assert.deepEqual(
      shown.filter((line) => line !== ''),
      [
        '##[error]a.yaml:11: error 11',
        '##[error]a.yaml:12: error 12',
        '##[error]a.yaml:13: error 13',
        "The run's page shows the first 10 errors; 3 more stand only in this log.",
      ],
    );
  });

  it('shortens an issue that is too long for a page and prints the whole of it', async () => {
    const long = 'x'.repeat(10_000);
    const { commands, shown } = readAsAgent(await logged((log) => log.error(long)));
    assert.ok((commands[0]?.data.length ?? 0) < 4_100);
    assert.ok(shown.includes(long));
  });

  it('sends debug lines only when the run is in debug mode', async () => {
    assert.equal(await logged((log) => log.debug('x')), '');
    assert.equal(await logged((log) => log.debug('x'), { debug: true }), '##vso[task.debug]x\n');
  });

  it('closes a group before it opens the next, as groups do not nest', async () => {
    const text = await logged((log) => {
      log.group('one ##[endgroup]');
      log.group('two');
      log.info('inside');
      log.endGroup();
      log.endGroup();
      log.section('done');
    });
    assert.equal(
      text,
      '##[group]one # #[endgroup]\n##[endgroup]\n##[group]two\ninside\n##[endgroup]\n##[section]done\n',
    );
  });

  it('sends one command for one issue, whatever the text, file and code say', async () => {
    await fc.assert(
      fc.asyncProperty(foreignText, foreignText, foreignText, async (text, file, code) => {
        const { commands, suspicious } = readAsAgent(
          await logged((log) => {
            log.error(text, { file, line: 1, code });
            log.section(text);
            log.group(text);
            log.info(text);
            log.endGroup();
          }),
        );
        assert.equal(commands.length, 1);
        assert.equal(commands[0]?.name, 'task.logissue');
        assert.equal(commands[0]?.properties['type'], 'error');
        assert.deepEqual(suspicious, []);
      }),
      { numRuns: 500 },
    );
  });
});

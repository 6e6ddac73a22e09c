import assert from 'node:assert/strict';
import { TaskCommand } from 'azure-pipelines-task-lib/taskcommand.js';
import fc from 'fast-check';
import { escapeValue, parseCommand, unescapeValue } from './command-parser.ts';

const properties = (line: string) => Object.fromEntries(parseCommand(line)?.properties ?? []);

describe('The line protocol', () => {
  it('has an area, an event, properties and data', () => {
    const command = parseCommand('##vso[task.logissue type=error;code=E1]It failed');
    assert.equal(command?.area, 'task');
    assert.equal(command?.event, 'logissue');
    assert.deepEqual(
      [...(command?.properties ?? [])],
      [
        ['type', 'error'],
        ['code', 'E1'],
      ],
    );
    assert.equal(command?.data, 'It failed');
  });

  it('finds a command anywhere in a line', () => {
    assert.equal(parseCommand('image: ##vso[task.complete result=Failed]x')?.event, 'complete');
  });

  it('takes the first marker and ends the header at the first bracket', () => {
    assert.equal(parseCommand('##vso[task.debug]a ##vso[task.complete]b')?.data, 'a ##vso[task.complete]b');
    assert.equal(parseCommand('] ##vso[task.debug a=[1]]x')?.data, ']x');
  });

  it('is no command without exactly two parts in its name, or without an end', () => {
    for (const line of [
      '##vso[task]x',
      '##vso[task.]x',
      '##vso[a.b.c]x',
      '##vso[]x',
      '##vso[ task.debug]x',
      '##vso[task.debug x',
      '',
    ]) {
      assert.equal(parseCommand(line), undefined, line);
    }
    assert.equal(parseCommand('##vso[.task..debug.]x')?.event, 'debug');
  });

  it('does not know the marker in another case', () => {
    assert.equal(parseCommand('##VSO[task.debug]x'), undefined);
  });

  it('compares names of properties without regard to case; the last one wins', () => {
    assert.deepEqual(properties('##vso[task.logissue Type=error;TYPE=warning]'), { type: 'warning' });
  });

  it('splits at the first equal sign and drops what has an empty side', () => {
    assert.deepEqual(properties('##vso[a.b x=1=2;y=;=z;w;;v=3]'), { x: '1=2', v: '3' });
  });

  // .NET's Split with RemoveEmptyEntries skips empty parts before the last one too.
  it('loses equal signs at the start of a value', () => {
    assert.deepEqual(properties('##vso[a.b x===1]'), { x: '1' });
  });

  for (const [character, written] of [
    ['%', '%AZP25'],
    ['\r', '%0D'],
    ['\n', '%0A'],
    [']', '%5D'],
    [';', '%3B'],
  ] as const) {
    it(`writes ${JSON.stringify(character)} as ${written} and reads it in properties and in data`, () => {
      assert.equal(escapeValue(`a${character}b`), `a${written}b`);
      assert.equal(unescapeValue(`a${written}b`), `a${character}b`);
      const command = parseCommand(`##vso[a.b x=1${written}2]3${written}4`);
      assert.equal(command?.properties.get('x'), `1${character}2`);
      assert.equal(command?.data, `3${character}4`);
    });
  }

  it('reads %AZP25 last, so that an escaped escape stays text', () => {
    assert.equal(unescapeValue('%AZP250A'), '%0A');
  });

  it('leaves %AZP25 alone when DECODE_PERCENTS is false, and nothing else', () => {
    const command = parseCommand('##vso[a.b x=1%AZP25%3B]%AZP25%0A', { decodePercents: false });
    assert.equal(command?.properties.get('x'), '1%AZP25;');
    assert.equal(command?.data, '%AZP25\n');
  });

  it('does not know other percent escapes, nor these in lower case', () => {
    assert.equal(unescapeValue('%20%5d%3b%0a'), '%20%5d%3b%0a');
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => assert.equal(unescapeValue(escapeValue(value)), value)),
    );
  });

  it('reads what azure-pipelines-task-lib writes', () => {
    const special = fc.constantFrom(
      '%',
      '\r',
      '\n',
      ']',
      ';',
      '=',
      '[',
      '%0A',
      '%AZP25',
      '##vso[task.debug]',
      ' ',
      'ä',
    );
    const text = fc.array(fc.oneof(special, fc.string())).map((parts) => parts.join(''));
    // An empty value is not sent at all; one that starts with an equal sign does not survive the agent.
    const value = text.filter((candidate) => candidate !== '' && !candidate.startsWith('='));
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), value), text, (values, data) => {
        const line = new TaskCommand('task.sample', { ...values }, data).toString();
        assert.doesNotMatch(line, /[\r\n]/);
        const command = parseCommand(line);
        assert.deepEqual([command?.area, command?.event], ['task', 'sample']);
        assert.deepEqual(Object.fromEntries(command?.properties ?? []), { ...values });
        assert.equal(command?.data, data);
      }),
    );
  });
});

import assert from 'node:assert/strict';
import { Console } from 'node:console';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { formatCommand } from '../../../lib/ports/agent/command.ts';
import { readAsAgent } from './agent-reader.ts';
import { chunked, foreignText } from './foreign-text.ts';
import { capturedSession } from './session.ts';

describe('the output of a task', () => {
  it('filters what a library writes to stdout and stderr itself', async () => {
    const { output, stdout, stderr } = capturedSession();
    const console = new Console(stdout, stderr);
    console.log('##vso[task.complete result=Failed]');
    console.error('##vso[task.complete result=Failed]');
    await output.flush();
    assert.equal(stdout.text, '# #vso[task.complete result=Failed]\n');
    assert.equal(stderr.text, '# #vso[task.complete result=Failed]\n');
  });

  it('filters bytes, other encodings, pipes and the last word', async () => {
    const { output, stdout } = capturedSession();
    const marker = '##vso[a.b]';
    stdout.write(Buffer.from(`${marker}\n`));
    stdout.write(Buffer.from(`${marker}\n`).toString('hex'), 'hex');
    const source = Readable.from([Buffer.from('##v'), Buffer.from('so[a.b]\n')]);
    source.pipe(stdout);
    await once(source, 'end');
    stdout.end(marker);
    await output.flush();
    assert.equal(stdout.text, '# #vso[a.b]\n'.repeat(4));
  });

  it('calls back after a write, also when nothing could be printed yet', async () => {
    const { stdout } = capturedSession();
    await new Promise((resolve) => stdout.write('half a line', resolve));
    await new Promise((resolve) => stdout.write('...\n', 'utf8', resolve));
    assert.equal(stdout.text, 'half a line...\n');
  });

  it('puts a character together that was cut in two', async () => {
    const { output, stdout } = capturedSession();
    const bytes = Buffer.from('😀\n');
    stdout.write(bytes.subarray(0, 2));
    stdout.write(bytes.subarray(2));
    await output.flush();
    assert.equal(stdout.text, '😀\n');
  });

  it('never mixes a command with a line that others have begun', async () => {
    const { output, stdout } = capturedSession();
    stdout.write('begun ');
    output.obeyed(formatCommand('task.setprogress', { value: '10' }, 'x'));
    stdout.write('and ended\n');
    await output.flush();
    assert.equal(stdout.text, '##vso[task.setprogress value=10;]x\nbegun and ended\n');
  });

  it('masks secrets in every line, whoever prints it', async () => {
    const { output, stdout, secrets } = capturedSession();
    secrets.add('hunter2');
    stdout.write('a hun');
    stdout.write('ter2 b\n');
    output.print('c hunter2');
    await output.flush();
    assert.equal(stdout.text, 'a *** b\nc ***\n');
  });

  it('does not fail when nobody reads any more', () => {
    const { stdout } = capturedSession();
    stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    assert.throws(() => stdout.emit('error', Object.assign(new Error('disk'), { code: 'EIO' })), /disk/);
  });

  it('makes the agent obey exactly our commands, with exactly our values, between any foreign text in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({ foreign: chunked(foreignText) }),
            fc.record({ property: foreignText, data: foreignText }),
          ),
          { maxLength: 6 },
        ),
        async (steps) => {
          const { output, stdout } = capturedSession();
          const expected: unknown[] = [];
          for (const step of steps) {
            if ('foreign' in step) {
              for (const chunk of step.foreign) stdout.write(chunk);
              output.print(step.foreign.join(''));
            } else {
              output.obeyed(formatCommand('task.logissue', { type: 'error', code: step.property }, step.data));
              const code = step.property === '' ? {} : { code: step.property };
              expected.push({ name: 'task.logissue', properties: { type: 'error', ...code }, data: step.data });
            }
          }
          await output.flush();
          const { commands, suspicious } = readAsAgent(stdout.text);
          // What UTF-8 cannot carry arrives as the replacement character.
          assert.deepEqual(commands, JSON.parse(Buffer.from(JSON.stringify(expected)).toString()).map(wellFormed));
          assert.deepEqual(suspicious, []);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return Buffer.from(value).toString();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, wellFormed(inner)]));
}

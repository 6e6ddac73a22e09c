import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LineSplitter, type OutputLine } from './line-splitter.ts';

function split(...chunks: Buffer[]): OutputLine[] {
  const lines: OutputLine[] = [];
  const splitter = new LineSplitter('stdout', (line) => lines.push(line));
  for (const chunk of chunks) splitter.write(chunk);
  splitter.end();
  return lines;
}

const texts = (...chunks: string[]) => split(...chunks.map((chunk) => Buffer.from(chunk))).map((line) => line.text);

describe("A task's output", () => {
  it('ends its lines by LF, CRLF and also by a lone CR, as the agent reads it', () => {
    assert.deepEqual(texts('a\nb\r\nc\rd'), ['a', 'b', 'c', 'd']);
  });

  it('keeps empty lines but has none after the last end', () => {
    assert.deepEqual(texts('\na\n\n\rb\n'), ['', 'a', '', '', 'b']);
  });

  it('has a last line without an end', () => {
    assert.deepEqual(texts('a\nb'), ['a', 'b']);
  });

  it('joins a line that was written in parts, so that a marker across writes is seen', () => {
    assert.deepEqual(texts('##v', 'so[task.', 'debug]x\n'), ['##vso[task.debug]x']);
  });

  it('sees CR and LF in two writes as one end', () => {
    assert.deepEqual(texts('a\r', '\nb'), ['a', 'b']);
  });

  it('tells when a line is not UTF-8', () => {
    assert.deepEqual(
      split(Buffer.from('ok\n'), Buffer.from([0x63, 0xe9, 0x0a])).map((line) => line.validUtf8),
      [true, false],
    );
  });

  it('is the same however it is cut', () => {
    const text = fc.array(fc.constantFrom('a', 'ß', '😀', '\r', '\n', '\r\n', '##vso[')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(40)), (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const bounds = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
        const expected = whole.split(/\r\n|\r|\n/);
        if (expected.at(-1) === '') expected.pop();
        const lines = split(...chunks);
        assert.deepEqual(
          lines.map((line) => line.text),
          expected,
        );
        assert.ok(lines.every((line) => line.validUtf8));
      }),
    );
  });
});

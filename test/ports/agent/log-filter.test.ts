import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  LineFilter,
  MAX_LINE_LENGTH,
  neutralizeLine,
  printableLines,
  splitLines,
  wrapLine,
} from '../../../lib/ports/agent/log-filter.ts';
import { find, readAsAgent } from './agent-reader.ts';
import { chunked, foreignText } from './foreign-text.ts';

const nothing = { mask: (text: string) => text, longest: 0 };

describe('the filter that everything printed passes', () => {
  it('breaks a command by a space, which stays visible and can be copied', () => {
    assert.equal(neutralizeLine('a ##vso[task.complete result=Failed]b'), 'a # #vso[task.complete result=Failed]b');
  });

  it('breaks a command in any case and after more hashes', () => {
    assert.equal(neutralizeLine('##VsO[a.b]'), '# #VsO[a.b]');
    assert.equal(neutralizeLine('####vso[a.b]'), '### #vso[a.b]');
  });

  it('breaks the marker without its bracket, for which the agent warns', () => {
    assert.equal(neutralizeLine('see ##vso in the docs'), 'see # #vso in the docs');
  });

  it('breaks the formatting marker of the log page', () => {
    assert.equal(neutralizeLine('##[error]not ours'), '# #[error]not ours');
  });

  it('leaves headings, comments and anchors as they are', () => {
    for (const line of ['## heading', '#vso[', '# [link](#a)', '##', '## vso', 'C## [x]', '日本語 ##見出し']) {
      assert.equal(neutralizeLine(line), line);
    }
  });

  it('finds a marker whose letters are apart by characters that the comparison of .NET skips', () => {
    // Half of those that ICU ignores are neither controls nor format characters, e.g. U+0591 and U+0488.
    for (const skipped of ['\u200b', '\u00ad', '\u200d', '\ufe0f', '\u0488', '\u0591', '\u{e0001}', '\u0000']) {
      for (const line of [`#${skipped}#vso[a.b]`, `##v${skipped}so[a.b]`, `##${skipped}vso[a.b]`]) {
        assert.notEqual(find(line, '##vso['), undefined, 'the reader must see it, or this test shows nothing');
        assert.equal(find(neutralizeLine(line), '##vso'), undefined);
      }
    }
  });

  it('drops colours and shows other control characters by name', () => {
    assert.equal(neutralizeLine('\u001b[1;31mred\u001b[0m'), 'red');
    assert.equal(neutralizeLine('a\u0007b\u0000c\u001b[2Jd\u007f\u009b'), 'a␇b␀c␛[2Jd␡<U+009B>');
    assert.equal(neutralizeLine('tab\tstays'), 'tab\tstays');
  });

  it('does not let dropped colours join the halves of a marker', () => {
    assert.equal(neutralizeLine('#\u001b[0m#vs\u001b[1mo[a.b]'), '# #vso[a.b]');
  });

  it('shows characters that turn the direction of text or cannot be seen', () => {
    assert.equal(neutralizeLine('a\u202eb\u200bc\ufeff'), 'a<U+202E>b<U+200B>c<U+FEFF>');
    assert.equal(neutralizeLine('👩‍👩‍👧 ❤️'), '👩‍👩‍👧 ❤️');
    assert.equal(neutralizeLine('half \ud83d'), 'half <U+D83D>');
  });

  it('takes every line break that a reader may take for one', () => {
    assert.deepEqual(splitLines('a\nb\r\nc\rd\u2028e\u2029f\u0085g\vh\fi\n'), [...'abcdefghi']);
    assert.deepEqual(splitLines('a\n\nb'), ['a', '', 'b']);
    assert.deepEqual(splitLines(''), ['']);
  });

  it('continues a line that is too long, without losing or halving a character', () => {
    const line = '😀'.repeat(MAX_LINE_LENGTH);
    const parts = wrapLine(line);
    assert.ok(parts.every((part) => part.length <= MAX_LINE_LENGTH + 20 && Buffer.from(part).toString() === part));
    assert.equal(parts.join('').replaceAll('[line continued] ', ''), line);
  });

  it('lets no text become a command, whatever it is', () => {
    fc.assert(
      fc.property(foreignText, (text) => {
        const { commands, suspicious, shown } = readAsAgent(printableLines(text, nothing).join('\n'));
        assert.deepEqual(commands, []);
        assert.deepEqual(suspicious, []);
        assert.ok(shown.every((line) => !line.includes('##[')));
      }),
      { numRuns: 3_000 },
    );
  });

  it('changes nothing any more in a text that has passed it', () => {
    fc.assert(
      fc.property(foreignText, (text) => {
        const once = printableLines(text, nothing);
        assert.deepEqual(
          once.flatMap((line) => printableLines(line, nothing)),
          once,
        );
      }),
    );
  });
});

describe('the filter for text that comes in pieces', () => {
  it('prints the same lines wherever the text is cut', () => {
    fc.assert(
      fc.property(chunked(foreignText), (chunks) => {
        const filter = new LineFilter(nothing);
        const lines = [...chunks.flatMap((chunk) => filter.push(chunk)), ...filter.flush()];
        const whole = chunks.join('');
        assert.deepEqual(lines, whole === '' ? [] : printableLines(whole, nothing));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps a line back until it has ended', () => {
    const filter = new LineFilter(nothing);
    assert.deepEqual(filter.push('##v'), []);
    assert.deepEqual(filter.push('so[a.b]x\nrest'), ['# #vso[a.b]x']);
    assert.deepEqual(filter.flush(), ['rest']);
  });

  it('takes CR LF for one line break also when it is cut', () => {
    const filter = new LineFilter(nothing);
    assert.deepEqual(
      [...filter.push('a\r'), ...filter.push('\nb\r'), ...filter.push('c'), ...filter.flush()],
      ['a', 'b', 'c'],
    );
  });

  it('sees a secret that has only begun when the front of an endless line is printed', () => {
    const secret = 'hunter2-hunter2';
    const filter = new LineFilter({ mask: (text) => text.replaceAll(secret, '***'), longest: secret.length });
    const lines = [...filter.push(`${'x'.repeat(2 * MAX_LINE_LENGTH)}hunter2-`), ...filter.push('hunter2\n')];
    assert.ok(lines.length > 1);
    assert.ok(lines.at(-1)?.endsWith('x***'));
  });

  it('does not keep an endless line in memory, and still sees a secret at every place in it', () => {
    const secret = 'hunter2-hunter2';
    const masker = { mask: (text: string) => text.replaceAll(secret, '***'), longest: secret.length };
    const filter = new LineFilter(masker);
    const text = `${'x'.repeat(990)}${secret}`.repeat(300);
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += 997) lines.push(...filter.push(text.slice(at, at + 997)));
    const early = lines.length;
    lines.push(...filter.flush());
    assert.ok(early > 0, 'something is printed before the line ends');
    const printed = lines.join('').replaceAll('[line continued] ', '');
    assert.equal(printed, text.replaceAll(secret, '***'));
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { find } from '../ports/agent/agent-reader.ts';
import { parseCommand } from './command-parser.ts';
import { findMarker } from './marker-search.ts';

// Characters that ICU's root collation gives no weight: zero-width, soft hyphen, direction marks, controls, a tag.
const ignored = ['\u200b', '\u200d', '\u00ad', '\u2060', '\u061c', '\ufeff', '\u0000', '\u0007', '\u{e0041}'];

describe('Where the agent finds a marker', () => {
  it('is where it stands as it is, the first time', () => {
    assert.equal(findMarker('a ##vso[x ##vso[', '##vso['), 2);
    assert.equal(findMarker('###vso[', '##vso['), 1);
    assert.equal(findMarker('##vso[ ##vso[', '##vso[', 1), 7);
    assert.equal(findMarker('# #vso[', '##vso['), undefined);
    assert.equal(findMarker('##VSO[', '##vso['), undefined);
    assert.equal(findMarker('', '##vso['), undefined);
  });

  it('is also where characters without weight stand between its letters, however many', () => {
    for (const character of ignored) {
      for (let at = 1; at < 6; at += 1) {
        const line = `a ${'##vso['.slice(0, at)}${character.repeat(40)}${'##vso['.slice(at)}task.debug]`;
        assert.equal(findMarker(line, '##vso['), 2, JSON.stringify(line));
      }
    }
  });

  it('is not where a character with weight stands between', () => {
    for (const character of [' ', '\t', '\u00a0', '\u0301', 'e', '\u2420']) {
      assert.equal(findMarker(`#${character}#vso[`, '##vso['), undefined, JSON.stringify(character));
    }
  });

  it('is the same as by comparing stretches of the line by ICU', () => {
    const piece = fc.constantFrom(
      '#',
      '##',
      'v',
      's',
      'o',
      '[',
      'vso[',
      ' ',
      '\u0301',
      '\ud83d',
      '\u{1f600}',
      ...ignored,
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const line = pieces.join('');
        assert.equal(findMarker(line, '##vso['), find(line, '##vso[')?.start);
      }),
      { numRuns: 2000 },
    );
  });

  // The agent cuts off as many characters as the marker has, so the rest of a longer one becomes part of the area.
  it('is found there by the parser, whose header begins six characters later', () => {
    assert.equal(parseCommand('#\u200b#vso[task.complete result=Failed]x')?.area, '[task');
    assert.equal(parseCommand('a ##vso[task.debug]x')?.area, 'task');
  });
});

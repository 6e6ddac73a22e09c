import fc from 'fast-check';

const PIECES = [
  '##vso[task.setvariable variable=x]evil',
  '##vso[',
  '##VSO[task.complete result=Failed]',
  '##v',
  'so[task.complete result=Failed]',
  '#',
  '##',
  '###vso[a.b]',
  'vso[',
  '##[error]',
  '##[',
  ']',
  ';',
  '%0A',
  '%AZP25',
  '\u200b',
  '\u00ad',
  '\u0488',
  '\u0591',
  '\ufe0f',
  '\u200d',
  '\u061c',
  '\u0000',
  '\u001b[31m',
  '\u001b]0;title\u0007',
  '\r',
  '\n',
  '\r\n',
  '\u2028',
  '\u0085',
  '\v',
  '\f',
  '\ud83d',
  '\u{1f600}',
  ' ',
  'text',
];

/** Text that somebody chose to harm the log, mixed with any other. */
export const foreignText: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ unit: 'binary', maxLength: 5 })), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(''));

/** A text cut into pieces anywhere, also inside a marker or a character. */
export const chunked = (text: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  text.chain((whole) =>
    fc.array(fc.nat({ max: whole.length }), { maxLength: 8 }).map((cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
      return places.slice(1).map((end, index) => whole.slice(places[index], end));
    }),
  );

import fc from 'fast-check';

const atoms = fc.constantFrom(
  ...[
    'y',
    'No',
    'on',
    'true',
    'null',
    '~',
    '',
    '0777',
    '0o17',
    '08',
    '1_000',
    '0x1F',
    '-0b11',
    '1.5',
    '.5',
    '1e3',
    '1e400',
    '1:30',
  ],
  ...[
    '2001-01-01',
    '<<',
    'a b',
    '"x"',
    "'y'",
    '"\\n"',
    '"a\n\n b"',
    '9007199254740993',
    '18446744073709551616',
    '- a',
    'a: b',
    '? a',
    '!!str 1',
    '!!int "1"',
  ],
  ...[
    '!foo x',
    '&a 1',
    '*a',
    '|\n   x\n   y',
    '>-\n   x\n   y',
    '[1, 2]',
    '{a: 1}',
    '[a: b]',
    '{a, b}',
    '#c',
    'a #c',
    'a:b',
    '%a',
    '-0.0',
    '{\n}',
    '[\n1\n]',
    'é',
    '\t',
  ],
);
const lineEnd = fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n', '\n# c\n', ' # c\n');
const keyText = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'name', '"q"', '<<') },
  { weight: 1, arbitrary: atoms },
);

/** Blocks of random keys, items and scalars, some with a random character put in or taken out. */
export const documentText: fc.Arbitrary<string> = fc
  .tuple(
    block(0, 3),
    fc.nat(),
    fc.constantFrom(
      '',
      '',
      ' ',
      '\t',
      '\n',
      ':',
      '-',
      '#',
      '"',
      "'",
      '&a',
      '*a',
      '!',
      '{',
      '}',
      '[',
      ']',
      ',',
      '|',
      '>',
      '...\n',
    ),
    fc.boolean(),
  )
  .map(([text, at, insert, remove]) => {
    const body = `k:${text}`;
    const index = 2 + (at % Math.max(1, body.length - 1));
    return insert === '' ? body : body.slice(0, index) + insert + body.slice(index + (remove ? 1 : 0));
  });

function block(indentation: number, depth: number): fc.Arbitrary<string> {
  const scalar = atoms.map((text) => ` ${text}`);
  if (depth === 0) return scalar;
  const pad = ' '.repeat(indentation + 1);
  const child = block(indentation + 2, depth - 1);
  const entry = fc.tuple(keyText, child, lineEnd).map(([key, value, end]) => `${pad}${key}:${value}${end}`);
  const item = fc.tuple(child, lineEnd).map(([value, end]) => `${pad}-${value}${end}`);
  const lines = (arbitrary: fc.Arbitrary<string>) =>
    fc.array(arbitrary, { minLength: 1, maxLength: 3 }).map((all) => `\n${all.join('')}`);
  return fc.oneof(
    { weight: 3, arbitrary: scalar },
    { weight: 3, arbitrary: lines(entry) },
    { weight: 2, arbitrary: lines(item) },
  );
}

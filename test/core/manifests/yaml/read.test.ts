import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toPlain } from '../../../../lib/core/manifests/yaml/node.ts';
import { readYaml } from '../../../../lib/core/manifests/yaml/read.ts';
import facts from '../facts/kubernetes-yaml.json' with { type: 'json' };
import { type Answer, askKubernetes, type Reading, readAsWeDo, sameValue } from './kubernetes-yaml.ts';
import { samples } from './samples.ts';

/** What Kubernetes' library takes and we refuse, because it loses something or because other readers see something else. */
const stricter: Record<string, string> = {
  'duplicate-key': 'one of the two values would be lost',
  'integer-too-large': 'digits would be lost on the way to the server',
  'number-not-finite': 'as a key',
  'key-not-text': '`on:` would become the key `true`',
  'merge-order': 'Kubernetes and YAML disagree on which value wins',
  'binary-not-text': 'bytes would be replaced',
  'flow-text': 'YAML 1.1 and 1.2 cut the text differently',
  'escaped-break': 'YAML readers disagree',
  'text-after-document': 'it would be ignored without a word',
  'line-separator': 'what looks like one line would be two',
  'anchor-name': 'YAML 1.2 sees a longer name',
  'tag-separator': 'YAML 1.2 sees a longer tag',
  'unknown-alias': 'of a name that is cut differently',
  'merge-not-object': 'of a key that is cut differently',
  'yaml-syntax': 'the parser follows the stricter grammar of YAML 1.2',
};

/** What is wrong with our answer beside that of Kubernetes; undefined when it is right. */
function fault(text: string, ours: Reading, kubernetes: Answer): string | undefined {
  const shown = `${JSON.stringify(text)}: Kubernetes ${JSON.stringify(kubernetes)}, we ${JSON.stringify(ours)}`;
  if ('error' in kubernetes) return undefined;
  if ('value' in ours) return sameValue(ours.value, kubernetes.json) ? undefined : `another value for ${shown}`;
  return ours.refused.every((code) => code !== undefined && code in stricter) ? undefined : `refused ${shown}`;
}

describe('the reading of YAML', () => {
  describe("beside the answers of Kubernetes' own library", () => {
    for (const fact of facts as readonly ({ yaml: string } & Answer)[]) {
      it(`reads ${JSON.stringify(fact.yaml)} alike, or refuses it for a reason`, () => {
        const ours = readAsWeDo(fact.yaml);
        assert.equal(fault(fact.yaml, ours, fact), undefined);
        // A JSON text may escape its slashes; kubectl reads such a file as JSON, not as YAML.
        if ('error' in fact && !fact.yaml.startsWith('{"a":"\\/')) assert.ok('refused' in ours, JSON.stringify(ours));
      });
    }

    it('refuses nothing of the samples but these', () => {
      const refused = (facts as readonly ({ yaml: string } & Answer)[])
        .filter((fact) => 'json' in fact && 'refused' in readAsWeDo(fact.yaml))
        .map(({ yaml }) => yaml);
      assert.equal(refused.length, 25, refused.join('\n'));
      assert.deepEqual(
        refused.filter((yaml) => yaml.startsWith('value: ')),
        [
          'value: 9007199254740993',
          'value: -9007199254740993',
          'value: 9223372036854775807',
          'value: -9223372036854775808',
          'value: !!binary /w==',
        ],
      );
    });

    it('refuses keys that are one text in JSON, where Kubernetes keeps one of them at random', () => {
      assert.deepEqual(readAsWeDo('1: a\n"1": b'), { refused: ['duplicate-key'] });
    });

    it('which still answers as the table says', async function () {
      this.timeout(60_000);
      assert.deepEqual(
        (await askKubernetes(samples)).map((answer, index) => ({ yaml: samples[index], ...answer })),
        facts,
      );
    });

    it('never finds another value in documents made at random', async function () {
      this.timeout(120_000);
      const count = Number(process.env['GITOPS_TEST_FUZZ_RUNS'] ?? 3000);
      const seed = Number(process.env['GITOPS_TEST_SEED'] ?? Date.now() % 2 ** 31);
      const texts = fc.sample(documentText, { numRuns: count, seed }).filter((text) => !/^---/m.test(text));
      const answers = await askKubernetes(texts);
      const readings = texts.map(readAsWeDo);
      const faults = texts.flatMap((text, index) => {
        const answer = answers[index];
        const reading = readings[index];
        return (answer !== undefined && reading !== undefined && fault(text, reading, answer)) || [];
      });
      assert.deepEqual(faults.slice(0, 5), [], `seed ${seed}`);
      const accepted = readings.filter((reading) => 'value' in reading).length;
      assert.ok(
        accepted > texts.length / 4,
        `only ${accepted} of ${texts.length} documents were accepted, seed ${seed}`,
      );
    });
  });

  it('reads any JSON as JSON, however it is indented', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom('', '  ', '\t'), (value, indentation) => {
        const text = JSON.stringify({ value }, undefined, indentation);
        fc.pre(!text.includes('__proto__') && !/[eE.\d]{16,}/.test(text));
        const { documents, problems } = readYaml(text, 'a.json');
        assert.deepEqual(problems, []);
        assert.deepEqual(
          documents.map(({ root }) => toPlain(root)),
          [JSON.parse(text)],
        );
      }),
    );
  });

  it('answers any text at all, with lines that the text has', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      documentText,
      fc.array(documentText).map((all) => all.join('\n---\n')),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        const lines = text.split(/\r\n|\r|\n/).length;
        for (const { message, at, code } of readYaml(text, 'f').problems) {
          assert.ok(message.length > 10 && code !== undefined);
          assert.ok(
            at !== undefined && (at.line === undefined || (at.line >= 1 && at.line <= lines)),
            `${at?.line} of ${lines}`,
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  describe('lines', () => {
    const place = (text: string, ...path: (string | number)[]): string => {
      const { documents, problems } = readYaml(text, 'f');
      assert.deepEqual(problems, []);
      const { line, column } = documents.at(-1)?.place(path) ?? {};
      return `${line}:${column}`;
    };

    it('are those of keys and of items, whatever the line ends and however many documents come before', () => {
      const text =
        '# c\na: 1\n---\n# c\nspec:\n  list:\n    - name: x\n    - name: y\n  "quoted key": |\n    text\n  last: {in: [1, 2]}\n';
      for (const ends of [text, text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '\r')]) {
        assert.equal(place(ends), '5:1');
        assert.equal(place(ends, 'spec', 'list', 1), '8:7');
        assert.equal(place(ends, 'spec', 'list', 1, 'name'), '8:7');
        assert.equal(place(ends, 'spec', 'quoted key'), '9:3');
        assert.equal(place(ends, 'spec', 'last', 'in', 1), '11:18');
      }
    });

    it('are right in text that had to be indented for the parser', () => {
      assert.equal(place('a: {\n"b": [\n1,\n2\n]\n}\nc: 3\n', 'a', 'b', 1), '4:1');
      assert.equal(place('a: {\n"b": [\n1,\n2\n]\n}\nc: 3\n', 'c'), '7:1');
    });

    it('lead to the anchor for what an alias brings', () => {
      assert.equal(place('base: &b\n  x: 1\na:\n  <<: *b\n  z: 2\n', 'a', 'x'), '2:3');
    });

    it('are left out where nothing is written', () => {
      assert.equal(place('a:\n  -\n', 'a', 0), 'undefined:undefined');
      assert.equal(place('a: 1\n', 'b', 'c'), 'undefined:undefined');
    });
  });

  describe('of hostile documents', () => {
    const refusals = (text: string): string[] =>
      readYaml(text, 'f').problems.map(({ code, at }) => `${code}:${at?.line}`);

    it('refuses an alias bomb without building it', () => {
      const levels = Array.from({ length: 40 }, (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}]`);
      assert.deepEqual(refusals(`l0: &l0 x\n${levels.join('\n')}\n`), ['alias-bomb:18']);
    });

    it('refuses a long text that aliases repeat', () => {
      const text = `a: &a "${'x'.repeat(100_000)}"\nb: [${'*a, '.repeat(1000)}*a]\n`;
      assert.deepEqual(refusals(text), ['alias-bomb:2']);
    });

    it('refuses merges that multiply', () => {
      const base = Array.from({ length: 2000 }, (_, index) => `k${index}: 1`).join(', ');
      const merges = Array.from({ length: 1000 }, (_, index) => `m${index}: {<<: *b}`).join('\n');
      assert.deepEqual(refusals(`b: &b {${base}}\n${merges}\n`), ['alias-bomb:101']);
    });

    it('refuses endless nesting', () => {
      for (const open of ['[', '{a: ', '- ', '? ']) {
        const [first] = readYaml(`a: ${open.repeat(20_000)}`, 'f').problems;
        assert.equal(first?.code, 'yaml-syntax', open);
      }
    });

    it('refuses more values than memory could hold, at once', () => {
      assert.deepEqual(refusals(`a: [${'1,'.repeat(1_100_000)}]`), ['document-too-large:1']);
    });

    it('goes on after a broken document and tells all that is wrong', () => {
      assert.deepEqual(refusals('a: [\n---\nb: 1\nb: 2\n---\n? [x]\n: 1\n--- {c: 1}\nd: *d\n'), [
        'invalid-separator:8',
        'yaml-syntax:2',
        'duplicate-key:4',
        'key-not-text:6',
        'unknown-alias:9',
      ]);
    });

    it('hints at Helm where it sees a template', () => {
      const [problem] = readYaml('metadata:\n  name: {{ .Release.Name }}\n', 'f').problems;
      assert.match(problem?.message ?? '', /set `renderType` to `helm`/);
    });

    it('does not set the prototype of what it makes', () => {
      assert.deepEqual(refusals('{"__proto__": {"polluted": true}}'), ['key-refused:1']);
    });
  });
});

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
const documentText: fc.Arbitrary<string> = fc
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

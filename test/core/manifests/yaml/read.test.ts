import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toPlain } from '../../../../lib/core/manifests/yaml/node.ts';
import { readYaml } from '../../../../lib/core/manifests/yaml/read.ts';
import facts from '../facts/kubernetes-yaml.json' with { type: 'json' };
import { documentText } from './documents.ts';
import { type Answer, askKubernetes, compareRandom, fault, readAsWeDo } from './kubernetes-yaml.ts';
import { samples } from './samples.ts';

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
      this.timeout(60_000);
      const { faults, accepted, total } = await compareRandom(3000, 20_260_101);
      assert.deepEqual(faults, []);
      assert.ok(accepted > total / 4, `only ${accepted} of ${total} documents were accepted`);
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

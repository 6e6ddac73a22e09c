import assert from 'node:assert/strict';
import { readOwnFile } from '../../../lib/core/own-files/read.ts';
import type { Schema } from '../../../lib/core/own-files/schema.ts';
import { describeProblem } from '../../../lib/errors.ts';

const thing: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['apiVersion', 'kind', 'names'],
  properties: {
    apiVersion: { const: 'gitops.pipelines/v1' },
    kind: { const: 'Thing' },
    names: { type: 'array', title: 'a list of names', items: { type: 'string' } },
    colour: { type: 'string', enum: ['red', 'green'] },
    count: { type: 'integer', minimum: 1, title: 'a whole number from 1' },
  },
};

function problems(text: string): string[] {
  return readOwnFile(text, 'a.yaml', { Thing: thing }).problems.map(describeProblem);
}

const head = 'apiVersion: gitops.pipelines/v1\nkind: Thing\n';

describe('a file of our own', () => {
  it('is read with the places of its values', () => {
    const read = readOwnFile(`# names\n${head}names:\n  - a\n  - b\n`, 'a.yaml', { Thing: thing });
    assert.deepEqual(read.problems, []);
    assert.deepEqual(read.documents[0]?.value['names'], ['a', 'b']);
    assert.equal(read.documents[0]?.place(['names', 1]).line, 6);
  });

  it('may be JSON', () => {
    assert.deepEqual(problems('{"apiVersion":"gitops.pipelines/v1","kind":"Thing","names":["a"]}'), []);
  });

  it('tells an unknown field with its line and what was meant', () => {
    assert.deepEqual(problems(`${head}names: [a]\ncolor: red\n`), [
      'a.yaml:4:1: The document has no field `color`. Did you mean `colour`?',
    ]);
  });

  it('tells a missing field', () => {
    assert.deepEqual(problems(head), ['a.yaml:1: The document needs `names`: a list of names.']);
  });

  it('tells a value of another type, with the line of the item', () => {
    assert.deepEqual(problems(`${head}names:\n  - a\n  - {}\n`), [
      'a.yaml:5:5: `names[1]` must be text; it is a mapping.',
    ]);
  });

  it('tells a word that is none of the known ones', () => {
    assert.deepEqual(problems(`${head}names: []\ncolour: gren\n`), [
      "a.yaml:4:1: `colour` must be one of red, green; it is 'gren'. Did you mean green?",
    ]);
  });

  it('does not take a word for true or false that YAML readers disagree about', () => {
    const [first] = problems(`${head}names:\n  - no\n`);
    assert.match(first ?? '', /^a\.yaml:4:/);
  });

  it('tells a key that stands there twice', () => {
    assert.match(problems(`${head}names: [a]\nnames: [b]\n`).join(), /a\.yaml:4:1: .*names/);
  });

  it('tells a document of another kind', () => {
    assert.deepEqual(problems('apiVersion: gitops.pipelines/v1\nkind: Thin\n'), [
      "a.yaml:2:1: Expected is apiVersion: gitops.pipelines/v1 and kind: Thing; this is apiVersion: 'gitops.pipelines/v1' and kind: 'Thin'. Did you mean Thing?",
    ]);
    assert.match(problems('apiVersion: v1\nkind: ConfigMap\n').join(), /a\.yaml:1:1: Expected is apiVersion/);
  });

  it('does not accept a file without a document, or one that is none', () => {
    assert.match(problems('# nothing\n').join(), /holds no document/);
    assert.match(problems('- a\n').join(), /must be a mapping/);
    assert.match(problems('a: [\n').join(), /a\.yaml:\d+:\d+: The YAML cannot be read/);
    assert.match(problems('x'.repeat(1_000_001)).join(), /larger than 1 MB/);
  });

  it('returns sound documents beside the problems of others', () => {
    const read = readOwnFile(`${head}names: [a]\n---\n${head}names: a\n`, 'a.yaml', { Thing: thing });
    assert.equal(read.documents.length, 1);
    assert.deepEqual(read.problems.map(describeProblem), ["a.yaml:7:1: `names` must be a list of names; it is 'a'."]);
  });
});

/** Run from a bundle by oldest-node.test.ts: prints what the engine of expressions answers on this Node. */
import { compileExpression } from '../../../lib/sync/health-rules/expression.ts';
import { assess, cases } from './flux-cases.ts';

const object = {
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: { replicas: 3, weight: 0.5, list: [3, 1, 2] },
  status: { text: 'Größe 😀', at: '2026-03-29T02:30:00Z', none: null, map: { a: 1 } },
};

/** Every function and macro of the engine's page, so that one which needs a newer Node is found. */
const expressions = [
  'self.spec.replicas == 3 && self.spec.replicas * 2 - 1 == 5 && self.spec.replicas % 2 == 1',
  'self.spec.weight < 1.0 && double(self.spec.replicas) / 2.0 == 1.5 && int("42") == 42 && string(7) == "7"',
  'size(self.spec.list) == 3 && self.spec.list.exists(x, x == 2) && self.spec.list.all(x, x > 0)',
  'self.spec.list.exists_one(x, x == 1) && self.spec.list.map(x, x * 2) == [6, 2, 4] && self.spec.list.filter(x, x > 1).size() == 2',
  'self.status.text.size() == 7 && self.status.text.startsWith("Gr") && self.status.text.endsWith("😀")',
  'self.status.text.contains("öß") && self.status.text.matches("^Gr.+e") && "a,b".split(",") == ["a", "b"] && ["a"].join() == "a"',
  '"abc".indexOf("c") == 2 && "abc".substring(1) == "bc" && " a ".trim() == "a" && "A".lowerAscii() == "a"',
  'timestamp(self.status.at).getHours() == 2 && timestamp(self.status.at).getHours("Europe/Berlin") == 4',
  'timestamp(self.status.at) + duration("90m") > timestamp(self.status.at) && duration("1h") > duration("59m")',
  'bytes("é").size() == 2 && b"hello".hex() == "68656c6c6f" && b"hello".base64() == "aGVsbG8="',
  'has(self.status.map) && !has(self.status.nope) && self.status.none == null && "a" in self.status.map',
  'self.?status.?nope.orValue("x") == "x" && cel.bind(x, self.spec.replicas, x == 3) && type(1) == int',
  'self.metadata.labels["app"] == "web" ? true : false',
  'self.nope == 1 || true',
];

const answers = expressions.map((text) => {
  const compiled = compileExpression(text, 'bool');
  return 'flaw' in compiled ? `${text}: ${compiled.flaw}` : { text, ...compiled.expression.evaluate(object) };
});
const wrong = answers.filter((answer) => typeof answer === 'string' || !('value' in answer) || answer.value !== true);
const differs = cases.filter(([, rule, fields, expected]) => assess(rule, fields) !== expected).map(([title]) => title);
const endless = compileExpression("self.metadata.name.matches('^(a+)+$')", 'bool');
const stopped = 'flaw' in endless ? endless : endless.expression.evaluate({ metadata: { name: `${'a'.repeat(60)}!` } });
process.stdout.write(`${JSON.stringify({ expressions: expressions.length, wrong, differs, stopped })}\n`);

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { RunResult } from '../../../lib/core/plan/result.ts';
import { junitReport, testRunTitle, xmlText } from '../../../lib/core/reporting/junit.ts';
import { foreignResult, hostileText } from './foreign.ts';
import { change, failedRun, runResult } from './samples.ts';

interface Node {
  readonly [name: string]: unknown;
}

/** What the JUnit schema of the Jenkins xUnit plugin (junit-10.xsd) allows, as far as we write it. */
const schema: Readonly<
  Record<string, { attributes: readonly string[]; required: readonly string[]; children: readonly string[] }>
> = {
  testsuites: { attributes: ['name', 'time', 'tests', 'failures', 'errors'], required: [], children: ['testsuite'] },
  testsuite: {
    attributes: [
      'name',
      'errors',
      'failures',
      'skipped',
      'tests',
      'group',
      'time',
      'timestamp',
      'hostname',
      'id',
      'package',
      'file',
      'log',
      'url',
      'version',
    ],
    required: ['name'],
    children: ['properties', 'testcase', 'system-out', 'system-err'],
  },
  testcase: {
    attributes: ['name', 'time', 'classname', 'group'],
    required: ['name'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  failure: { attributes: ['type', 'message'], required: [], children: [] },
  error: { attributes: ['type', 'message'], required: [], children: [] },
  skipped: { attributes: ['type', 'message'], required: [], children: [] },
};

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
});

function parse(xml: string): Node[] {
  const valid = XMLValidator.validate(xml);
  assert.equal(valid, true, JSON.stringify(valid));
  return parser.parse(xml) as Node[];
}

function check(nodes: readonly Node[], allowed: readonly string[]): void {
  for (const node of nodes) {
    const name = Object.keys(node).find((key) => key !== ':@') ?? '';
    if (name === '#text' || name === '?xml') continue;
    assert.ok(allowed.includes(name), `${name} is not allowed here`);
    const rule = schema[name];
    assert.ok(rule);
    const attributes = Object.keys((node[':@'] ?? {}) as object);
    for (const attribute of attributes)
      assert.ok(rule.attributes.includes(attribute), `${name} has no attribute ${attribute}`);
    for (const required of rule.required) assert.ok(attributes.includes(required), `${name} lacks ${required}`);
    check(node[name] as Node[], rule.children);
  }
}

function report(result: RunResult): string {
  const xml = junitReport(result);
  assert.ok(xml !== undefined);
  return xml;
}

/** Test cases as `{name, classname, time, kind, message, text}`. */
function casesOf(xml: string): Record<string, string | undefined>[] {
  const root = parse(xml).find((node) => 'testsuites' in node);
  const suites = ((root?.['testsuites'] ?? []) as Node[]).filter((node) => 'testsuite' in node);
  const cases = suites.flatMap((suite) => (suite['testsuite'] as Node[]).filter((node) => 'testcase' in node));
  return cases.map((node) => {
    const verdict = (node['testcase'] as Node[]).find((child) => !('#text' in child));
    const kind = verdict === undefined ? 'passed' : Object.keys(verdict).find((key) => key !== ':@');
    const body = kind === undefined || verdict === undefined ? [] : ((verdict[kind] ?? []) as Node[]);
    const text = body.map((child) => child['#text']).join('');
    return {
      ...(node[':@'] as Record<string, string>),
      kind,
      message: ((verdict?.[':@'] ?? {}) as Record<string, string>)['message'],
      text,
    };
  });
}

describe('The JUnit report', () => {
  it('has a test case for each object, by its kind and name', () => {
    const cases = casesOf(report(failedRun));
    assert.deepEqual(
      cases.map(({ classname, name, time, kind }) => [classname, name, time, kind]),
      [
        ['Namespace', 'shop', '0.012', 'passed'],
        ['ConfigMap', 'shop/settings', '0.031', 'passed'],
        ['Secret', 'shop/db', '0.028', 'passed'],
        ['Deployment.apps', 'shop/web', '8.120', 'passed'],
        ['Service', 'shop/web', '0.019', 'passed'],
        ['Deployment.apps', 'shop/api', '30.400', 'failure'],
        ['ConfigMap', 'shop/old-settings', '0.000', 'skipped'],
        ['PersistentVolumeClaim', 'shop/data', '0.000', 'skipped'],
      ],
    );
  });

  it('tells of a failure what it is about, the details, and where the object is declared', () => {
    const failure = casesOf(report(failedRun)).find((testCase) => testCase['kind'] === 'failure');
    assert.match(failure?.['message'] ?? '', /^container api: ImagePullBackOff: Back-off pulling image "registry/);
    assert.match(
      failure?.['text'] ?? '',
      /ReplicaSet\.apps shop\/api-6d4f9c -> Pod.*\n.*\n.*not found\ndeclared in apps\/api\.yaml:1$/,
    );
  });

  it('tells of what was skipped why', () => {
    const skipped = casesOf(report(failedRun)).filter((testCase) => testCase['kind'] === 'skipped');
    assert.deepEqual(
      skipped.map((testCase) => testCase['message']),
      ['nothing is deleted after a failure', 'a protected kind; list it in protectedKinds to delete it'],
    );
  });

  it('counts what it has', () => {
    assert.match(
      report(failedRun),
      /<testsuite name="GitOps sync shop \(production\)" tests="8" failures="1" errors="0" skipped="2" time="42\.300" timestamp="2026-03-04T10:00:00">/,
    );
    fc.assert(
      fc.property(foreignResult, (result) => {
        const xml = junitReport(result);
        if (xml === undefined) return;
        const counts = /tests="(\d+)" failures="(\d+)" errors="(\d+)" skipped="(\d+)"/.exec(xml)?.slice(1).map(Number);
        const kinds = casesOf(xml).map((testCase) => testCase['kind']);
        const of = (kind: string) => kinds.filter((one) => one === kind).length;
        assert.deepEqual(counts, [kinds.length, of('failure'), of('error'), of('skipped')]);
      }),
    );
  });

  it('is not all green when a run failed before it came to an object', () => {
    const early = runResult({
      outcome: 'invalidInput',
      summary: 'Nothing to apply.',
      errors: [{ message: 'no such folder', at: { file: 'x' } }],
    });
    const cases = casesOf(report(early));
    assert.deepEqual(
      cases.map(({ name, kind, message, text }) => [name, kind, message, text]),
      [['sync', 'error', 'Nothing to apply.', 'x: no such folder']],
    );
  });

  it('is not there when there is nothing to tell', () => {
    assert.equal(junitReport(runResult()), undefined);
  });

  it('names the run by what was done with which set', () => {
    assert.equal(testRunTitle(failedRun), 'GitOps sync shop (production)');
    assert.equal(
      testRunTitle(runResult({ set: { name: 'shop', namespace: 'x', environment: '' } })),
      'GitOps sync shop',
    );
  });

  it('holds to the schema whatever is in it', () => {
    check(parse(report(failedRun)), ['testsuites']);
    fc.assert(
      fc.property(foreignResult, (result) => {
        const xml = junitReport(result);
        if (xml !== undefined) check(parse(xml), ['testsuites']);
      }),
    );
  });

  it('has no character that XML 1.0 cannot have, and reads back as what was written', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const xml = report(runResult({ changes: [change('Kind', 'x', { state: 'failed', details: [text] })] }));
        const written = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '');
        assert.equal(casesOf(xml)[0]?.['text'], `failed\n${written}`);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/);
        assert.doesNotMatch(xml, /\p{Surrogate}/u);
        assert.equal(xml, Buffer.from(xml, 'utf8').toString('utf8'));
      }),
    );
    assert.equal(xmlText('a\u0000b\u001b\ufffec\ud800d\u{1f680}'), 'abcd\u{1f680}');
    assert.equal(xmlText('<a b="c">\'&\n'), '&lt;a b=&quot;c&quot;&gt;&apos;&amp;&#10;');
  });
});

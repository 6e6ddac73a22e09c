import { describeProblem } from '../../errors.ts';
import type { ChangeResult, RunResult } from '../plan/result.ts';
import { actionText, messageText, placeText } from './text.ts';

/**
 * JUnit XML for the Tests tab: one test case an object, named by its kind (class) and namespace/name. What was not reached or is left
 * alone counts as skipped. Errors that belong to no object are a test case of their own, so that a run that failed early is not all
 * green. Undefined when there is nothing to tell: a file without test cases makes the publishing step warn.
 *
 * Elements and attributes as in the JUnit schema of the Jenkins xUnit plugin, which Azure Pipelines reads.
 */
export function junitReport(result: RunResult): string | undefined {
  const cases = [...result.changes.map(objectCase), ...runCase(result)];
  if (cases.length === 0) return undefined;
  const counts = [
    ['tests', cases.length],
    ['failures', cases.filter((testCase) => testCase.kind === 'failure').length],
    ['errors', cases.filter((testCase) => testCase.kind === 'error').length],
    ['skipped', cases.filter((testCase) => testCase.kind === 'skipped').length],
    ['time', seconds(Date.parse(result.finishedAt) - Date.parse(result.startedAt))],
  ] as const;
  const suite = attributes([
    ['name', testRunTitle(result)],
    ...counts.map(([name, value]) => [name, String(value)] as const),
    ['timestamp', result.startedAt.replace(/\.\d+Z?$|Z$/, '')],
  ]);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite${suite}>`,
    ...cases.flatMap(caseLines),
    '  </testsuite>',
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

/** `GitOps sync shop (production)` */
export function testRunTitle(result: RunResult): string {
  const environment = result.set.environment === '' ? '' : ` (${result.set.environment})`;
  return `GitOps ${result.action} ${result.set.name}${environment}`;
}

/** Text for XML 1.0, in an element or an attribute; characters that XML cannot have, even escaped, are left out. */
export function xmlText(foreign: string): string {
  return foreign
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"'\t\n\r]/g, (character) => escapes[character] ?? '');
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

interface TestCase {
  readonly className: string;
  readonly name: string;
  readonly milliseconds: number;
  readonly kind: 'passed' | 'failure' | 'error' | 'skipped';
  readonly message: string;
  readonly details: readonly string[];
}

function objectCase(change: ChangeResult): TestCase {
  const { kind, namespace, name } = change.target;
  const why = messageText(change);
  const failed = change.state === 'failed';
  const skipped = change.state === 'notReached' || change.action === 'keep' || change.action === 'skip';
  const health = change.health === undefined ? '' : ` (${change.health})`;
  const origin = change.origin === undefined ? [] : [`declared in ${placeText(change.origin)}`];
  return {
    className: kind,
    name: namespace === undefined || namespace === '' ? name : `${namespace}/${name}`,
    milliseconds: change.durationMs ?? 0,
    kind: failed ? 'failure' : skipped ? 'skipped' : 'passed',
    message: why === '' ? `${actionText(change)}${health}` : why,
    details: failed
      ? [`${actionText(change)}${health}`, ...(why === '' ? [] : [why]), ...(change.details ?? []), ...origin]
      : [],
  };
}

function runCase(result: RunResult): TestCase[] {
  if (result.errors.length === 0) return [];
  return [
    {
      className: 'GitOps',
      name: result.action,
      milliseconds: 0,
      kind: 'error',
      message: result.summary,
      details: result.errors.map(describeProblem),
    },
  ];
}

function caseLines(testCase: TestCase): string[] {
  const start = `    <testcase${attributes([
    ['classname', testCase.className],
    ['name', testCase.name],
    ['time', seconds(testCase.milliseconds)],
  ])}`;
  if (testCase.kind === 'passed') return [`${start}/>`];
  const message = attributes([['message', testCase.message]]);
  if (testCase.kind === 'skipped') return [`${start}>`, `      <skipped${message}/>`, '    </testcase>'];
  const type = attributes([['type', testCase.kind === 'error' ? 'GitOpsError' : 'GitOpsFailure']]);
  const body = testCase.details.map(elementText).join('\n');
  return [`${start}>`, `      <${testCase.kind}${message}${type}>${body}</${testCase.kind}>`, '    </testcase>'];
}

/** Line ends stay as they are inside an element, where a reader may see the text as it stands. */
function elementText(foreign: string): string {
  return xmlText(foreign).replace(/&#10;/g, '\n').replace(/&#9;/g, '\t');
}

function attributes(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => ` ${name}="${xmlText(value)}"`).join('');
}

function seconds(milliseconds: number): string {
  return (Number.isFinite(milliseconds) ? Math.max(0, milliseconds) / 1000 : 0).toFixed(3);
}

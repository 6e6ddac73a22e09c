import fc from 'fast-check';
import type { ChangeResult, RunResult } from '../../../lib/core/plan/result.ts';
import { change, runResult } from './samples.ts';

/** Text as an attacker would write it into a manifest, a commit or a server's message. */
export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '##vso[task.setvariable variable=a]b',
    'a\n##[error]b\r\nc',
    '<script>alert(1)</script>',
    '</details><img src=x onerror=alert(1)>',
    '```\n# heading\n```',
    '| a | b |\n| --- | --- |',
    '[link](javascript:alert(1))',
    '![image](https://example.com/x.png)',
    ']]></failure><failure>',
    '"/><testcase name="',
    '&amp;&#0;\u0000\u0008\u001b[31m',
    '\u202eright to left\u2028',
    '1. a\n- b\n> c\n=====',
    '\ud800',
    'x'.repeat(3000),
    '',
  ),
);

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const place = fc.record({ file: hostileText, line: fc.nat({ max: 999 }).map((line) => line + 1) });

const problem = fc.record({ message: hostileText, at: optional(place), code: optional(hostileText) }).map(present);

const foreignChange: fc.Arbitrary<ChangeResult> = fc
  .record({
    kind: hostileText,
    name: hostileText,
    namespace: optional(hostileText),
    action: fc.constantFrom('create', 'configure', 'adopt', 'unchanged', 'prune', 'keep', 'skip'),
    state: fc.constantFrom('planned', 'done', 'failed', 'notReached'),
    reason: optional(hostileText),
    message: optional(hostileText),
    health: optional(fc.oneof(hostileText, fc.constant('Healthy'))),
    details: optional(fc.array(hostileText, { maxLength: 3 })),
    origin: optional(place),
    durationMs: optional(fc.nat()),
    fields: fc.array(
      fc
        .record({
          path: hostileText,
          before: optional(hostileText),
          after: optional(hostileText),
          setBy: optional(hostileText),
          lines: optional(fc.array(hostileText, { maxLength: 3 })),
        })
        .map(present),
      { maxLength: 3 },
    ),
  })
  .map(({ kind, name, namespace, ...rest }) => ({
    ...change('', '', present(rest) as Partial<ChangeResult>),
    target: { kind, name, ...(namespace === undefined ? {} : { namespace }) },
  }));

/** A result in which everything that is not ours is hostile. */
export const foreignResult: fc.Arbitrary<RunResult> = fc
  .record({
    action: fc.constantFrom('sync', 'plan', 'drift', 'status'),
    outcome: fc.constantFrom('applied', 'planHasChanges', 'healthFailed', 'invalidInput', 'driftDetected'),
    summary: hostileText,
    set: fc.record({ name: hostileText, namespace: hostileText, environment: hostileText }),
    cluster: fc.record({ server: hostileText, version: hostileText }),
    source: fc.record({
      commit: hostileText,
      branch: hostileText,
      repository: hostileText,
      subject: hostileText,
      author: hostileText,
      previousCommit: hostileText,
    }),
    changes: fc.array(foreignChange, { maxLength: 6 }),
    warnings: fc.array(problem, { maxLength: 3 }),
    errors: fc.array(problem, { maxLength: 3 }),
  })
  .map((parts) => runResult(parts as Partial<RunResult>));

function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

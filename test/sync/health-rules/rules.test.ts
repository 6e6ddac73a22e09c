import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Health } from '../../../lib/core/objects/health.ts';
import type { KubernetesObject } from '../../../lib/core/objects/kubernetes-object.ts';
import { describeProblem } from '../../../lib/errors.ts';
import { checkHealthAnnotations } from '../../../lib/sync/health-rules/annotation.ts';
import { customHealth } from '../../../lib/sync/health-rules/assess.ts';
import { compileExpression } from '../../../lib/sync/health-rules/expression.ts';
import { compileHealthRules } from '../../../lib/sync/health-rules/rules.ts';
import type { WaitOptions } from '../../../lib/sync/wait.ts';

const head = 'apiVersion: gitops.pipelines/v1\nkind: HealthRules\nrules:\n';

function health(rules: string) {
  const compiled = compileHealthRules(head + rules, 'health.yaml');
  assert.deepEqual(compiled.problems.map(describeProblem), []);
  return customHealth(compiled.rules);
}

const problems = (rules: string) => compileHealthRules(head + rules, 'health.yaml').problems.map(describeProblem);

function certificate(fields: Record<string, unknown> = {}, annotation?: string): KubernetesObject {
  const annotations = annotation === undefined ? {} : { annotations: { 'gitops.pipelines/health': annotation } };
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { name: 'web', namespace: 'shop', ...annotations },
    ...fields,
  };
}

const simple = `  - group: cert-manager.io
    kind: Certificate
    failed: has(self.status) && has(self.status.phase) && self.status.phase == 'Failed'
    current: self.status.phase == 'Issued'
`;

describe('health rules', () => {
  it('fit the option assess of the wait', () => {
    const assess: NonNullable<WaitOptions['assess']> = customHealth([]).assess;
    assert.equal(assess(certificate(), {} as never, new Date()), undefined);
  });

  describe('judge', () => {
    const custom = health(simple);
    it('by the expressions, and say which one it was', () => {
      assert.deepEqual(custom.assess(certificate({ status: { phase: 'Issued' } })), {
        status: 'Healthy',
        message: '`current` of the rule for Certificate (health.yaml:4) is true.',
        reason: 'HealthRule',
      });
      assert.equal(custom.assess(certificate({ status: { phase: 'Failed' } }))?.status, 'Degraded');
      assert.equal(custom.assess(certificate({ status: { phase: 'Pending' } }))?.status, 'Progressing');
    });

    it('nothing of another kind, another group or another version', () => {
      const v2 = health(simple.replace('    failed', '    version: v2\n    failed'));
      assert.equal(v2.assess(certificate({ status: { phase: 'Issued' } })), undefined);
      assert.equal(custom.assess({ ...certificate(), kind: 'Issuer' }), undefined);
      assert.equal(custom.assess({ ...certificate(), apiVersion: 'v1' }), undefined);
      assert.equal(custom.concerns({ ...certificate(), kind: 'Issuer' }), false);
      assert.equal(custom.concerns(certificate()), true);
    });

    it('by the rule of the version before the one of all versions, and of the core group', () => {
      const both = health(
        '  - { group: core, kind: ConfigMap, current: "false" }\n  - { group: core, kind: ConfigMap, version: v1, current: "true" }\n',
      );
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
      assert.equal(both.assess(map)?.status, 'Healthy');
      assert.equal(both.assess({ ...map, apiVersion: 'v2' })?.status, 'Progressing');
    });

    it('an object that goes away, and one that its controller has not seen, before the expressions', () => {
      const going = certificate({ status: { phase: 'Issued' } });
      going.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
      assert.equal(custom.assess(going)?.status, 'Terminating');
      const unseen = certificate({ status: { phase: 'Issued', observedGeneration: 1 } });
      unseen.metadata.generation = 2;
      assert.deepEqual(custom.assess(unseen)?.reason, 'NotObserved');
    });

    it('whatever the conditions Stalled and Reconciling say, which are the built-in rules’ business', () => {
      const status = { phase: 'Issued', conditions: [{ type: 'Stalled', status: 'True' }] };
      assert.equal(custom.assess(certificate({ status }))?.status, 'Healthy');
    });

    it('whole numbers as such, however JSON wrote them', () => {
      const replicas = health(
        "  - { group: example.com, kind: Thing, current: 'self.status.ready == self.spec.replicas && self.spec.replicas + 1 == 4 && self.spec.weight < 1.0' }\n",
      );
      const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' } };
      const spec = { replicas: 3, weight: 0.5 };
      assert.equal(replicas.assess({ ...thing, spec, status: { ready: 3 } })?.status, 'Healthy');
      assert.equal(replicas.assess({ ...thing, spec, status: { ready: 2 } })?.status, 'Progressing');
    });

    it('with a message of their own', () => {
      const text = health(`${simple}    message: See the page on certificates.\n`);
      assert.equal(text.assess(certificate({ status: { phase: 'Failed' } }))?.message, 'See the page on certificates.');
      const made = health(`${simple}    messageExpression: "'Phase ' + self.status.phase"\n`);
      assert.equal(made.assess(certificate({ status: { phase: 'Failed' } }))?.message, 'Phase Failed');
    });

    it('the same when the message cannot be made, or is endless', () => {
      const broken = health(`${simple}    messageExpression: self.status.nope\n`);
      const found = broken.assess(certificate({ status: { phase: 'Issued' } }));
      assert.deepEqual([found?.status, found?.message.startsWith('`current` of')], ['Healthy', true]);
      const long = health(`${simple}    messageExpression: self.status.text\n`);
      const said = long.assess(certificate({ status: { phase: 'Issued', text: '😀'.repeat(5000) } }));
      assert.equal([...(said?.message ?? '')].length, 1001);
    });
  });

  describe('that cannot be evaluated', () => {
    const unknown = (rules: string, object: KubernetesObject): Health | undefined => {
      const found = health(rules).assess(object);
      assert.equal(found?.status, 'Unknown');
      assert.equal(found?.reason, 'HealthRuleError');
      return found;
    };
    it('leave the object unknown and name the expression', () => {
      assert.equal(
        unknown(simple, certificate())?.message,
        "It cannot be judged by current of the rule for Certificate (health.yaml:4): No such key: status, in `self.status.phase == 'Issued'`.",
      );
    });
    it('because they give no truth value', () => {
      const rule = '  - { group: cert-manager.io, kind: Certificate, current: self.status.phase }\n';
      assert.match(
        unknown(rule, certificate({ status: { phase: 'Issued' } }))?.message ?? '',
        /It gave text, not true or false/,
      );
    });
    it('because a regular expression would take for ever', () => {
      const rule = `  - { group: cert-manager.io, kind: Certificate, current: "self.status.phase.matches('^(a+)+$')" }\n`;
      const custom = health(rule);
      const object = certificate({ status: { phase: `${'a'.repeat(60)}!` } });
      const begin = performance.now();
      for (let times = 0; times < 4; times += 1) {
        const found = custom.assess(object);
        assert.equal(found?.status, 'Unknown');
        assert.match(found?.message ?? '', /took longer than 200 ms/);
      }
      assert.ok(performance.now() - begin < 3_000);
      assert.match(custom.assess(object)?.message ?? '', /3 times/);
    });
    it('because of loops in loops in loops', () => {
      const list = 'self.status.list';
      const rule = `  - { group: cert-manager.io, kind: Certificate, current: "${list}.all(a, ${list}.all(b, ${list}.all(c, a + b + c >= 0)))" }\n`;
      const object = certificate({ status: { list: Array.from({ length: 2000 }, (_, index) => index) } });
      assert.match(unknown(rule, object)?.message ?? '', /took longer than 200 ms/);
    });
    it('because the object is larger than any that a server keeps', () => {
      const object = certificate({ status: { phase: 'Issued', list: new Array(300_001).fill(0) } });
      assert.match(unknown(simple, object)?.message ?? '', /more than 300000 values/);
    });

    it('never make an object healthy, whatever it looks like', () => {
      const custom = health(simple);
      const anything = fc.anything({ withNullPrototype: true, maxDepth: 3 });
      fc.assert(
        fc.property(anything, anything, (status, spec) => {
          const found = custom.assess(certificate({ status, spec }));
          const phase = (status as { phase?: unknown } | null | undefined)?.phase;
          if (phase !== 'Issued') assert.notEqual(found?.status, 'Healthy');
        }),
      );
    });
    it('cannot reach what JavaScript objects inherit', () => {
      for (const text of [
        'self.constructor',
        'self.__proto__',
        "self['constructor']",
        'self.metadata.name.length',
        'self.toString',
      ]) {
        const result = compileExpression(`${text} != null`, 'bool');
        assert.ok('expression' in result);
        assert.ok('error' in result.expression.evaluate(certificate()), text);
      }
    });
  });

  describe('that are wrong are refused with their lines:', () => {
    const rule = (field: string) => `  - group: example.com\n    kind: Thing\n    ${field}\n`;
    const wrong: readonly (readonly [string, string, RegExp])[] = [
      [
        'no CEL',
        'current: self.status.',
        /^health\.yaml:6:5: `current` of the rule for Thing .*Expected IDENTIFIER, got EOF, at character 13\.$/,
      ],
      ['an unknown function', 'current: isGood(self)', /^health\.yaml:6:5: .*no matching overload for 'isGood/],
      ['an unknown variable', "current: slef.status == 'a'", /^health\.yaml:6:5: .*Unknown variable: slef/],
      [
        'types that do not go together',
        "current: 1 + 'a' == 2",
        /^health\.yaml:6:5: .*no such overload: int \+ string/,
      ],
      ['no truth value', 'current: "\'a\'"', /^health\.yaml:6:5: .*it gives string, and true or false is expected/],
      [
        'a message that is no text',
        'current: "true"\n    messageExpression: 1 + 1',
        /^health\.yaml:7:5: .*it gives int, and text is expected/,
      ],
      [
        'two messages',
        'current: "true"\n    message: a\n    messageExpression: "\'a\'"',
        /^health\.yaml:8:5: .*either `message` or/,
      ],
      ['no current', "failed: 'true'", /^health\.yaml:4:5: `rules\[0\]` needs `current`/],
      [
        'a typing error',
        'current: "true"\n    faild: "true"',
        /^health\.yaml:7:5: .*no field `faild`\. Did you mean `failed`/,
      ],
      [
        'an expression of several lines',
        'current: |\n      true &&\n      nope',
        /^health\.yaml:6:5: .*Unknown variable: nope, in its line 2 at character 1/,
      ],
      ['a huge expression', `current: ${'1+'.repeat(900)}1 == 1`, /^health\.yaml:6:5: /],
      ['an optional that nobody asked for', 'current: optional.of(1)', /^health\.yaml:6:5: /],
    ];
    for (const [title, field, expected] of wrong) {
      it(title, () => {
        const found = problems(rule(field));
        assert.equal(found.length, 1, found.join('\n'));
        assert.match(found[0] ?? '', expected);
      });
    }
    it('two for one kind', () => {
      assert.match(
        problems(rule('current: "true"') + rule('current: "false"')).join(),
        /^health\.yaml:7:5: There is a rule for Thing of group example\.com already, in health\.yaml:4/,
      );
    });
  });
});

describe('the annotation gitops.pipelines/health', () => {
  const custom = health(simple);
  it('with ignore makes the object healthy without a question', () => {
    assert.equal(custom.assess(certificate({}, 'ignore'))?.status, 'Healthy');
  });
  it('with an expression goes before the rules', () => {
    const text = 'has(self.status) && self.status.phase == "Done"';
    assert.equal(custom.assess(certificate({ status: { phase: 'Done' } }, text))?.status, 'Healthy');
    assert.equal(custom.assess(certificate({ status: { phase: 'Issued' } }, text))?.status, 'Progressing');
    assert.match(
      custom.assess(certificate({ status: {} }, text))?.message ?? '',
      /annotation gitops\.pipelines\/health: No such key: phase/,
    );
  });
  it('concerns kinds without a rule too', () => {
    const object = { ...certificate({}, 'ignore'), kind: 'Other' };
    assert.equal(custom.concerns(object), true);
    assert.equal(custom.assess(object)?.status, 'Healthy');
  });
  it('counts as it was applied, not as somebody wrote it since', () => {
    const object = certificate();
    assert.equal(custom.assess(certificate({}, 'ignore'), { object })?.status, 'Unknown');
    assert.equal(custom.assess(certificate(), { object: certificate({}, 'ignore') })?.status, 'Healthy');
  });
  it('is checked before anything is applied, where it is declared', () => {
    const origin = { file: 'deploy/cert.yaml', line: 7 };
    const check = (value: string) =>
      checkHealthAnnotations([{ object: certificate({}, value), origin }]).map(describeProblem);
    assert.deepEqual(check('ignore'), []);
    assert.deepEqual(check('self.status.ready'), []);
    assert.match(
      check('skip').join(),
      /^deploy\/cert\.yaml:7: Annotation .* of Certificate\.cert-manager\.io shop\/web must be `ignore` or a CEL expression over `self`: Unknown variable: skip/,
    );
    assert.match(check(' ').join(), /it is empty/);
    assert.match(check('1').join(), /it gives int/);
    assert.match(check(`self.a == '${'a'.repeat(4000)}'`).join(), /longer than 4000/);
  });
  it('leaves the object unknown when it came to the cluster broken', () => {
    assert.match(custom.assess(certificate({}, 'skip'))?.message ?? '', /Unknown variable: skip/);
  });
});

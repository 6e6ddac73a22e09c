import assert from 'node:assert/strict';
import { InputError, type Problem } from '../../../lib/errors.ts';
import * as fields from '../../../lib/ports/agent/input-fields.ts';
import { type InputShape, type InputsOf, readInputs } from '../../../lib/ports/agent/inputs.ts';

function agentWith(inputs: Record<string, string>, variables: Record<string, string> = {}) {
  return {
    workingDirectory: '/agent/_work/1/s',
    input: (name: string) => inputs[name]?.trim() || undefined,
    variable: (name: string) => variables[name],
  };
}

function read<S extends InputShape>(shape: S, inputs: Record<string, string>): InputsOf<S> {
  return readInputs(agentWith(inputs), shape);
}

function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return error.problems;
  }
  throw new assert.AssertionError({ message: 'nothing was refused' });
}

const refusal = (shape: InputShape, inputs: Record<string, string>): string | undefined =>
  problemsOf(() => read(shape, inputs))[0]?.message;

describe('the inputs of a task', () => {
  it('are read once, into values of the types that their fields promise', () => {
    const inputs = read(
      {
        action: fields.pickList(['sync', 'plan']),
        name: fields.requiredString(),
        note: fields.string(),
        prune: fields.boolean({ default: true }),
        force: fields.boolean(),
        max: fields.integer(),
        parallel: fields.integer({ default: 8 }),
        timeout: fields.duration({ default: '10m' }),
        files: fields.lines(),
        kinds: fields.csv(),
      },
      {
        action: 'PLAN',
        name: ' shop ',
        files: 'a.yaml\r\n\n  b.yaml ',
        kinds: 'Namespace, , PersistentVolume\nSecret',
      },
    );
    // The compiler checks what is said of the types.
    const typed: {
      action: 'sync' | 'plan';
      name: string;
      note: string | undefined;
      timeout: number;
      max: number | undefined;
    } = inputs;
    assert.deepEqual(
      { ...typed },
      {
        action: 'plan',
        name: 'shop',
        note: undefined,
        prune: true,
        force: false,
        max: undefined,
        parallel: 8,
        timeout: 600_000,
        files: ['a.yaml', 'b.yaml'],
        kinds: ['Namespace', 'PersistentVolume', 'Secret'],
      },
    );
  });

  it('are refused all together, each with its name, its value, what was expected and how to put it right', () => {
    const shape = {
      action: fields.pickList(['sync', 'plan', 'drift']),
      syncSet: fields.requiredString(),
      prune: fields.boolean(),
      timeout: fields.duration(),
    };
    const problems = problemsOf(() => read(shape, { action: 'drfit', prune: 'yes', timeout: '600' }));
    assert.deepEqual(
      problems.map(({ input, message, code }) => [input, message, code]),
      [
        [
          'action',
          'Input `action` is `drfit`; expected one of `sync`, `plan`, `drift`. Did you mean `drift`?',
          'input-invalid',
        ],
        ['syncSet', 'Input `syncSet` is empty; expected a value.', 'input-required'],
        ['prune', 'Input `prune` is `yes`; expected `true` or `false`. Write `true`.', 'input-invalid'],
        [
          'timeout',
          'Input `timeout` is `600`; expected a time such as `90s`, `10m` or `1h30m`. Add a unit: `600s` are seconds, `600m` minutes.',
          'input-invalid',
        ],
      ],
    );
  });

  it('can depend on one another, which is looked at when each is right by itself', () => {
    const shape = { action: fields.pickList(['sync', 'destroy']), confirm: fields.string() };
    const check = ({ action, confirm }: InputsOf<typeof shape>): Problem[] =>
      action === 'destroy' && confirm === undefined ? [{ message: 'Input `confirm` is needed to destroy.' }] : [];
    assert.equal(readInputs(agentWith({ action: 'sync' }), shape, check).action, 'sync');
    const problems = problemsOf(() => readInputs(agentWith({ action: 'destroy' }), shape, check));
    assert.deepEqual(problems, [{ message: 'Input `confirm` is needed to destroy.' }]);
    assert.equal(problemsOf(() => readInputs(agentWith({ action: 'x' }), shape, check)).length, 1);
  });

  it('name a variable that the agent did not know', () => {
    const shape = { namespace: fields.dnsLabel(), note: fields.string({ allowMacros: true }) };
    const [problem, other] = problemsOf(() =>
      read({ ...shape, prune: fields.boolean() }, { namespace: 'team-$(teamName)', note: '$(date)', prune: 'on' }),
    );
    assert.equal(other?.input, 'prune', 'it is reported together with the rest');
    assert.equal(
      problem?.message,
      'Input `namespace` contains `$(teamName)`, and this run has no variable `teamName`. ' +
        'Define the variable, correct its name, or map it into the stage or job in which this task runs.',
    );
    assert.equal(problem?.code, 'undefined-variable');
    assert.equal(read(shape, { note: '$(date)' }).note, '$(date)');
  });

  it('name an expression that nobody evaluates in an input', () => {
    for (const text of ['$[ variables.x ]', `$${'{{ parameters.x }}'}`]) {
      assert.match(refusal({ x: fields.string() }, { x: text }) ?? '', /which nobody evaluates here/);
    }
  });

  it('never repeat a secret, and shorten what is long', () => {
    const secretNumber = { ...fields.integer(), secret: true };
    assert.equal(
      refusal({ pin: secretNumber }, { pin: 'hunter2' }),
      'Input `pin` has a value that cannot be used; expected a whole number.',
    );
    assert.ok((refusal({ n: fields.integer() }, { n: 'x'.repeat(100_000) }) ?? '').length < 400);
  });
});

describe('the kinds of input', () => {
  it('pick list: the empty input needs a default', () => {
    assert.equal(read({ a: fields.pickList(['x', 'y'], { default: 'y' }) }, {}).a, 'y');
    assert.equal(refusal({ a: fields.pickList(['x', 'y']) }, {}), 'Input `a` is empty; expected one of `x`, `y`.');
    assert.doesNotMatch(refusal({ a: fields.pickList(['sync']) }, { a: 'kubernetes' }) ?? '', /Did you mean/);
  });

  it('boolean: any case, nothing else', () => {
    for (const [text, value] of [
      ['True', true],
      ['FALSE', false],
    ] as const) {
      assert.equal(read({ a: fields.boolean() }, { a: text }).a, value);
    }
    for (const text of ['yes', 'on', '0', 'off', 'maybe']) {
      assert.match(refusal({ a: fields.boolean() }, { a: text }) ?? '', /expected `true` or `false`/);
    }
  });

  it('whole number: in range, in plain digits', () => {
    const shape = { n: fields.integer({ min: 1, max: 50 }) };
    assert.equal(read(shape, { n: '50' }).n, 50);
    for (const text of ['0', '51', '1.5', '1e1', '0x10', '20 %', 'ten', '9'.repeat(400)]) {
      assert.match(refusal(shape, { n: text }) ?? '', /expected a whole number from 1 to 50\./);
    }
    assert.match(refusal({ n: fields.integer({ min: 1 }) }, { n: '0' }) ?? '', /a whole number, at least 1\./);
  });

  it('time: with units, in milliseconds', () => {
    const expected = {
      '90s': 90_000,
      '10m': 600_000,
      '1h30m': 5_400_000,
      '1d': 86_400_000,
      '1h 5s': 3_605_000,
      '0s': 0,
      '2H': 7_200_000,
    };
    for (const [text, value] of Object.entries(expected)) {
      assert.equal(read({ t: fields.duration() }, { t: text }).t, value);
    }
    for (const text of ['600', '10 minutes', '1.5h', '-5m', '30m1h', '5ms', 'm', 'forever']) {
      assert.match(refusal({ t: fields.duration() }, { t: text }) ?? '', /expected a time such as `90s`/);
    }
  });

  it('time: within the limits of the task and of timers', () => {
    const shape = { t: fields.duration({ min: 1_000, max: 3_600_000 }) };
    assert.match(refusal(shape, { t: '2h' }) ?? '', /from `1s` to `1h`/);
    assert.match(refusal({ t: fields.duration() }, { t: '25d' }) ?? '', /The longest possible time is 24 days/);
  });

  it('name: as Kubernetes takes it, with a proposal', () => {
    assert.equal(read({ n: fields.dnsLabel() }, { n: 'shop-2' }).n, 'shop-2');
    assert.equal(read({ n: fields.dnsLabel({ default: 'gitops' }) }, {}).n, 'gitops');
    assert.match(refusal({ n: fields.dnsLabel() }, { n: 'My Shop' }) ?? '', /For example `my-shop`\./);
    for (const name of ['-a', 'a-', 'a.b', 'a_b', 'a'.repeat(64), 'ä']) {
      assert.match(refusal({ n: fields.dnsLabel() }, { n: name }) ?? '', /lower-case letters, digits and hyphens/);
    }
    assert.match(refusal({ n: fields.dnsLabel({ required: true }) }, {}) ?? '', /is empty/);
  });

  it('path: absolute from the working directory', () => {
    const shape = { p: fields.path() };
    assert.equal(read(shape, { p: 'apps/../base' }).p, '/agent/_work/1/s/base');
    assert.equal(read(shape, { p: '/etc/kube' }).p, '/etc/kube');
    assert.equal(read(shape, { p: '.' }).p, '/agent/_work/1/s');
    assert.equal(read(shape, {}).p, undefined);
  });

  it('path of the type filePath: the folder that the agent puts in for an empty input means "not given"', () => {
    const shape = { p: fields.path({ filePathInput: true }) };
    assert.equal(readInputs(agentWith({ p: '/agent/_work/1/s' }), shape).p, undefined);
    assert.equal(readInputs(agentWith({ p: '/agent/_work/1/s/' }), shape).p, undefined);
    const multiCheckout = agentWith(
      { p: '/agent/_work/1/s/repo' },
      { 'Build.Repository.LocalPath': '/agent/_work/1/s/repo' },
    );
    assert.equal(readInputs(multiCheckout, shape).p, undefined);
    const release = agentWith({ p: '/agent/_work/r1/a' }, { 'System.ArtifactsDirectory': '/agent/_work/r1/a' });
    assert.equal(readInputs(release, shape).p, undefined);
    assert.equal(readInputs(agentWith({ p: '/agent/_work/1/s/values.yaml' }), shape).p, '/agent/_work/1/s/values.yaml');
  });
});

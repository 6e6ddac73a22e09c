import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ObjectId } from '../../../lib/core/objects/kubernetes-object.ts';
import { describeProblem } from '../../../lib/errors.ts';
import type { AskedOptions } from '../../../lib/sync/guardrails/guarded-options.ts';
import type { SyncGuardrails } from '../../../lib/sync/guardrails/guardrails.ts';
import { type GuardedRequest, judge } from '../../../lib/sync/guardrails/judge.ts';
import { readProtection } from '../../../lib/sync/guardrails/read.ts';
import type { SyncOptions } from '../../../lib/sync/options.ts';

const asked: AskedOptions = {
  prune: true,
  conflicts: 'auto',
  adopt: 'ifUnowned',
  foreignFields: 'correct',
  preflight: 'server',
  wait: 'all',
  allowOlder: false,
  allowUnmerged: false,
  allowEmpty: false,
  deleteProtectedKinds: [],
};

const request: GuardedRequest = {
  repository: 'https://dev.azure.com/contoso/shop/_git/deploy',
  set: { name: 'shop', namespace: 'shop', environment: 'production' },
  action: 'sync',
  options: asked,
};

function guardrails(rules: string, file = 'guardrails.yaml'): SyncGuardrails[] {
  const text = `apiVersion: gitops.pipelines/v1\nkind: SyncGuardrails\nrules:\n${rules}`;
  const read = readProtection(text, file);
  assert.deepEqual(read.problems.map(describeProblem), []);
  return [...read.guardrails];
}

const shopRule = `  - name: shop
    repositories: [https://dev.azure.com/contoso/shop/_git/*]
`;

function says(rails: readonly SyncGuardrails[], more: Partial<GuardedRequest> = {}): string[] {
  return judge(rails, { ...request, ...more }).problems.map(describeProblem);
}

const id = (kind: string, namespace: string, name = 'x'): ObjectId => {
  const [group = '', rest = ''] = kind.split('/');
  return { group, kind: rest, namespace, name };
};
const targets = (...ids: ObjectId[]) => ids.map((one) => ({ id: one }));

describe('guardrails', () => {
  it("are asked with the task's own options", () => {
    const options = {} as SyncOptions;
    const fitting: AskedOptions = options;
    assert.equal(fitting, options);
  });

  it('let everything pass where there are none', () => {
    const { problems, prune, maxPrune, breakGlass } = judge([], request);
    assert.deepEqual([problems, prune, maxPrune, breakGlass], [[], true, undefined, true]);
  });

  describe('and who they are for', () => {
    it('let a repository pass that a rule names', () => assert.deepEqual(says(guardrails(shopRule)), []));

    it('know a repository by each of its addresses', () => {
      for (const repository of [
        'https://contoso@dev.azure.com/contoso/shop/_git/deploy',
        'https://contoso.visualstudio.com/shop/_git/deploy',
        'git@ssh.dev.azure.com:v3/contoso/shop/deploy',
        'https://dev.azure.com/Contoso/Shop/_git/Deploy',
      ]) {
        assert.deepEqual(says(guardrails(shopRule), { repository }), [], repository);
      }
    });

    it('refuse a repository that no rule names, and say whom to ask', () => {
      const [message, ...more] = says(guardrails(shopRule), {
        repository: 'https://dev.azure.com/contoso/hr/_git/deploy',
      });
      assert.match(
        message ?? '',
        /^guardrails\.yaml: No rule lets the repository https:\/\/dev\.azure\.com\/contoso\/hr\/_git\/deploy sync the set 'shop'/,
      );
      assert.deepEqual(more, []);
    });

    for (const repository of [
      'https://dev.azure.com.evil.example/contoso/shop/_git/deploy',
      'https://evil.example/dev.azure.com/contoso/shop/_git/deploy',
      'https://dev.azure.com@evil.example/contoso/shop/_git/deploy',
      'https://dev.azure.com/contoso/shop/_git/a/b',
      'https://dev.azure.com/contoso/shop/../hr/_git/deploy',
      '/srv/dev.azure.com/contoso/shop/deploy',
      '',
    ]) {
      it(`are not taken in by '${repository}'`, () => {
        assert.equal(judge(guardrails(shopRule), { ...request, repository }).problems[0]?.code, 'guardrail-no-rule');
      });
    }

    it('fit a run without a repository only to a rule for every repository', () => {
      assert.equal(says(guardrails(shopRule), { repository: undefined }).length, 1);
      assert.deepEqual(says(guardrails('  - { name: all, repositories: ["**"] }\n'), { repository: undefined }), []);
    });

    it('ask for the set and the environment too', () => {
      const rails = guardrails(`${shopRule}    sets: [shop, shop-*]\n    environments: [Production]\n`);
      const set = request.set;
      assert.deepEqual(says(rails), []);
      assert.deepEqual(says(rails, { set: { ...set, name: 'shop-eu' } }), []);
      assert.match(says(rails, { set: { ...set, name: 'shopping' } }).join(), /No rule lets/);
      assert.match(says(rails, { set: { ...set, environment: 'dev' } }).join(), /in environment 'dev'/);
    });

    it('refuse a pattern that seems to name a project and does not', () => {
      const text = `apiVersion: gitops.pipelines/v1\nkind: SyncGuardrails\nrules:\n  - name: a\n    repositories:\n      - https://dev.azure.com/contoso/_git/*\n`;
      assert.match(
        readProtection(text, 'g.yaml').problems.map(describeProblem).join(),
        /^g\.yaml:6:9: .*names no project/,
      );
    });
  });

  describe('and what may be deployed', () => {
    const rails = guardrails(
      `${shopRule}    namespaces: [shop, shop-*]\n    kinds: { allow: ["apps/*", core/*], deny: ["*/Secret"] }\n    clusterWide: [core/Namespace]\n    maxObjects: 3\n`,
    );
    it('allow kinds and namespaces that a rule names', () => {
      assert.deepEqual(says(rails, { targets: targets(id('apps/Deployment', 'shop'), id('/Service', 'shop-eu')) }), []);
    });

    it('refuse another namespace, where the object is declared', () => {
      const origin = { file: 'deploy/web.yaml', line: 3 };
      assert.deepEqual(says(rails, { targets: [{ id: id('apps/Deployment', 'hr', 'web'), origin }] }), [
        "deploy/web.yaml:3: Deployment.apps hr/web may not be in namespace hr: rule 'shop' (guardrails.yaml:4) allows shop, shop-*.",
      ]);
    });

    it('refuse a kind that is not allowed, and one that is denied', () => {
      assert.match(
        says(rails, { targets: targets(id('batch/Job', 'shop')) }).join(),
        /none of the kinds.*apps\/\*, core\/\*/,
      );
      assert.match(says(rails, { targets: targets(id('/Secret', 'shop')) }).join(), /denies \(\*\/Secret\)/);
    });

    it('do not let a kind pass for its letter case', () => {
      const deny = guardrails(`${shopRule}    kinds: { deny: [core/secret] }\n`);
      assert.equal(says(deny, { targets: targets(id('/Secret', 'shop')) }).length, 1);
    });

    it('refuse objects outside of namespaces unless their kind is named', () => {
      const open = guardrails(shopRule);
      const binding = id('rbac.authorization.k8s.io/ClusterRoleBinding', '');
      assert.match(says(open, { targets: targets(binding) }).join(), /outside of any namespace.*allows no kind there/);
      assert.match(says(rails, { targets: targets(binding) }).join(), /allows core\/Namespace there/);
    });

    it('look at the name of a Namespace', () => {
      assert.deepEqual(says(rails, { targets: targets(id('/Namespace', '', 'shop-eu')) }), []);
      assert.match(says(rails, { targets: targets(id('/Namespace', '', 'hr')) }).join(), /may not be in namespace hr/);
    });

    it('keep the namespace of the guardrails for whom names it', () => {
      const open = guardrails(`${shopRule}    namespaces: ["*"]\n`);
      const own = targets(id('/ConfigMap', 'gitops-guardrails', 'gitops-guardrails'));
      assert.match(says(open, { targets: own }).join(), /does not name gitops-guardrails itself/);
      assert.match(says(guardrails(shopRule), { targets: own }).join(), /does not name gitops-guardrails itself/);
      assert.deepEqual(
        says(guardrails(`${shopRule}    namespaces: [shop, gitops-guardrails]\n`), { targets: own }),
        [],
      );
    });

    it('look at the namespace of the inventory', () => {
      assert.match(
        says(rails, { set: { ...request.set, namespace: 'kube-system' } }).join(),
        /inventory of set 'shop' be in/,
      );
    });

    it('limit the number of objects', () => {
      const many = Array.from({ length: 4 }, (_, index) => id('/Service', 'shop', `s${index}`));
      assert.match(says(rails, { targets: targets(...many) }).join(), /has 4 objects, and rule 'shop' allows 3/);
    });

    it('say of thousands of objects what can be read', () => {
      const open = guardrails(`${shopRule}    namespaces: [shop]\n`);
      const many = Array.from({ length: 3000 }, (_, index) => id('/Service', 'hr', `s${index}`));
      const said = says(open, { targets: targets(...many) });
      assert.equal(said.length, 21);
      assert.match(said.at(-1) ?? '', /refuses 2980 more objects/);
    });
  });

  describe('and the inputs', () => {
    const dangerous: readonly (readonly [string, Partial<GuardedRequest>])[] = [
      ['allowOlder', { options: { ...asked, allowOlder: true } }],
      ['allowUnmerged', { options: { ...asked, allowUnmerged: true } }],
      ['allowEmpty', { options: { ...asked, allowEmpty: true } }],
      ['forceConflicts', { options: { ...asked, conflicts: 'force' } }],
      ['adoptAlways', { options: { ...asked, adopt: 'always' } }],
      ['adoptAlways', { options: { ...asked, adopt: 'from:other' } }],
      ['ignoreForeignFields', { options: { ...asked, foreignFields: 'ignore' } }],
      ['clientPreflight', { options: { ...asked, preflight: 'client' } }],
      ['noWait', { options: { ...asked, wait: 'none' } }],
      ['deleteProtectedKinds', { options: { ...asked, deleteProtectedKinds: ['Namespace'] } }],
      ['destroy', { action: 'destroy' }],
    ];
    for (const [option, more] of dangerous) {
      it(`refuse ${option} unless every rule that applies allows it`, () => {
        assert.match(
          says(guardrails(shopRule), more).join(),
          new RegExp(`Rule 'shop' does not allow .*\\(option ${option}\\)`),
        );
        const allowing = `${shopRule}    options: { ${option}: true }\n`;
        assert.deepEqual(says(guardrails(allowing), more), []);
        assert.equal(says(guardrails(`${allowing}  - { name: all, repositories: ["**"] }\n`), more).length, 1);
        assert.equal(says([...guardrails(allowing), ...guardrails(shopRule, 'other.yaml')], more).length, 1);
      });
    }

    it('allow suspend unless a rule says no', () => {
      assert.deepEqual(says(guardrails(shopRule), { action: 'suspend' }), []);
      assert.match(
        says(guardrails(`${shopRule}    options: { suspend: false }\n`), { action: 'resume' }).join(),
        /action: resume/,
      );
    });

    it('name the input to change', () => {
      const { problems } = judge(guardrails(shopRule), { ...request, options: { ...asked, conflicts: 'force' } });
      assert.equal(problems[0]?.input, 'conflicts');
    });

    it('switch prune off rather than refuse it', () => {
      const { prune, problems } = judge(guardrails(`${shopRule}    options: { prune: false }\n`), request);
      assert.deepEqual([prune, problems], [false, []]);
    });

    it('take the smallest of all caps on prune', () => {
      const rails = guardrails(`${shopRule}    maxPrune: 5\n  - { name: all, repositories: ["**"], maxPrune: 7 }\n`);
      const capOf = (maxPrune?: number) => judge(rails, { ...request, options: { ...asked, maxPrune } }).maxPrune;
      assert.deepEqual([capOf(), capOf(3), capOf(9), capOf(0)], [5, 3, 5, 0]);
      assert.match(says(rails, { deletions: 6 }).join(), /6 objects would be pruned, and rule 'shop' allows 5/);
      assert.deepEqual(says(rails, { deletions: 5 }), []);
    });

    it('let break-glass pass only where every rule says so', () => {
      const open = guardrails(`${shopRule}    options: { breakGlass: true }\n`);
      assert.equal(judge(open, request).breakGlass, true);
      assert.equal(judge([...open, ...guardrails(shopRule, 'b.yaml')], request).breakGlass, false);
      assert.equal(judge(open, { ...request, repository: 'https://example.com/a' }).breakGlass, false);
    });
  });

  describe('and statuses', () => {
    const rails = guardrails(
      `${shopRule}    requiredStatuses:\n      - { genre: gitops, name: policy, authors: [11111111-2222-3333-4444-555555555555, 'Build\\abc'] }\n`,
    );
    const status = (state: string, uniqueName: string, at = '2026-03-01T10:00:00Z') => ({
      genre: 'gitops',
      name: 'policy',
      state,
      author: { uniqueName },
      at,
    });
    it('are named, so that nobody reads them in vain', () => {
      assert.equal(judge(rails, request).requiredStatuses.length, 1);
      assert.deepEqual(judge(guardrails(shopRule), request).requiredStatuses, []);
    });
    it('have to be there', () =>
      assert.match(says(rails, { statuses: [] }).join(), /gitops\/policy: the commit has none\./));
    it('have to be readable', () => {
      assert.match(
        says(rails, { statuses: { unreadable: 'no permission.' } }).join(),
        /cannot be read: no permission\.$/,
      );
    });
    it('count from an expected author, by unique name or id', () => {
      assert.deepEqual(says(rails, { statuses: [status('succeeded', 'build\\ABC')] }), []);
      const byId = { ...status('succeeded', ''), author: { id: '11111111-2222-3333-4444-555555555555' } };
      assert.deepEqual(says(rails, { statuses: [byId] }), []);
    });
    it('do not count from anybody else', () => {
      assert.match(
        says(rails, { statuses: [status('succeeded', 'mallory@contoso.com')] }).join(),
        /posted by mallory@contoso\.com, who is not among the expected authors/,
      );
    });
    it('count by the newest of an expected author, whatever others post after it', () => {
      const old = status('succeeded', 'Build\\abc');
      const later = '2026-03-01T11:00:00Z';
      assert.match(says(rails, { statuses: [old, status('failed', 'Build\\abc', later)] }).join(), /it is failed\./);
      assert.match(says(rails, { statuses: [status('failed', 'Build\\abc', later), old] }).join(), /it is failed\./);
      assert.deepEqual(says(rails, { statuses: [old, status('failed', 'mallory', later)] }), []);
      assert.match(says(rails, { statuses: [status('pending', 'Build\\abc')] }).join(), /it is pending\./);
    });
    it('that failed goes before one that succeeded at the same moment', () => {
      const [good, bad] = [status('succeeded', 'Build\\abc'), status('failed', 'Build\\abc')];
      for (const statuses of [
        [good, bad],
        [bad, good],
      ])
        assert.match(says(rails, { statuses }).join(), /it is failed\./);
    });
    it('of another genre or name do not count', () => {
      const other = { ...status('succeeded', 'Build\\abc'), genre: 'ci' };
      assert.match(says(rails, { statuses: [other] }).join(), /the commit has none/);
    });
    it('are not asked for to go back to what was deployed, or to remove it', () => {
      assert.deepEqual(says(rails, { action: 'rollback', statuses: [] }), []);
    });
  });

  it('can only become narrower by another rule, another document, or another input', () => {
    const lines = fc.record(
      {
        sets: fc.constantFrom('sets: [shop]', 'sets: ["*"]', 'sets: [other]'),
        namespaces: fc.constantFrom('namespaces: [shop]', 'namespaces: ["*"]', 'namespaces: []'),
        kinds: fc.constantFrom('kinds: { allow: ["apps/*"] }', 'kinds: { deny: [core/*] }'),
        clusterWide: fc.constantFrom('clusterWide: ["*/*"]', 'clusterWide: []'),
        options: fc.constantFrom('options: { prune: false }', 'options: { allowOlder: true, breakGlass: true }'),
        maxPrune: fc.nat(5).map((cap) => `maxPrune: ${cap}`),
        maxObjects: fc.integer({ min: 1, max: 3 }).map((cap) => `maxObjects: ${cap}`),
      },
      { requiredKeys: [] },
    );
    const documentOf = fc
      .array(lines, { minLength: 1, maxLength: 3 })
      .map((rules) =>
        guardrails(
          rules
            .map((rule, index) =>
              [`  - name: r${index}`, 'repositories: ["**"]', ...Object.values(rule)].join('\n    '),
            )
            .join('\n'),
        ),
      );
    const requests = fc.record({
      repository: fc.constant(request.repository),
      set: fc.constant(request.set),
      action: fc.constantFrom('sync', 'apply', 'destroy', 'rollback'),
      options: fc.record({ allowOlder: fc.boolean(), prune: fc.boolean() }).map((some) => ({ ...asked, ...some })),
      deletions: fc.nat(6),
      targets: fc
        .array(fc.constantFrom(id('apps/Deployment', 'shop'), id('/Secret', 'shop'), id('/Namespace', '', 'shop')), {
          maxLength: 4,
        })
        .map((ids) => targets(...ids)),
    });
    fc.assert(
      fc.property(documentOf, documentOf, requests, (first, second, wanted) => {
        const one = judge(first, wanted);
        const both = judge([...first, ...second], wanted);
        if (one.problems.length > 0) assert.ok(both.problems.length > 0);
        if (!one.prune) assert.equal(both.prune, false);
        if (!one.breakGlass) assert.equal(both.breakGlass, false);
        assert.ok((both.maxPrune ?? Number.POSITIVE_INFINITY) <= (one.maxPrune ?? Number.POSITIVE_INFINITY));
      }),
    );
  });
});

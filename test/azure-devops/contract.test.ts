import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skipBecause } from '../../scripts/test/skip-because.ts';
import { type Contract, loadContract } from './contract.ts';
import { distil, factsFile, factsText, type OperationFacts, readSpecification, tables } from './distil.ts';

/** The official documents; they are not part of the repository. */
const SPECIFICATIONS = fileURLToPath(new URL('../../../shared/specs/azure-devops', import.meta.url));

describe('the tables of facts about Azure DevOps', () => {
  const contract = loadContract('git', '7.1');
  const statuses = contract.find('POST', `/contoso/shop/_apis/git/repositories/x/commits/${'a'.repeat(40)}/statuses`);

  it('find an operation with and without the project', () => {
    assert.equal(statuses?.operation.id, 'Statuses_Create');
    assert.equal(statuses?.path['commitId'], 'a'.repeat(40));
    assert.equal(
      contract.find('GET', '/contoso/_apis/git/repositories/x')?.operation.id,
      'Repositories_Get Repository',
    );
    assert.equal(contract.find('DELETE', '/contoso/shop/_apis/git/repositories/x'), undefined);
  });

  it('refuse a state that the specification does not list, a property that it does not know, and a wrong type', () => {
    assert.ok(statuses);
    const good = { state: 'succeeded', description: 'x', context: { name: 'sync/a/b', genre: 'gitops' } };
    assert.deepEqual(contract.bodyProblems(statuses.operation, good), []);
    for (const bad of [
      { ...good, state: 2 },
      { ...good, state: 'done' },
      { ...good, colour: 'red' },
      { ...good, context: { name: 'x', kind: 'y' } },
      { ...good, description: 7 },
      [],
      undefined,
    ]) {
      assert.notDeepEqual(contract.bodyProblems(statuses.operation, bad), [], JSON.stringify(bad));
    }
  });

  it('refuse an unknown or missing parameter of the query', () => {
    const bases = contract.find('GET', `/contoso/shop/_apis/git/repositories/x/commits/${'a'.repeat(40)}/mergebases`);
    assert.ok(bases);
    assert.deepEqual(contract.queryProblems(bases.operation, new URLSearchParams({ otherCommitId: 'b' })), []);
    assert.deepEqual(contract.queryProblems(bases.operation, new URLSearchParams()), [
      'query parameter otherCommitId is missing',
    ]);
    const more = new URLSearchParams({ otherCommitId: 'b', otherRepositoryId: 'no-uuid', colour: 'red' });
    assert.equal(contract.queryProblems(bases.operation, more).length, 2);
  });

  it('refuse a list that does not come as {count, value}', () => {
    const refs = contract.find('GET', '/contoso/shop/_apis/git/repositories/x/refs');
    assert.ok(refs);
    const value = [{ name: 'refs/heads/main', objectId: 'a'.repeat(40) }];
    assert.deepEqual(contract.answerProblems(refs.operation, 200, { count: 1, value }), []);
    assert.notDeepEqual(contract.answerProblems(refs.operation, 200, value), []);
    assert.notDeepEqual(contract.answerProblems(refs.operation, 200, { count: 2, value }), []);
    assert.notDeepEqual(contract.answerProblems(refs.operation, 200, { count: 1, value: [{ name: 7 }] }), []);
    assert.notDeepEqual(contract.answerProblems(refs.operation, 418, {}), []);
  });

  describe('beside the official documents', () => {
    before(function () {
      if (!existsSync(SPECIFICATIONS)) {
        skipBecause(this, 'the official specifications are not on this machine');
      }
    });

    for (const { area, version, ids } of tables()) {
      it(`say of ${area} ${version} what the document says`, async () => {
        const fresh = factsText(distil(area, version, await readSpecification(SPECIFICATIONS, area, version), ids));
        assert.equal(await readFile(factsFile(area, version), 'utf8'), fresh, 'run test/azure-devops/distil.ts again');
      });
    }

    it('accept every official example of these operations', async () => {
      const broken: string[] = [];
      let checked = 0;
      for (const { area } of tables().filter(({ version }) => version === '7.1')) {
        const specification = await readSpecification(SPECIFICATIONS, area, '7.1');
        const table = loadContract(area, '7.1');
        for (const operation of table.facts.operations) {
          for (const file of examplesOf(specification, operation.id)) {
            checked += 1;
            const problems = exampleProblems(table, operation, await readExample(area, file));
            if (problems.length > 0) broken.push(`${file}: ${problems.join('; ')}`);
          }
        }
      }
      console.log(`      ${checked} examples, ${broken.length} of them break their own schema`);
      assert.equal(checked, 17);
      assert.deepEqual(broken, []);
    });
  });
});

interface Example {
  readonly parameters: { readonly body?: unknown };
  readonly responses: Readonly<Record<string, { readonly body?: unknown }>>;
}

function exampleProblems(contract: Contract, operation: OperationFacts, example: Example): string[] {
  const problems = operation.body === undefined ? [] : contract.bodyProblems(operation, example.parameters.body);
  for (const [status, answer] of Object.entries(example.responses)) {
    if (answer.body !== undefined) problems.push(...contract.answerProblems(operation, Number(status), answer.body));
  }
  return problems;
}

function examplesOf(specification: Record<string, unknown>, id: string): string[] {
  const files: string[] = [];
  for (const group of ['paths', 'x-ms-paths']) {
    for (const methods of Object.values(
      (specification[group] ?? {}) as Record<string, Record<string, Record<string, unknown>>>,
    )) {
      for (const operation of Object.values(methods)) {
        if (operation['operationId'] !== id) continue;
        const examples = (operation['x-ms-examples'] ?? {}) as Record<string, { $ref: string }>;
        files.push(...Object.values(examples).map((example) => example.$ref));
      }
    }
  }
  return [...new Set(files)];
}

async function readExample(area: string, reference: string): Promise<Example> {
  const [, , group = '', file = ''] = reference.split('/');
  // The documents refer to folders in another letter case than they have.
  const folder = group.charAt(0).toLowerCase() + group.slice(1);
  const text = await readFile(join(SPECIFICATIONS, area, '7.1/httpExamples', folder, file), 'utf8');
  return JSON.parse(text.replace(/^\uFEFF/, '')) as Example;
}

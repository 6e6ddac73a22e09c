import assert from 'node:assert/strict';
import { compareRandom } from './kubernetes-yaml.ts';

describe('the reading of YAML, at length', () => {
  it("never finds another value than Kubernetes' own library", async function () {
    this.timeout(900_000);
    const seed = Number(process.env['GITOPS_TEST_SEED'] ?? Date.now() % 2 ** 31);
    for (let round = 0; round < 10; round++) {
      const { faults } = await compareRandom(50_000, seed + round);
      assert.deepEqual(faults, [], `GITOPS_TEST_SEED=${seed}`);
    }
  });
});

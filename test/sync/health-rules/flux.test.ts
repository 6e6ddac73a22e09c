import assert from 'node:assert/strict';
import { assess, cases } from './flux-cases.ts';

describe("expressions written for Flux' healthCheckExprs", () => {
  for (const [title, expressions, fields, expected] of cases) {
    it(title, () => assert.equal(assess(expressions, fields), expected));
  }
});

import assert from 'node:assert/strict';
import { chooseHandler } from './handler-choice.ts';

const data = { target: 'main.mjs' };
const choose = (keys: string[], useNode24WithHandlerData = false) => {
  const choice = chooseHandler(Object.fromEntries(keys.map((key) => [key, data])), { useNode24WithHandlerData });
  return `${choice.handler} on ${choice.folder}`;
};

describe('The handler of a task', () => {
  it('is Node24 whatever the order, and yet runs on Node 20 by default', () => {
    assert.equal(choose(['Node24', 'Node20_1']), 'Node24 on node20_1');
    assert.equal(choose(['Node20_1', 'Node24']), 'Node24 on node20_1');
  });

  it('runs on Node 24 when the knob UseNode24withHandlerData is on', () => {
    assert.equal(choose(['Node20_1', 'Node24'], true), 'Node24 on node24');
  });

  it('stays on Node 20 without a Node24 handler', () => {
    assert.equal(choose(['Node20_1'], true), 'Node20_1 on node20_1');
  });

  it('is not found under a name that the agent does not know', () => {
    assert.throws(() => choose(['Node20']), /no Node handler .* found Node20/);
    assert.throws(() => choose(['Node20', 'Node16']), /Node16 handler/);
  });
});

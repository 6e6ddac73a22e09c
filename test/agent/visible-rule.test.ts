import assert from 'node:assert/strict';
import { isVisible } from './visible-rule.ts';

const values: Record<string, string> = { action: 'sync', type: 'helm', wait: 'true', empty: '' };
const shown = (rule: string | undefined) => isVisible(rule, (name) => values[name]);

describe('A visibleRule', () => {
  for (const [rule, expected] of [
    [undefined, true],
    ['', true],
    ['action = sync', true],
    ['action=plan', false],
    ['action != sync', false],
    ['action == sync', true],
    ['wait = True', true],
    ['empty = ', true],
    ['action = plan || type = helm', true],
    ['action = sync && type = kustomize', false],
    ['action = plan && type = helm || wait = true', true],
    ['wait = true || action = plan && type = kustomize', true],
  ] as const) {
    it(`${JSON.stringify(rule)} ${expected ? 'shows' : 'hides'}`, () => assert.equal(shown(rule), expected));
  }

  it('that cannot be read, or names an unknown input, is an error of task.json', () => {
    assert.throws(() => shown('action'), /"action" of task.json cannot be read/);
    assert.throws(() => shown('acton = sync'), /unknown input "acton"/);
  });
});

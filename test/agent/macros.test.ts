import assert from 'node:assert/strict';
import { expandMacros } from './macros.ts';

const variables: Record<string, string> = { name: 'web', loop: '$(name)', empty: '', open: '$(' };
const expand = (text: string) => expandMacros(text, (name) => variables[name]);

describe('A macro', () => {
  for (const [text, expected, title] of [
    ['a $(name) b', 'a web b', 'is replaced by its variable'],
    ['$(name)$(name)', 'webweb', 'is replaced everywhere'],
    ['$(other)', '$(other)', 'stays when there is no such variable'],
    ['$()', '$()', 'stays without a name'],
    ['$(loop)', '$(name)', 'is not looked for in what was put in'],
    ['$(open)name)', '$(name)', 'is not made of what was put in and what follows'],
    ['$(empty)x', 'x', 'may be empty'],
    ['$(name', '$(name', 'needs an end'],
    ['$(a$(name))', '$(aweb)', 'is found inside of an unknown one'],
    ['%name% $name $[name]', '%name% $name $[name]', 'has no other form'],
  ] as const) {
    it(title, () => assert.equal(expand(text), expected));
  }
});

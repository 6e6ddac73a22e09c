import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isSecretParameter, SecretMasker, secretVariableForms } from './masking.ts';

function masker(...values: string[]): SecretMasker {
  const result = new SecretMasker();
  for (const value of values) result.add(value);
  return result;
}

describe('The masker', () => {
  it('replaces a secret everywhere by three stars', () => {
    assert.equal(masker('abc').mask('abc-abc-ab'), '***-***-ab');
  });

  it('makes one mask of secrets that overlap or touch', () => {
    assert.equal(masker('abcd', 'cdef').mask('xabcdefx'), 'x***x');
    assert.equal(masker('ab', 'cd').mask('abcd'), '***');
    assert.equal(masker('aa').mask('aaa'), '***');
  });

  it('knows how JSON and URLs write a secret', () => {
    const value = 'pä"ss\\word (1)';
    assert.equal(masker(value).mask(JSON.stringify({ value })), '{"value":"***"}');
    assert.equal(masker(value).mask('?p=p%C3%A4%22ss%5Cword%20%281%29'), '?p=***');
  });

  it('hides the password in a URL though nobody registered it', () => {
    assert.equal(masker().mask('clone https://user:pa$$w0rd@host/x'), 'clone https://user:***@host/x');
    assert.equal(masker().mask('https://host:8080/x'), 'https://host:8080/x');
  });

  it('does not find a secret of several lines when it is printed line by line', () => {
    const secret = masker('first\nsecond');
    assert.equal(secret.mask('first\nsecond'), '***');
    assert.equal(secret.mask('first'), 'first');
  });

  it('ignores the empty secret', () => {
    assert.equal(masker('').mask('abc'), 'abc');
  });

  it('leaves no secret readable', () => {
    const part = fc.stringMatching(/^[abc]{1,4}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), fc.array(part), (secrets, texts) => {
        const masked = masker(...secrets).mask([...texts, ...secrets, ...texts].join(''));
        for (const secret of secrets) assert.ok(!masked.includes(secret), `${secret} in ${masked}`);
      }),
    );
  });
});

describe('A secret variable', () => {
  const masked = (value: string, shown: string) => masker(...secretVariableForms(value)).mask(shown);

  for (const [title, value, shown, expected] of [
    ['as it is', 'hunter2', 'is hunter2', 'is ***'],
    ['trimmed', '  hunter2\n', 'is hunter2.', 'is ***.'],
    ['without its quotes', '"hunter2"', 'is hunter2', 'is ***'],
    ['in base64', 'hunter2', 'is aHVudGVyMg==', 'is ***'],
    ['with its line breaks escaped', 'one\r\ntwo', 'is one%0D%0Atwo', 'is ***'],
    ['with its percents escaped', '100%\nsure', 'is 100%AZP25%0Asure', 'is ***'],
  ] as const) {
    it(`is masked ${title}`, () => assert.equal(masked(value, shown), expected));
  }

  it('of blanks only is not masked', () => {
    assert.deepEqual(secretVariableForms(' \n'), []);
  });
});

describe("A connection's parameter", () => {
  it('is taken for a secret, the client id too, unless it is known to be harmless', () => {
    for (const name of ['apiToken', 'kubeconfig', 'serviceprincipalkey', 'serviceprincipalid', 'username']) {
      assert.equal(isSecretParameter(name), true, name);
    }
    for (const name of ['tenantid', 'TenantId', 'scope', 'role', 'audience', 'authenticationType']) {
      assert.equal(isSecretParameter(name), false, name);
    }
  });
});

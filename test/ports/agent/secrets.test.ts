import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parameterSecrets, SecretRegistry, secretForms } from '../../../lib/ports/agent/secrets.ts';

function registry(...values: string[]): SecretRegistry {
  const secrets = new SecretRegistry();
  for (const value of values) secrets.add(value);
  return secrets;
}

describe('secrets', () => {
  it('are masked as they are, trimmed, unquoted, in base64, in a URL and in JSON', () => {
    const secret = ' p@ss"word/1 ';
    const { mask } = { mask: (text: string) => registry(secret).mask(text) };
    assert.equal(mask('pw=p@ss"word/1.'), 'pw=***.');
    assert.equal(mask(Buffer.from('p@ss"word/1').toString('base64')), '***');
    assert.equal(mask(Buffer.from(secret).toString('base64')), '***');
    assert.equal(mask(`https://x/?p=${encodeURIComponent('p@ss"word/1')}`), 'https://x/?p=***');
    assert.equal(mask(JSON.stringify({ p: 'p@ss"word/1' })), '{"p":"***"}');
    assert.equal(registry("'quoted-secret'").mask('quoted-secret'), '***');
  });

  it('of several lines are masked line by line, because logs are', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n';
    const secrets = registry(pem);
    assert.equal(secrets.mask('x MIIEvQIBADANBg y kqhkiG9w0BAQEF'), 'x *** y ***');
    assert.equal(secrets.mask('-----BEGIN PRIVATE KEY-----'), '-----BEGIN PRIVATE KEY-----');
  });

  it('that are too short or plain words are not registered: that would only make the log unreadable', () => {
    for (const value of ['', ' ', 'a', '42', 'abc', 'true', 'False', 'null']) assert.deepEqual(secretForms(value), []);
    assert.equal(registry('abc', 'true').mask('abc is true'), 'abc is true');
  });

  it('are told once as new', () => {
    const secrets = new SecretRegistry();
    assert.deepEqual(secrets.add('hunter2').includes('hunter2'), true);
    assert.deepEqual(secrets.add('hunter2'), []);
  });

  it('that overlap or contain one another leave nothing behind', () => {
    assert.equal(registry('secret', 'secret-and-more').mask('a secret-and-more b'), 'a *** b');
    assert.equal(registry('abcdef', 'defghi').mask('abcdefghi'), '***');
  });

  it('appear nowhere in what is printed, whatever they are and wherever they stand', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom(...'abc-'), minLength: 4, maxLength: 8 }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.string({ unit: fc.constantFrom(...'abc-x '), maxLength: 60 }),
        (secrets, text) => {
          const masked = registry(...secrets).mask(text);
          for (const secret of secrets) assert.ok(!masked.includes(secret.trim()), `${secret} in ${masked}`);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('cost about as much for a thousand as for one', () => {
    const secrets = registry(...Array.from({ length: 1_000 }, (_, index) => `secret-number-${index}-${index * 7919}`));
    const text = 'an ordinary line of a manifest: with nothing to hide\n'.repeat(20_000);
    const start = performance.now();
    assert.equal(secrets.mask(text), text);
    assert.ok(performance.now() - start < 1_000, `${performance.now() - start} ms for ${text.length} characters`);
  });
});

describe('the parameters of a service connection', () => {
  it('are secret, except those that the agent does not count as such', () => {
    assert.deepEqual(parameterSecrets('apiToken', 'abc123'), ['abc123']);
    assert.deepEqual(parameterSecrets('servicePrincipalKey', 'abc123'), ['abc123']);
    assert.deepEqual(parameterSecrets('tenantId', '11111111-2222'), []);
    assert.deepEqual(parameterSecrets('AuthenticationType', 'spnKey'), []);
  });

  it('keep a kubeconfig readable: only what is not known to be harmless is secret', () => {
    const kubeconfig = `apiVersion: v1
kind: Config
clusters:
- name: test
  cluster:
    server: https://cluster.example:6443
    certificate-authority-data: TFMwdExTMUNSVWRKVGc=
users:
- name: deployer
  user:
    token: "eyJhbGciOi.abc.def"
    client-key-data: a2V5LWtleS1rZXk=
    password: 'hunter2 hunter2'
    auth-provider:
      config:
        refresh-token: r3fresh
        something-new: n3w-secret
`;
    assert.deepEqual(parameterSecrets('kubeconfig', kubeconfig), [
      'eyJhbGciOi.abc.def',
      'a2V5LWtleS1rZXk=',
      'hunter2 hunter2',
      'r3fresh',
      'n3w-secret',
    ]);
  });

  it('find the secrets of a kubeconfig in JSON too, on one line or several', () => {
    const config = { apiVersion: 'v1', users: [{ name: 'u', user: { token: 'abc.def', 'client-key-data': 'a2V5' } }] };
    assert.deepEqual(parameterSecrets('kubeconfig', JSON.stringify(config)), ['abc.def', 'a2V5']);
    assert.deepEqual(parameterSecrets('kubeconfig', JSON.stringify(config, null, 2)), ['abc.def', 'a2V5']);
  });
});

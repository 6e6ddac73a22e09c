import assert from 'node:assert/strict';
import { connectionSecrets, revealingForms, systemSecrets } from './known-secrets.ts';

const values = (parameters: Record<string, string>) =>
  connectionSecrets('cluster', { url: 'https://x', parameters }).map((secret) => secret.value);

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('What must not be shown', () => {
  it("is a connection's token, in base64 and decoded", () => {
    assert.deepEqual(values({ apiToken: base64('token-of-the-account'), tenantid: 'open' }), [
      base64('token-of-the-account'),
      'token-of-the-account',
    ]);
  });

  it('is what a kubeconfig keeps secret, not the rest of it', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n';
    const kubeconfig = `
current-context: c
clusters: [{name: c, cluster: {server: https://x, certificate-authority-data: ${base64('certificate of the authority')}}}]
users:
- {name: u, user: {token: the-token, client-key-data: ${base64(key)}, client-certificate-data: ${base64('certificate of the user')}}}
- {name: v, user: {username: v, password: the-password}}
`;
    assert.deepEqual(values({ kubeconfig, clusterContext: 'c' }), ['the-token', base64(key), key, 'the-password']);
  });

  it('is not a name or a certificate, though the agent masks these too', () => {
    assert.deepEqual(
      values({ serviceprincipalid: 'id', username: 'u', serviceAccountCertificate: base64('certificate') }),
      [],
    );
  });

  it('is the access token of the job, also as HTTP basic authentication', () => {
    assert.deepEqual(
      systemSecrets({ url: 'https://x', token: 'abcdef' }).map((secret) => secret.value),
      ['abcdef', base64(':abcdef')],
    );
  });

  it('gives itself away by each long line of a text, but not by the frame of a PEM', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nshort\n-----END PRIVATE KEY-----\n';
    assert.deepEqual(revealingForms(pem), ['MIIEvQIBADANBgkqhkiG9w0BAQEFAASC', base64(pem)]);
    assert.deepEqual(revealingForms(' hunter2 '), ['hunter2', base64(' hunter2 ')]);
    assert.deepEqual(revealingForms('ab'), [base64('ab')]);
  });
});

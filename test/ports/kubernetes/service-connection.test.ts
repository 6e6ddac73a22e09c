import assert from 'node:assert/strict';
import { connectionsOfEnvironment, readConnection } from '../../../lib/ports/agent/connection.ts';
import { SecretRegistry } from '../../../lib/ports/agent/secrets.ts';
import { accessFromServiceConnection } from '../../../lib/ports/kubernetes/service-connection.ts';
import { authority } from './stub-server.ts';

const id = '0d1e2f30-4a5b-6c7d-8e9f-001122334455';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const where = 'The service connection of the input kubernetesServiceConnection';

interface Parts {
  readonly url?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
}

describe('a Kubernetes service connection', () => {
  let secrets: SecretRegistry;

  /** As the agent hands it over, in the environment. */
  async function access({ url = 'https://api.example:6443/', parameters = {}, data = {} }: Parts) {
    secrets = new SecretRegistry();
    const environment: Record<string, string> = { [`ENDPOINT_URL_${id}`]: url, [`ENDPOINT_AUTH_SCHEME_${id}`]: 'None' };
    for (const [name, value] of Object.entries(parameters)) {
      environment[`ENDPOINT_AUTH_PARAMETER_${id}_${name.toUpperCase()}`] = value;
    }
    for (const [name, value] of Object.entries(data)) environment[`ENDPOINT_DATA_${id}_${name.toUpperCase()}`] = value;
    const maskSecret = (value: string) => secrets.add(value);
    const connection = readConnection(id, connectionsOfEnvironment(environment), maskSecret);
    return accessFromServiceConnection(connection, { maskSecret });
  }

  const kubeconfig = JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: 'https://of-kubeconfig:6443' } }],
    users: [
      { name: 'a', user: { token: 'token-of-a' } },
      { name: 'b', user: { token: 'token-of-b' } },
    ],
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'a' } },
      { name: 'two', context: { cluster: 'c', user: 'b', namespace: 'shop' } },
    ],
    'current-context': 'one',
  });
  const account = { apiToken: base64('account-token'), serviceAccountCertificate: base64(authority.cert) };

  for (const type of [{ authorizationType: 'Kubeconfig' }, {}]) {
    it(`with a kubeconfig is read by its current context (authorizationType ${type.authorizationType ?? 'missing'})`, async () => {
      const { credentials, ...found } = await access({ parameters: { kubeconfig }, data: type });
      assert.deepEqual(found, {
        server: 'https://of-kubeconfig:6443',
        identity: "user 'a' of the service connection of the input kubernetesServiceConnection",
        skipTlsVerify: false,
      });
      assert.equal((await credentials({ refresh: false })).authorization, 'Bearer token-of-a');
    });
  }

  it('with a kubeconfig takes the context that the connection names', async () => {
    for (const parts of [
      { parameters: { kubeconfig, clusterContext: 'two' } },
      { parameters: { kubeconfig }, data: { clusterContext: 'two' } },
    ]) {
      const found = await access(parts);
      assert.equal(found.namespace, 'shop');
      assert.equal((await found.credentials({ refresh: false })).authorization, 'Bearer token-of-b');
    }
    await assert.rejects(access({ parameters: { kubeconfig, clusterContext: 'three' } }), {
      name: 'InputError',
      message: `${where} has no context 'three'. It has: one, two.`,
    });
  });

  for (const authorizationType of ['ServiceAccount', 'AzureSubscription', 'serviceaccount']) {
    it(`with a service account has the URL, token and authority of the connection (${authorizationType})`, async () => {
      const { credentials, ...found } = await access({ parameters: account, data: { authorizationType } });
      assert.deepEqual(found, {
        server: 'https://api.example:6443',
        identity: 'the service account of the service connection of the input kubernetesServiceConnection',
        ca: authority.cert,
        skipTlsVerify: false,
      });
      assert.equal((await credentials({ refresh: false })).authorization, 'Bearer account-token');
    });
  }

  const data = { authorizationType: 'ServiceAccount' };

  it('may hold the bare token and certificate, as people paste them', async () => {
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJl-_8';
    const found = await access({ parameters: { apiToken: jwt, serviceAccountCertificate: authority.cert }, data });
    assert.equal((await found.credentials({ refresh: false })).authorization, `Bearer ${jwt}`);
    assert.equal(found.ca, authority.cert.trim());
    const newline = await access({ parameters: { apiToken: `${base64('account-token\n')}\n` }, data });
    assert.equal((await newline.credentials({ refresh: false })).authorization, 'Bearer account-token');
    assert.equal('ca' in newline, false);
  });

  it('is trusted without check when it says so (acceptUntrustedCerts), of every kind', async () => {
    for (const accept of ['true', 'True']) {
      const changes = { acceptUntrustedCerts: accept };
      assert.equal((await access({ parameters: { kubeconfig }, data: changes })).skipTlsVerify, true);
      assert.equal((await access({ parameters: account, data: { ...data, ...changes } })).skipTlsVerify, true);
    }
    const changes = { acceptUntrustedCerts: 'false' };
    assert.equal((await access({ parameters: account, data: { ...data, ...changes } })).skipTlsVerify, false);
  });

  it('has its token masked, encoded as it is kept and decoded as it is sent', async () => {
    await access({ parameters: account, data });
    for (const form of ['account-token', base64('account-token'), encodeURIComponent('account-token')]) {
      assert.equal(secrets.mask(`say ${form}.`), 'say ***.');
    }
    await access({ parameters: { kubeconfig } });
    assert.equal(secrets.mask('token-of-a'), '***');
  });

  it('that lacks something says what, by words and never by its id', async () => {
    for (const [parts, message] of [
      [{}, 'holds no kubeconfig. Edit it and paste one.'],
      [{ parameters: { kubeconfig: ' \n' } }, 'holds no kubeconfig. Edit it and paste one.'],
      [{ data }, "holds no token. Edit it and paste the service account's Secret as JSON."],
      [
        { data, parameters: { apiToken: 'ä ö' } },
        "holds something else than a token. Edit it and paste the service account's Secret.",
      ],
      [{ data, parameters: account, url: '' }, "has no server URL. Edit it and set the API server's address."],
      [
        { data, parameters: { ...account, serviceAccountCertificate: 'x' } },
        "holds a certificate (ca.crt) that is not PEM in base64. Edit it and paste the service account's Secret.",
      ],
      [
        { data: { authorizationType: 'Certificate' } },
        "has the authorization type 'Certificate'. Supported are KubeConfig, Service Account and Azure Subscription; make the connection anew with one of these.",
      ],
    ] as const) {
      await assert.rejects(access(parts), { name: 'InputError', message: `${where} ${message}` });
    }
  });

  it('is called by its name where that is known, else by the input that names it', async () => {
    const nobody = { id, url: '', parameter: () => undefined, data: () => undefined };
    const maskSecret = () => undefined;
    await assert.rejects(accessFromServiceConnection({ ...nobody, name: 'prod' }, { maskSecret }), {
      message: /^The service connection 'prod' holds no kubeconfig/,
    });
    await assert.rejects(accessFromServiceConnection(nobody, { maskSecret, input: 'registryConnection' }), {
      message: /^The service connection of the input registryConnection holds no kubeconfig/,
    });
  });
});

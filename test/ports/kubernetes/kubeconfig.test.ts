import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../../lib/errors.ts';
import { SecretRegistry } from '../../../lib/ports/agent/secrets.ts';
import { accessFromKubeconfigFile, accessFromKubeconfigText } from '../../../lib/ports/kubernetes/kubeconfig.ts';
import { authority } from './stub-server.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const where = 'The service connection of the input kubernetesServiceConnection';
const { cert, key } = authority.issue('ci');

const document = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    { name: 'test', cluster: { server: 'https://test.example:6443/' } },
    { name: 'prod', cluster: { server: 'https://prod.example:6443' } },
  ],
  users: [
    { name: 'ci', user: { token: 'ci-token' } },
    { name: 'admin', user: { token: 'admin-token' } },
  ],
  contexts: [
    { name: 'test-ci', context: { cluster: 'test', user: 'ci' } },
    { name: 'prod-admin', context: { cluster: 'prod', user: 'admin', namespace: 'shop' } },
  ],
};

describe('the text of a kubeconfig', () => {
  const registry = () => new SecretRegistry();

  function read(
    content: object | string,
    options: { context?: string; secrets?: SecretRegistry; folder?: string } = {},
  ) {
    const { context, secrets = registry(), folder } = options;
    return accessFromKubeconfigText(typeof content === 'string' ? content : JSON.stringify(content), {
      where,
      maskSecret: (value) => secrets.add(value),
      ...(context !== undefined && { context }),
      ...(folder !== undefined && { folder }),
    });
  }
  const withUser = (user: unknown) => ({
    ...document,
    users: [{ name: 'ci', user }],
    'current-context': 'test-ci',
  });
  const withCluster = (cluster: unknown) => ({
    ...document,
    clusters: [{ name: 'test', cluster }],
    'current-context': 'test-ci',
  });

  describe('names its cluster', () => {
    it('by the context that is asked for, else by the current one', async () => {
      const asked = read({ ...document, 'current-context': 'test-ci' }, { context: 'prod-admin' });
      assert.deepEqual([asked.server, asked.namespace], ['https://prod.example:6443', 'shop']);
      assert.equal((await asked.credentials({ refresh: false })).authorization, 'Bearer admin-token');
      assert.equal(asked.identity, "user 'admin' of the service connection of the input kubernetesServiceConnection");
      const current = read({ ...document, 'current-context': 'test-ci' });
      assert.deepEqual([current.server, current.namespace], ['https://test.example:6443', undefined]);
    });

    it('by the only context, when none is said to be the current one', () => {
      const contexts = document.contexts.slice(1);
      assert.equal(read({ ...document, contexts }).server, 'https://prod.example:6443');
      assert.equal(read({ ...document, contexts, 'current-context': '' }).server, 'https://prod.example:6443');
    });

    it('by itself, when there is one cluster, one user and no context', async () => {
      const { contexts, ...rest } = document;
      assert.ok(contexts);
      const access = read({ ...rest, clusters: rest.clusters.slice(1), users: rest.users.slice(1) });
      assert.equal(access.server, 'https://prod.example:6443');
      assert.equal((await access.credentials({ refresh: false })).authorization, 'Bearer admin-token');
      assert.equal(read({ clusters: rest.clusters.slice(1), contexts: [] }).server, 'https://prod.example:6443');
      assert.throws(() => read(rest), { name: 'InputError', message: /several clusters or users and no context/ });
    });

    it('or else says which contexts there are', () => {
      assert.throws(() => read(document), {
        message: `${where} names no current context. Choose one of: test-ci, prod-admin.`,
      });
      assert.throws(() => read(document, { context: 'nope' }), {
        message: `${where} has no context 'nope'. It has: test-ci, prod-admin.`,
      });
      assert.throws(() => read({ ...document, 'current-context': 'old' }), {
        message: `${where} has no context 'old', which it names as its current one. It has: test-ci, prod-admin.`,
      });
    });
  });

  it('says of a user that is not there which there are, and takes none for nobody', async () => {
    const contexts = [{ name: 'c', context: { cluster: 'test', user: 'gone' } }];
    assert.throws(() => read({ ...document, contexts }), {
      message: `${where}: context 'c' names 'gone', which is not among its users: ci, admin.`,
    });
    const anonymous = read({ ...document, contexts: [{ name: 'c', context: { cluster: 'test' } }] });
    assert.deepEqual(await anonymous.credentials({ refresh: false }), {});
  });

  it('prefers what is embedded to files, as client-go does', () => {
    const cluster = {
      server: 'https://a',
      'certificate-authority': '/nowhere',
      'certificate-authority-data': base64(cert),
    };
    assert.equal(read(withCluster(cluster)).ca, cert);
  });

  it('says what is wrong, where it stands and how to put it right', () => {
    for (const [content, message] of [
      ['', /is not a kubeconfig: it is not YAML: .*empty/],
      ['hello', /is not a kubeconfig: it holds a string/],
      ['[1]', /it holds a list/],
      ['a: b: c', /is not YAML: .* \(line 1\)/],
      ['a: 1\n---\nb: 2', /is not a kubeconfig/],
      [{ kind: 'Deployment' }, /its kind is 'Deployment' and not 'Config'/],
      [{ clusters: 'x' }, /: clusters is a string and not a list\./],
      [{ ...document, contexts: ['x'] }, /: contexts\[0\] is a string and has no fields/],
      [
        { ...document, contexts: [{ name: 5 }, { name: 'b' }] },
        /: contexts\[0\]\.name is a number and not text\. Put it in quot/,
      ],
      [{ ...document, contexts: [{ name: 'c' }] }, /: contexts\[0\]\.context is missing\./],
      [{}, /names no cluster.*kubectl config view --flatten --minify/],
      [withCluster({}), /: clusters\[0\]\.cluster\.server is missing\./],
      [withCluster({ server: 7 }), /: clusters\[0\]\.cluster\.server is a number and not text/],
      [withCluster({ server: 'https://a', 'insecure-skip-tls-verify': 'yes' }), /neither true nor false/],
      [
        withCluster({ server: 'https://a', 'certificate-authority-data': base64('x') }),
        /certificate-authority-data is not PEM/,
      ],
      [withCluster({ server: 'https://a', 'proxy-url': 'socks5://p:1' }), /proxy-url is not the address of an http/],
      [withUser('x'), /: users\[0\]\.user is a string and has no fields/],
      [withUser({ token: ['a'] }), /: users\[0\]\.user\.token is a list and not text/],
      [withUser({ token: 'a\nb' }), /user\.token is not one word of ASCII, so it is no token/],
      [
        withUser({ 'client-certificate-data': base64(cert) }),
        /client-key-data is missing: a client certificate and its key/,
      ],
      [withUser({ exec: { apiVersion: 'client.authentication.k8s.io/v1' } }), /user\.exec\.command is missing\./],
      [withUser({ exec: { apiVersion: 'v9', command: 'x' } }), /exec\.apiVersion is 'v9'\. Supported are client\.auth/],
      [
        withUser({ exec: { command: 'x', apiVersion: 'client.authentication.k8s.io/v1', args: 'a' } }),
        /exec\.args is a string and not a list/,
      ],
      [
        withUser({ exec: { command: 'x', apiVersion: 'client.authentication.k8s.io/v1', env: [{}] } }),
        /exec\.env\[0\]\.name is missing/,
      ],
      [withUser({ 'auth-provider': { name: 'gcp' } }), /'gcp' is not supported\. Install gke-gcloud-auth-plugin/],
      [
        withUser({ 'auth-provider': { name: 'azure' } }),
        /'azure' is not supported\. Convert the kubeconfig with `kubelogin/,
      ],
      [withUser({ 'auth-provider': { name: 'oidc' } }), /'oidc' is not supported\. It needs a person who logs in/],
      [withUser({ 'auth-provider': { name: 'own' } }), /'own' is not supported\. Use a service account connection/],
    ] as const) {
      assert.throws(
        () => read(content),
        (error: Error) => {
          assert.equal(error.name, 'InputError', String(error.stack));
          assert.ok(error.message.startsWith(where), error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    }
  });

  it('takes no file from the folder that the task happens to run in', () => {
    const message =
      /names the file 'x\.pem', which is not there\. Files can be put into a kubeconfig by `kubectl config view --flatten --raw`/;
    assert.throws(() => read(withCluster({ server: 'https://a', 'certificate-authority': 'x.pem' })), { message });
    assert.throws(() => read(withUser({ 'client-key': 'x.pem' })), { message });
    assert.throws(() => read(withUser({ tokenFile: 'x.pem' })), { message });
    assert.throws(() => read(withUser({ 'client-key': '/no/such/x.pem' })), {
      message: /cannot be read: ENOENT.*--flatten/,
    });
  });

  it('does not run away with an alias bomb, ten megabytes or deep nesting', () => {
    const bomb = Array.from(
      { length: 40 },
      (_, index) => `a${index}: &a${index} [${`*a${index - 1},`.repeat(index && 9)}]`,
    );
    assert.throws(() => read(`${bomb.join('\n')}\nclusters: *a39`), InputError);
    assert.throws(() => read(`x: ${'y'.repeat(10 * 1024 * 1024)}`), { message: /is 11 MB long: no kubeconfig/ });
    assert.throws(() => read('['.repeat(100_000)), InputError);
  });

  it('whatever its shape leads to an access or to a message that names it', () => {
    const junk = fc.oneof(fc.jsonValue(), fc.constant(undefined));
    const shape = fc.record(
      {
        clusters: fc.oneof(junk, fc.array(fc.record({ name: junk, cluster: junk }))),
        users: fc.oneof(
          junk,
          fc.array(fc.record({ name: fc.constant('u'), user: fc.oneof(junk, fc.record({ exec: junk, token: junk })) })),
        ),
        contexts: fc.oneof(junk, fc.array(fc.record({ name: junk, context: junk }))),
        'current-context': junk,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(shape, junk), fc.boolean(), (content, complete) => {
        const text = complete && typeof content === 'object' ? { ...document, ...content } : (content ?? 'null');
        try {
          read(typeof text === 'string' ? text : JSON.stringify(text));
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
          assert.ok(error.message.startsWith(where), error.message);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('has all its secrets masked before anything is asked for, in every form in which a log may show them', () => {
    const shown = (secret: string) => [
      secret.trim(),
      base64(secret),
      Buffer.from(secret).toString('base64url'),
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      ...secret.split('\n').filter((line) => line.length > 3 && !line.startsWith('-----')),
    ];
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'login' };
    for (const [user, secrets] of [
      [{ token: 'tok?en/1234' }, ['tok?en/1234']],
      [{ username: 'ci', password: 'pässwörd"1' }, ['pässwörd"1', base64('ci:pässwörd"1')]],
      [{ 'client-certificate-data': base64(cert), 'client-key-data': base64(key) }, [key, base64(key)]],
      [{ exec: { ...exec, env: [{ name: 'AAD_CLIENT_SECRET', value: 'env-secret' }] } }, ['env-secret']],
      [
        { exec: { ...exec, args: ['--client-secret', 'arg-secret', '--password=other-secret'] } },
        ['arg-secret', 'other-secret'],
      ],
    ] as const) {
      const registered = registry();
      read(withUser(user), { secrets: registered });
      for (const secret of secrets) {
        for (const form of shown(secret)) {
          assert.ok(!registered.mask(`before ${form} after`).includes(form), `${form} of ${JSON.stringify(user)}`);
        }
      }
    }
    const registered = registry();
    read(withCluster({ server: 'https://a', 'proxy-url': 'http://me:prox%79pass@proxy:3128' }), {
      secrets: registered,
    });
    assert.equal(registered.mask('proxypass prox%79pass'), '*** ***');
  });

  it('does not blacken a log with the settings of a plugin', () => {
    const registered = registry();
    const env = [
      { name: 'AWS_PROFILE', value: 'production' },
      { name: 'AZURE_CLIENT_ID', value: 'app-of-shop' },
    ];
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'login', env, args: ['--region', 'europe'] };
    read(withUser({ exec }), { secrets: registered });
    assert.equal(registered.mask('production app-of-shop europe login'), 'production app-of-shop europe login');
  });
});

describe('the kubeconfig on the agent', () => {
  let folder: string;
  const maskSecret = () => undefined;
  const text = JSON.stringify({ ...document, 'current-context': 'test-ci' });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is the one that the input names, else KUBECONFIG, else ~/.kube/config', async () => {
    mkdirSync(join(folder, '.kube'));
    const content = (server: string) => JSON.stringify({ clusters: [{ name: 'c', cluster: { server } }] });
    writeFileSync(join(folder, '.kube', 'config'), content('https://home'));
    writeFileSync(join(folder, 'variable'), content('https://variable'));
    writeFileSync(join(folder, 'input'), content('https://input'));
    const home = { HOME: folder };
    const variable = { ...home, KUBECONFIG: [join(folder, 'none'), '', join(folder, 'variable')].join(delimiter) };
    const server = async (environment: Record<string, string>, file?: string) =>
      (await accessFromKubeconfigFile({ environment, maskSecret, ...(file && { file }) })).server;
    assert.equal(await server(home), 'https://home');
    assert.equal(await server(variable), 'https://variable');
    assert.equal(await server(variable, join(folder, 'input')), 'https://input');
  });

  it('has a context that the input names', async () => {
    const file = join(folder, 'config');
    writeFileSync(file, text);
    const access = await accessFromKubeconfigFile({ file, context: 'prod-admin', environment: {}, maskSecret });
    assert.equal(access.server, 'https://prod.example:6443');
    await assert.rejects(accessFromKubeconfigFile({ file, context: 'x', environment: {}, maskSecret }), {
      message: `The kubeconfig ${file} has no context 'x'. It has: test-ci, prod-admin.`,
    });
  });

  it('that cannot be read leads to a message for the input', async () => {
    const attempt = (file: string) => accessFromKubeconfigFile({ file, environment: {}, maskSecret });
    const big = join(folder, 'big');
    writeFileSync(big, Buffer.alloc(10 * 1024 * 1024, 'x'));
    for (const [file, message] of [
      [join(folder, 'none'), /none does not exist\. Set the input kubeconfig to a file on the agent/],
      [folder, /is a folder\. Name the file in it/],
      [join(big, 'below'), /below cannot be read: ENOTDIR/],
      [big, /is larger than 8 MB: no kubeconfig/],
    ] as const) {
      await assert.rejects(attempt(file), (error: InputError) => {
        assert.ok(error instanceof InputError, String(error));
        assert.match(error.message, message);
        assert.equal(error.problems[0]?.input, 'kubeconfig');
        return true;
      });
    }
    writeFileSync(join(folder, 'a'), text);
    writeFileSync(join(folder, 'b'), text);
    const environment = { KUBECONFIG: `${join(folder, 'a')}${delimiter}${join(folder, 'b')}` };
    await assert.rejects(accessFromKubeconfigFile({ environment, maskSecret }), {
      message: /KUBECONFIG names several files .* Set the input kubeconfig to the one to use/,
    });
  });

  it('may name a token file, which is read again', async () => {
    const content = {
      ...document,
      users: [{ name: 'ci', user: { tokenFile: 'token' } }],
      'current-context': 'test-ci',
    };
    writeFileSync(join(folder, 'config'), JSON.stringify(content));
    writeFileSync(join(folder, 'token'), 'one\n');
    const masked: string[] = [];
    const access = await accessFromKubeconfigFile({
      file: join(folder, 'config'),
      environment: {},
      maskSecret: (value) => masked.push(value),
    });
    assert.equal((await access.credentials({ refresh: false })).authorization, 'Bearer one');
    writeFileSync(join(folder, 'token'), 'two\n');
    assert.equal((await access.credentials({ refresh: true })).authorization, 'Bearer two');
    assert.deepEqual(masked, ['one', 'two']);
  });
});

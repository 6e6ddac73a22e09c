import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import { accessFromKubeconfigFile } from '../../../lib/ports/kubernetes/kubeconfig.ts';
import { tool } from '../../tools/index.ts';
import {
  answer,
  authority,
  cleanUp,
  direct,
  type Received,
  type StubServer,
  stranger,
  stubServer,
} from './stub-server.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const ca = base64(authority.cert);
const client = authority.issue('ci');
const other = authority.issue('other');
const plugin = (apiVersion: string, status: object) =>
  `#!/bin/sh\nprintf %s "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info.json"\nprintf '%s' '${JSON.stringify({ apiVersion, kind: 'ExecCredential', status })}'\n`;
const execV1 = 'client.authentication.k8s.io/v1';

interface Case {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
  readonly document?: object;
  readonly files?: Readonly<Record<string, string>>;
}

/** Kubeconfigs that kubectl itself is asked about: what it sends, or that it does not take them, is what is right. */
const cases: Readonly<Record<string, Case>> = {
  'a token': { user: { token: 'abc' } },
  'a token file beside the kubeconfig': { user: { tokenFile: 'token' }, files: { token: 'from-file\n' } },
  'a token and a token file': { user: { token: 'abc', tokenFile: 'token' }, files: { token: 'from-file' } },
  'a user name and password': { user: { username: 'ci', password: 'geheim' } },
  'a client certificate': {
    user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) },
  },
  'a client certificate in files': {
    user: { 'client-certificate': 'tls.crt', 'client-key': './tls.key' },
    files: { 'tls.crt': client.cert, 'tls.key': client.key },
  },
  'an authority in a file': {
    cluster: { 'certificate-authority-data': undefined, 'certificate-authority': 'ca.crt' },
    files: { 'ca.crt': authority.cert },
  },
  'another user who is impersonated': {
    user: {
      token: 'abc',
      as: 'deployer',
      'as-uid': '1-2',
      'as-groups': ['a', 'b'],
      'as-user-extra': { 'example.com/Reason': ['x', 'y'] },
    },
  },
  'groups to impersonate without a user': { user: { token: 'abc', 'as-groups': ['a'] } },
  'a user that is not there': { context: { user: 'nobody' } },
  'a cluster that is not there': { context: { cluster: 'nowhere' } },
  'a current context that is not there': { document: { 'current-context': 'nowhere' } },
  'a token that is a number': { user: { token: 123_456 } },
  'users that are no list': { document: { users: 'x' } },
  'a broken entry that no context names': {
    document: { clusters: [{ name: 'c' }, { name: 'broken', cluster: {} }] },
  },
  'another certificate name': { cluster: { 'tls-server-name': 'kubernetes.default' } },
  'an authority that is another one, and no verification': {
    cluster: { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true },
  },
  'an authority that is another one': { cluster: { 'certificate-authority-data': base64(stranger.cert) } },
  'a name that two users have': {
    document: {
      users: [
        { name: 'u', user: { token: 'one' } },
        { name: 'u', user: { token: 'two' } },
      ],
    },
  },
  'a plugin beside the kubeconfig': {
    user: { exec: { apiVersion: execV1, command: './bin/login', interactiveMode: 'Never' } },
    files: { 'bin/login': plugin(execV1, { token: 'from-plugin' }) },
  },
  'a plugin with arguments, a variable and the cluster’s own settings': {
    cluster: {
      'tls-server-name': 'kubernetes.default',
      extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'x', n: [1] } }],
    },
    user: {
      exec: {
        apiVersion: execV1,
        command: './login',
        args: ['a b', '$HOME'],
        env: [{ name: 'WHO', value: 'me' }],
        provideClusterInfo: true,
        interactiveMode: 'IfAvailable',
      },
    },
    files: {
      login: `#!/bin/sh\nprintf %s "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info.json"\nprintf '{"apiVersion":"${execV1}","kind":"ExecCredential","status":{"token":"%s-%s"}}' "$WHO" "$(printf %s "$1$2" | cksum | cut -d' ' -f1)"\n`,
    },
  },
  'a plugin that hands out a client certificate': {
    user: { exec: { apiVersion: execV1, command: './login', interactiveMode: 'Never' } },
    files: {
      login: plugin(execV1, { clientCertificateData: client.cert, clientKeyData: client.key }).replaceAll("'\\n", "'"),
    },
  },
  'a plugin and a token': {
    user: { token: 'abc', exec: { apiVersion: execV1, command: './login', interactiveMode: 'Never' } },
    files: { login: plugin(execV1, { token: 'from-plugin' }) },
  },
  'a plugin that answers in another version': {
    user: { exec: { apiVersion: execV1, command: './login', interactiveMode: 'Never' } },
    files: { login: plugin('client.authentication.k8s.io/v1beta1', { token: 'x' }) },
  },
  'a plugin that answers with a certificate without key': {
    user: { exec: { apiVersion: execV1, command: './login', interactiveMode: 'Never' } },
    files: { login: plugin(execV1, { clientCertificateData: other.cert }) },
  },
  'a plugin that answers nonsense': {
    user: { exec: { apiVersion: execV1, command: './login', interactiveMode: 'Never' } },
    files: { login: '#!/bin/sh\necho hello\n' },
  },
  'a plugin that fails': {
    user: { exec: { apiVersion: execV1, command: './login', interactiveMode: 'Never' } },
    files: { login: '#!/bin/sh\necho no session >&2\nexit 3\n' },
  },
  'a plugin that is not on the PATH but in the working directory': {
    user: { exec: { apiVersion: execV1, command: 'package.json', interactiveMode: 'Never' } },
  },
  'a plugin that wants a person': {
    user: { exec: { apiVersion: execV1, command: './login', interactiveMode: 'Always' } },
    files: { login: plugin(execV1, { token: 'x' }) },
  },
  'a plugin of a version that is gone': {
    user: {
      exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: './login', interactiveMode: 'Never' },
    },
    files: { login: plugin('client.authentication.k8s.io/v1alpha1', { token: 'x' }) },
  },
  'a plugin without command': { user: { exec: { apiVersion: execV1, interactiveMode: 'Never' } } },
  'a removed auth provider': { user: { 'auth-provider': { name: 'gcp', config: {} } } },
};

describe('a kubeconfig is read as kubectl reads it', function () {
  this.timeout(60_000);
  const opened = cleanUp();
  let server: StubServer;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
    server = await opened(
      stubServer((_request, response) => answer(response, { major: '1', minor: '36', gitVersion: 'v1.36.3' }), {
        requestCert: true,
        rejectUnauthorized: false,
      }),
    );
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write({ cluster, user, context, document, files = {} }: Case): string {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: 0o700 });
    }
    const target = { server: server.url, 'certificate-authority-data': ca, ...cluster };
    const content = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: target }],
      users: [{ name: 'u', user: user ?? { token: 'abc' } }],
      contexts: [{ name: 'main', context: { cluster: 'c', user: 'u', namespace: 'shop', ...context } }],
      'current-context': 'main',
      ...document,
    };
    for (const entry of content.clusters as { name: string; cluster?: object }[])
      if (entry.name === 'c') entry.cluster = target;
    const file = join(folder, 'config');
    writeFileSync(file, JSON.stringify(content));
    return file;
  }

  /** What tells who we are, and what a plugin was told. */
  function seen(request: Received | undefined) {
    const headers = Object.entries(request?.headers ?? {}).filter(([name]) =>
      /^(authorization|impersonate-)/.test(name),
    );
    return { headers: Object.fromEntries(headers), certificate: request?.client, path: request?.url };
  }

  /** Without a terminal, so that it cannot ask for a user name. */
  async function taken(file: string, env: NodeJS.ProcessEnv): Promise<'taken' | 'refused'> {
    const args = ['--kubeconfig', file, 'get', '--raw', '/version'];
    const running = promisify(execFile)(await tool('kubectl'), args, { env, timeout: 20_000 });
    running.child.stdin?.end();
    return running.then(
      () => 'taken',
      () => 'refused',
    );
  }

  function info(): unknown {
    try {
      return JSON.parse(readFileSync(join(folder, 'info.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  for (const [what, content] of Object.entries(cases)) {
    it(`with ${what}`, async () => {
      const file = write(content);
      const environment = { PATH: process.env['PATH'], HOME: folder };
      const kubectl = await taken(file, environment);
      const theirs = seen(server.received[0]);
      const told = info();
      server.received.length = 0;
      rmSync(join(folder, 'info.json'), { force: true });

      let problem: Error | undefined;
      try {
        const access = await accessFromKubeconfigFile({ file, environment, maskSecret: () => undefined });
        const kubernetes = await opened(connect(access, { network: direct, retryBudget: 0 }));
        await kubernetes.version();
      } catch (error) {
        problem = error as Error;
      }
      assert.equal(problem === undefined ? 'taken' : 'refused', kubectl, problem?.message);
      if (problem === undefined) {
        assert.deepEqual(seen(server.received[0]), theirs);
        assert.deepEqual(info(), told);
      } else {
        assert.match(problem.name, /^(InputError|NotPermittedError)$/);
        assert.ok(problem.message.includes(file) || problem.message.includes(server.url), problem.message);
      }
    });
  }
});

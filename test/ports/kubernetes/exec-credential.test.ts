import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type ExecConfig, type ExecOptions, execCredentials } from '../../../lib/ports/kubernetes/exec-credential.ts';

const v1 = 'client.authentication.k8s.io/v1';
const basic: ExecConfig = { command: './login', args: [], env: [], apiVersion: v1, provideClusterInfo: false };

describe('a credential plugin', () => {
  let folder: string;
  let masked: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plugin-'));
    masked = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function script(text: string, name = 'login'): string {
    const file = join(folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o700);
    return file;
  }

  /** Counts its runs in the file `runs`. */
  const says = (status: object) =>
    script(
      `echo run >> ${folder}/runs\nprintf '%s' '${JSON.stringify({ apiVersion: v1, kind: 'ExecCredential', status })}'`,
    );
  const runs = () => readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n').length;

  const options = (changes: Partial<ExecOptions> = {}): ExecOptions => ({
    where: 'The kubeconfig test',
    label: 'The kubeconfig test: users[0].user.exec',
    cluster: { server: 'https://api.test', skipTlsVerify: false },
    maskSecret: (value) => masked.push(value),
    environment: { PATH: process.env['PATH'] },
    folder,
    ...changes,
  });
  const credentials = (exec: Partial<ExecConfig> = {}, changes: Partial<ExecOptions> = {}) =>
    execCredentials({ ...basic, ...exec }, options(changes));

  it('is run once for many requests, and its token is masked before it is returned', async () => {
    says({ token: 'secret-token' });
    const get = credentials();
    const all = await Promise.all(Array.from({ length: 10 }, () => get({ refresh: false })));
    assert.ok(all.every(({ authorization }) => authorization === 'Bearer secret-token'));
    assert.equal(runs(), 1);
    assert.deepEqual(masked, ['secret-token']);
  });

  it('is run again after a refusal and when its credential expires, which is a minute early', async () => {
    const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
    says({ token: 'a', expirationTimestamp: inSeconds(3600) });
    const get = credentials();
    assert.ok((await get({ refresh: false })).expiresAt instanceof Date);
    await get({ refresh: false });
    assert.equal(runs(), 1);
    await get({ refresh: true });
    assert.equal(runs(), 2);
    says({ token: 'b', expirationTimestamp: inSeconds(-5) });
    await get({ refresh: true });
    await get({ refresh: false });
    assert.equal(runs(), 4);
  });

  it('may hand out a client certificate, whose key is masked', async () => {
    says({ clientCertificateData: 'CERT', clientKeyData: 'KEY' });
    assert.deepEqual(await credentials()({ refresh: false }), { cert: 'CERT', key: 'KEY' });
    assert.deepEqual(masked, ['KEY']);
  });

  it('is found on the PATH by a bare name: never in the working directory, nor by a relative entry of the PATH', async () => {
    script('echo from the path', 'bin/gitops-test-plugin');
    script(`touch ${folder}/hijacked`, 'checkout/gitops-test-plugin');
    script(`touch ${folder}/hijacked`, 'checkout/bin/gitops-test-plugin');
    const before = process.cwd();
    process.chdir(join(folder, 'checkout'));
    try {
      const PATH = ['', '.', './', 'bin'].join(delimiter);
      await assert.rejects(
        credentials({ command: 'gitops-test-plugin' }, { environment: { PATH } })({ refresh: false }),
        {
          name: 'InputError',
          message:
            /^The kubeconfig test asks for the credential plugin 'gitops-test-plugin', which this agent does not have\./,
        },
      );
      const found = credentials(
        { command: 'gitops-test-plugin' },
        { environment: { PATH: `.${delimiter}${join(folder, 'bin')}${delimiter}${process.env['PATH']}` } },
      );
      await assert.rejects(found({ refresh: false }), {
        message: /answered with something else than an ExecCredential/,
      });
      assert.equal(existsSync(join(folder, 'hijacked')), false);
    } finally {
      process.chdir(before);
    }
  });

  it('with a relative path needs a kubeconfig that is a file', async () => {
    says({ token: 'a' });
    const { folder: dropped, ...rest } = options();
    assert.ok(dropped);
    await assert.rejects(execCredentials(basic, rest)({ refresh: false }), {
      name: 'InputError',
      message: /users\[0\]\.user\.exec\.command is '\.\/login', a path relative to a kubeconfig that is no file/,
    });
  });

  it('tells its own hint when it is not there', async () => {
    await assert.rejects(
      credentials({ command: 'no-such-plugin', installHint: 'Get it from https://example.com.' })({ refresh: false }),
      { message: /which this agent does not have\. Get it from https:\/\/example\.com\.$/ },
    );
    await assert.rejects(credentials({ command: './gone' })({ refresh: false }), {
      name: 'InputError',
      message: /'\.\/gone', which this agent does not have/,
    });
    writeFileSync(join(folder, 'plain'), 'text');
    await assert.rejects(credentials({ command: './plain' })({ refresh: false }), { name: 'InputError' });
  });

  it('that fails is refused with the end of what it wrote', async () => {
    script('echo progress; echo "AADSTS700016: no such application" >&2; exit 7');
    await assert.rejects(credentials()({ refresh: false }), {
      name: 'NotPermittedError',
      message:
        "The credential plugin './login' of the kubeconfig test failed (exit code 7): AADSTS700016: no such application",
    });
  });

  it('that answers wrongly is refused, and its answer is not repeated', async () => {
    for (const [answer, problem] of [
      ['hunter2', /something else than an ExecCredential/],
      ['null', /something else than an ExecCredential/],
      ['{"kind":"ExecCredential","apiVersion":"v2","status":{"token":"hunter2"}}', /in API version 'v2'/],
      [`{"kind":"ExecCredential","apiVersion":"${v1}"}`, /without a token or certificate/],
      [`{"kind":"ExecCredential","apiVersion":"${v1}","status":{"clientKeyData":"hunter2"}}`, /but not both/],
      [`{"kind":"ExecCredential","apiVersion":"${v1}","status":{"token":"hunter2 x"}}`, /not one word of ASCII/],
      [`{"kind":"ExecCredential","apiVersion":"${v1}","status":{"token":5}}`, /without a token/],
    ] as const) {
      script(`printf '%s' '${answer}'`);
      await assert.rejects(credentials()({ refresh: false }), (error: Error) => {
        assert.equal(error.name, 'NotPermittedError');
        assert.match(error.message, problem);
        return !error.message.includes('hunter2');
      });
    }
  });

  it('is ended with the run, and leaves nothing behind', async () => {
    script(`echo $$ > ${folder}/pid\nsleep 60`);
    const abort = new AbortController();
    const running = assert.rejects(credentials()({ refresh: false, signal: abort.signal }), { name: 'CancelledError' });
    while (!existsSync(join(folder, 'pid')) || readFileSync(join(folder, 'pid'), 'utf8') === '') {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    abort.abort();
    await running;
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
});

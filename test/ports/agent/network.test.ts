import assert from 'node:assert/strict';
import { readNetworkSettings } from '../../../lib/ports/agent/network.ts';
import { variablesOf } from '../../../lib/ports/agent/variables.ts';

const noFile = (path: string): string => {
  throw new Error(`ENOENT: no such file or directory, open '${path}'`);
};

function read(
  variables: Record<string, string>,
  env: NodeJS.ProcessEnv = {},
  files: Record<string, string> = {},
): ReturnType<typeof readNetworkSettings> {
  return readNetworkSettings(variablesOf(variables), env, (path) => files[path] ?? noFile(path));
}

function bypasses(noProxy: string, url: string): boolean {
  const { settings } = read({}, { HTTPS_PROXY: 'http://p:1', NO_PROXY: noProxy });
  return settings.proxyBypass.some((pattern) => pattern.test(new URL(url).href));
}

describe('the network settings of the agent', () => {
  it('are a direct connection with the public authorities when nothing is set', () => {
    assert.deepEqual(read({}), {
      settings: { proxyBypass: [], skipCertValidation: false },
      warnings: [],
      secrets: [],
    });
  });

  it('keep the credentials of the proxy apart from its address, and have them masked', () => {
    const { settings, secrets } = read({
      'Agent.ProxyUrl': 'http://proxy.contoso.com:8080/',
      'Agent.ProxyUsername': 'svc',
      'Agent.ProxyPassword': 's3cret',
    });
    assert.equal(settings.proxyUrl, 'http://proxy.contoso.com:8080');
    assert.equal(settings.proxyUsername, 'svc');
    assert.equal(settings.proxyPassword, 's3cret');
    assert.deepEqual(secrets, ['s3cret', btoa('svc:s3cret')]);
  });

  it('take credentials out of an address that holds them', () => {
    const { settings, secrets } = read({ 'Agent.ProxyUrl': 'http://svc:p%40ss@proxy:8080' });
    assert.equal(settings.proxyUrl, 'http://proxy:8080');
    assert.equal(settings.proxyPassword, 'p@ss');
    assert.ok(secrets.includes('p@ss'));
  });

  it('read the bypass list as regular expressions without regard to case, and warn of those that are none', () => {
    const { settings, warnings } = read({
      'Agent.ProxyUrl': 'http://proxy:8080',
      'Agent.ProxyBypassList': JSON.stringify(['github\\.COM', '*.local', 'tfs']),
    });
    assert.deepEqual(settings.proxyBypass, [/github\.COM/i, /tfs/i]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /The entry \*\.local of the agent's proxy bypass list is left out/);
  });

  it('warn of a bypass list that is no list, and of a proxy that is none, without repeating its password', () => {
    const proxy = { 'Agent.ProxyUrl': 'http://proxy:8080' };
    assert.match(read({ ...proxy, 'Agent.ProxyBypassList': 'localhost' }).warnings[0] ?? '', /not a JSON array/);
    assert.match(read({ 'Agent.ProxyUrl': 'socks5://p:1080' }).warnings[0] ?? '', /only http:\/\/ and https:\/\//);
    const broken = read({ 'Agent.ProxyUrl': 'http://svc:hunter2@proxy:port' });
    assert.equal(broken.settings.proxyUrl, undefined);
    assert.match(broken.warnings[0] ?? '', /^Agent\.ProxyUrl is not a URL/);
    assert.doesNotMatch(broken.warnings[0] ?? '', /hunter2/);
  });

  it('hold the text of the certificates, and warn of a file that cannot be read', () => {
    const { settings, warnings, secrets } = read(
      {
        'Agent.CAInfo': '/etc/ca.pem',
        'Agent.ClientCert': '/etc/cert.pem',
        'Agent.ClientCertKey': '/etc/gone.pem',
        'Agent.ClientCertPassword': 'pass1',
        'Agent.SkipCertValidation': 'True',
      },
      {},
      { '/etc/ca.pem': 'CA', '/etc/cert.pem': 'CERT' },
    );
    assert.deepEqual(settings, {
      proxyBypass: [],
      ca: 'CA',
      clientCert: 'CERT',
      clientKeyPassphrase: 'pass1',
      skipCertValidation: true,
    });
    assert.match(warnings[0] ?? '', /The file that Agent\.ClientCertKey names cannot be read/);
    assert.deepEqual(secrets, ['pass1']);
  });
});

describe('the network settings of a machine by convention', () => {
  it('stand behind those of the agent', () => {
    const env = { HTTPS_PROXY: 'http://me:hunter2@machine:3128', NO_PROXY: 'localhost' };
    assert.equal(read({}, env).settings.proxyUrl, 'http://machine:3128');
    assert.equal(read({}, env).settings.proxyPassword, 'hunter2');
    assert.equal(read({ 'Agent.ProxyUrl': 'http://agent:8080' }, env).settings.proxyUrl, 'http://agent:8080');
    assert.deepEqual(read({ 'Agent.ProxyUrl': 'http://agent:8080' }, env).settings.proxyBypass, []);
    assert.equal(read({}, { https_proxy: 'machine:3128' }).settings.proxyUrl, 'http://machine:3128');
  });

  it('add the authorities that Node would have added itself', () => {
    const files = { '/a.pem': 'AGENT', '/b.pem': 'EXTRA' };
    assert.equal(read({}, { NODE_EXTRA_CA_CERTS: '/b.pem' }, files).settings.ca, 'EXTRA');
    assert.equal(
      read({ 'Agent.CAInfo': '/a.pem' }, { NODE_EXTRA_CA_CERTS: '/b.pem' }, files).settings.ca,
      'AGENT\nEXTRA',
    );
  });

  it('read NO_PROXY as curl and Go do: hosts, domains with all below, ports, and the star', () => {
    assert.ok(bypasses('*', 'https://anything'));
    for (const list of ['example.com', '.example.com', '*.example.com', 'x, example.com']) {
      assert.ok(bypasses(list, 'https://api.example.com/x'), list);
      assert.ok(!bypasses(list, 'https://badexample.com/'), list);
      assert.ok(!bypasses(list, 'https://example.com.evil.org/'), list);
      assert.ok(!bypasses(list, 'https://evil.org/example.com'), list);
    }
    assert.ok(bypasses('example.com', 'https://example.com:6443/'));
    assert.ok(bypasses('127.0.0.1:6443', 'https://127.0.0.1:6443/'));
    assert.ok(!bypasses('127.0.0.1:6443', 'https://127.0.0.1:6444/'));
    assert.ok(!bypasses('127.0.0.1', 'https://127x0x0x1/'));
    assert.ok(!bypasses('', 'https://example.com/'));
  });
});

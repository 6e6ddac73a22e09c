import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundleTask } from '../../../scripts/build/bundle.ts';
import { runtimes } from '../../../scripts/build/load-check.ts';
import { answer, authority, cleanUp, type StubServer, stubServer } from './stub-server.ts';

const root = resolve(import.meta.dirname, '../../..');

describe('the Kubernetes client in a bundle', function () {
  this.timeout(30_000);
  const opened = cleanUp();
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    await bundleTask({ root, entry: join(import.meta.dirname, 'probe-process.ts'), outDir: join(folder, 'out') });
  });
  after(() => rmSync(folder, { recursive: true }));

  /** A plugin in the kubeconfig, so that all there is runs. */
  function kubeconfig(server: StubServer): string {
    const apiVersion = 'client.authentication.k8s.io/v1';
    const credential = JSON.stringify({ apiVersion, kind: 'ExecCredential', status: { token: 'from-plugin' } });
    writeFileSync(join(folder, 'login'), `#!/bin/sh\nprintf '%s' '${credential}'\n`, { mode: 0o700 });
    const cluster = {
      server: server.url,
      'certificate-authority-data': Buffer.from(authority.cert).toString('base64'),
    };
    const content = {
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { exec: { apiVersion, command: './login', interactiveMode: 'Never' } } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    };
    const file = join(folder, 'config');
    writeFileSync(file, JSON.stringify(content));
    return file;
  }

  const { present } = runtimes(root);
  for (const { label, program } of [...present, { label: 'this Node', program: process.execPath }]) {
    it(`runs on ${label}, and ends by itself at once when it is cancelled`, async () => {
      const server = await opened(
        stubServer((request, response) => {
          assert.equal(request.headers.authorization, 'Bearer from-plugin');
          if (request.url === '/version') answer(response, { gitVersion: 'v1.36.3' });
          if (request.url.includes('watch=1')) response.writeHead(200).flushHeaders();
        }),
      );
      const child = spawn(program, [join(folder, 'out', 'main.mjs'), kubeconfig(server)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output = { out: '', err: '' };
      child.stdout.on('data', (text) => {
        output.out += text;
      });
      child.stderr.on('data', (text) => {
        output.err += text;
      });
      const closed = once(child, 'close');
      // The version, the watch, and as many requests as there are connections.
      while (server.received.length < 34 && child.exitCode === null) await new Promise((done) => setTimeout(done, 5));
      const started = Date.now();
      child.kill('SIGTERM');
      const [code] = await closed;
      assert.deepEqual({ code, ...output }, { code: 0, out: 'v1.36.3\ncancelled\n', err: '' });
      assert.ok(Date.now() - started < 2000, `${Date.now() - started} ms`);
    });
  }
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { nodeVersions, type RunOptions, runTask } from './index.ts';
import { useTempFolder } from './temp-folder.ts';

const sample = (name: string) => fileURLToPath(new URL(`./samples/${name}`, import.meta.url));

interface Seen {
  readonly env: Record<string, string>;
  readonly args: string[];
  readonly cwd: string;
  readonly version: string;
}

describe('A task that is run', () => {
  const temp = useTempFolder();

  async function see(options: Omit<RunOptions, 'taskFolder'> = {}): Promise<Seen> {
    const run = await runTask({
      taskFolder: sample('environment'),
      outputDirectory: path.join(temp.folder, 'output'),
      // The sample attaches its whole environment, secrets too.
      without: ['secret-in-upload'],
      ...options,
    });
    return JSON.parse(readFileSync(run.attachments[0]?.path ?? '', 'utf8')) as Seen;
  }

  function checkout(name: string): string {
    const folder = path.join(temp.folder, name);
    mkdirSync(folder);
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', folder, '-c', 'user.name=Grace', '-c', 'user.email=g@example.com', ...args]);
    git('init', '-q', '-b', 'main');
    writeFileSync(path.join(folder, 'web.yaml'), 'kind: List\n');
    git('add', '.');
    git('commit', '-q', '-m', 'First');
    return folder;
  }

  const head = (folder: string) => execFileSync('git', ['-C', folder, 'rev-parse', 'HEAD']).toString().trim();

  it('sees a clean environment: nothing of the shell but the PATH', async () => {
    process.env['OF_THE_SHELL'] = 'leaks';
    try {
      const { env } = await see();
      assert.equal(env['OF_THE_SHELL'], undefined);
      assert.ok(env['PATH'] !== undefined && !env['PATH'].includes('node_modules'));
      assert.equal(env['TF_BUILD'], 'True');
      assert.notEqual(env['HOME'], process.env['HOME']);
    } finally {
      delete process.env['OF_THE_SHELL'];
    }
  });

  it('gets every declared input, empty ones too, under a name with blanks replaced', async () => {
    const { env } = await see({ inputs: { 'my input': ' $(greeting) ' }, variables: { greeting: 'hello' } });
    assert.equal(env['INPUT_ACTION'], 'sync');
    assert.equal(env['INPUT_MY_INPUT'], 'hello');
    assert.equal(env['INPUT_CLUSTER'], '');
    assert.equal(env['INPUT_NAME'], 'web');
  });

  it('gets public variables by name and secret ones apart', async () => {
    const { env } = await see({ variables: { 'my.own name': 'x' }, secretVariables: { 'my.password': 'hunter22' } });
    assert.equal(env['MY_OWN_NAME'], 'x');
    assert.equal(env['SECRET_MY_PASSWORD'], 'hunter22');
    assert.equal(env['MY_PASSWORD'], undefined);
    assert.ok((JSON.parse(env['VSTS_PUBLIC_VARIABLES'] ?? '') as string[]).includes('my.own name'));
    assert.ok((JSON.parse(env['VSTS_SECRET_VARIABLES'] ?? '') as string[]).includes('my.password'));
    assert.deepEqual(
      [env['agent.jobstatus'] ?? env['Agent.JobStatus'], env['AGENT_JOBSTATUS']],
      ['Succeeded', 'Succeeded'],
    );
  });

  it("gets a connection that a connectedService input names, with the agent's system connection", async () => {
    const id = '0B1C2D3E-0000-4000-8000-00000000ABCD';
    const { env } = await see({
      connections: {
        cluster: {
          id,
          type: 'kubernetes',
          url: 'https://cluster.example:6443',
          scheme: 'Token',
          parameters: { apiToken: 'dG9rZW4tb2YtdGhlLWFjY291bnQ=', 'a.b c': 'd' },
          data: { authorizationType: 'ServiceAccount' },
        },
      },
      systemConnection: { url: 'http://localhost:9/contoso/', token: 'the-token-of-the-job' },
    });
    const key = id.toLowerCase();
    assert.equal(env['INPUT_CLUSTER'], key);
    assert.equal(env[`ENDPOINT_URL_${key}`], 'https://cluster.example:6443/');
    assert.deepEqual(JSON.parse(env[`ENDPOINT_AUTH_${key}`] ?? ''), {
      scheme: 'Token',
      parameters: { apiToken: 'dG9rZW4tb2YtdGhlLWFjY291bnQ=', 'a.b c': 'd' },
    });
    assert.equal(env[`ENDPOINT_AUTH_SCHEME_${key}`], 'Token');
    assert.equal(env[`ENDPOINT_AUTH_PARAMETER_${key}_APITOKEN`], 'dG9rZW4tb2YtdGhlLWFjY291bnQ=');
    assert.equal(env[`ENDPOINT_AUTH_PARAMETER_${key}_A_B_C`], 'd');
    assert.deepEqual(JSON.parse(env[`ENDPOINT_DATA_${key}`] ?? ''), { authorizationType: 'ServiceAccount' });
    assert.equal(env[`ENDPOINT_DATA_${key}_AUTHORIZATIONTYPE`], 'ServiceAccount');
    assert.equal(env['ENDPOINT_URL_SYSTEMVSSCONNECTION'], 'http://localhost:9/contoso/');
    assert.equal(env['ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN'], 'the-token-of-the-job');
    assert.equal(env['ENDPOINT_DATA_SYSTEMVSSCONNECTION'], undefined);
  });

  it('gets no connection whose id stands in a plain input', async () => {
    const id = '0b1c2d3e-0000-4000-8000-00000000abcd';
    const { env } = await see({
      inputs: { name: id, cluster: '' },
      connections: { cluster: { id, url: 'https://cluster.example' } },
    });
    assert.deepEqual(
      Object.keys(env).filter((name) => name.includes(id)),
      [],
    );
  });

  it('is refused, as the server refuses it, when it names a connection that is not there or of another type', async () => {
    const id = '0b1c2d3e-0000-4000-8000-00000000abcd';
    await assert.rejects(
      see({ inputs: { cluster: id } }),
      /service connection "0b1c.*" was not given|names the service connection/,
    );
    await assert.rejects(
      see({ connections: { cluster: { type: 'azurerm', url: 'https://x' } } }),
      /type "kubernetes", not "azurerm"/,
    );
    await assert.rejects(see({ connections: { name: { url: 'https://x' } } }), /no connectedService input/);
    await assert.rejects(see({ connections: { cluster: { id: 'x', url: 'https://x' } } }), /no GUID/);
  });

  it('gets secure files by their input, and task variables', async () => {
    const id = 'aaaaaaaa-0000-4000-8000-00000000abcd';
    const { env } = await see({
      secureFiles: { certificate: { id, name: 'ca.pem', ticket: 'ticket-of-the-file' } },
      taskVariables: { 'left.over': 'x' },
    });
    assert.equal(env['INPUT_CERTIFICATE'], id);
    assert.equal(env[`SECUREFILE_NAME_${id}`], 'ca.pem');
    assert.equal(env[`SECUREFILE_TICKET_${id}`], 'ticket-of-the-file');
    assert.equal(env['VSTS_TASKVARIABLE_LEFT_OVER'], 'x');
  });

  it('finds first on the PATH what was put there last', async () => {
    const { env } = await see({ prependPath: ['/first', '/last'], environment: { PATH: '/usr/bin' } });
    assert.equal(env['PATH'], '/last:/first:/usr/bin');
  });

  it("is told of the agent's proxy and certificates", async () => {
    const { env } = await see({
      network: {
        proxyUrl: 'http://proxy.example:3128',
        proxyUsername: 'me',
        proxyPassword: 'proxy-password',
        proxyBypass: ['.*\\.internal'],
        caFile: '/etc/ca.pem',
        skipCertValidation: true,
      },
    });
    assert.equal(env['AGENT_PROXYURL'], 'http://proxy.example:3128');
    assert.equal(env['AGENT_PROXYBYPASSLIST'], '[".*\\\\.internal"]');
    assert.equal(env['SECRET_AGENT_PROXYPASSWORD'], 'proxy-password');
    assert.equal(env['AGENT_CAINFO'], '/etc/ca.pem');
    assert.equal(env['AGENT_SKIPCERTVALIDATION'], 'True');
  });

  it('is one argument of node, away from the repository, in the working directory', async () => {
    const workdir = path.join(temp.folder, 'work dir');
    mkdirSync(workdir);
    const { args, cwd, env } = await see({ workdir });
    assert.equal(args.length, 1);
    assert.match(args[0] ?? '', /_tasks\/SampleEnvironment_8a5d3c1e-.*\/2\.3\.4\/main\.mjs$/);
    assert.ok(!args[0]?.startsWith(process.cwd()));
    assert.equal(cwd, workdir);
    assert.equal(env['SYSTEM_DEFAULTWORKINGDIRECTORY'], workdir);
  });

  it('in a build stands in the checkout and is told its commit', async () => {
    const workdir = checkout('repository');
    const { env } = await see({ workdir, inputs: { path: 'k8s' } });
    assert.equal(env['SYSTEM_HOSTTYPE'], 'build');
    assert.equal(env['BUILD_SOURCESDIRECTORY'], workdir);
    assert.equal(env['BUILD_SOURCEVERSION'], head(workdir));
    assert.equal(env['BUILD_SOURCEBRANCH'], 'refs/heads/main');
    assert.equal(env['INPUT_MANIFESTS'], path.join(workdir, 'k8s'));
    assert.equal(env['SECRET_SYSTEM_ACCESSTOKEN'], env['ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN']);
  });

  it('of several checkouts roots its paths at the working directory instead of the repository', async () => {
    const repositoryPath = checkout('repository');
    const one = await see({ workdir: temp.folder, repositoryPath, inputs: { path: 'k8s' } });
    assert.equal(one.env['INPUT_MANIFESTS'], path.join(repositoryPath, 'k8s'));
    const several = await see({
      workdir: temp.folder,
      repositoryPath,
      multipleCheckouts: true,
      inputs: { path: 'k8s' },
    });
    assert.equal(several.env['INPUT_MANIFESTS'], path.join(temp.folder, 'k8s'));
  });

  it('in a classic release stands above its artifacts, whose Git clones it is told of', async () => {
    const artifact = checkout('_config');
    const { env, cwd } = await see({ host: 'release', workdir: temp.folder, inputs: { path: '_config/k8s' } });
    assert.equal(env['SYSTEM_HOSTTYPE'], 'release');
    assert.equal(cwd, temp.folder);
    assert.equal(env['SYSTEM_ARTIFACTSDIRECTORY'], temp.folder);
    assert.equal(env['RELEASE_PRIMARYARTIFACTSOURCEALIAS'], '_config');
    assert.equal(env['RELEASE_ARTIFACTS__CONFIG_SOURCEVERSION'], head(artifact));
    assert.equal(env['INPUT_MANIFESTS'], path.join(artifact, 'k8s'));
    assert.equal(env['BUILD_SOURCESDIRECTORY'], undefined);
    assert.equal(env['SECRET_SYSTEM_ACCESSTOKEN'], undefined);
  });

  it('loses a variable of the host that the test takes away', async () => {
    const { env } = await see({ variables: { 'build.repository.uri': undefined, 'Build.BuildId': '7' } });
    assert.equal(env['BUILD_REPOSITORY_URI'], undefined);
    assert.equal(env['BUILD_BUILDID'], '7');
  });

  for (const node of nodeVersions) {
    it(`runs on Node ${node}`, async () => {
      const expected = { '20': /^v20\.20\./, '24': /^v24\./, '20-oldest': /^v20\.18\.1$/ }[node];
      assert.match((await see({ node })).version, expected);
    });
  }

  describe('by azure-pipelines-task-lib', () => {
    async function bundle(): Promise<string> {
      const folder = path.join(temp.folder, 'task');
      mkdirSync(folder);
      writeFileSync(path.join(folder, 'task.json'), readFileSync(path.join(sample('task-lib'), 'task.json')));
      await build({
        entryPoints: [path.join(sample('task-lib'), 'main.ts')],
        outfile: path.join(folder, 'main.mjs'),
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node20',
        logLevel: 'error',
        banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
      });
      return folder;
    }

    for (const node of ['20-oldest', '24'] as const) {
      it(`is understood in all that it sends, on Node ${node}`, async () => {
        const run = await runTask({
          taskFolder: await bundle(),
          node,
          inputs: { message: 'careful; 100% [sure]\nreally' },
          connections: {
            cluster: {
              url: 'https://cluster.example:6443',
              scheme: 'Token',
              parameters: { apiToken: 'dG9rZW4tb2YtdGhlLWFjY291bnQ=' },
            },
          },
          variables: { 'my.own variable': 'mine' },
          secretVariables: { 'my.secret': 'hunter22' },
          outputDirectory: path.join(temp.folder, 'output'),
        });
        assert.equal(run.result, 'SucceededWithIssues');
        assert.equal(run.exitCode, 0);
        assert.deepEqual(run.issues, [
          { type: 'warning', message: 'careful; 100% [sure]\nreally' },
          { type: 'warning', message: 'with issues' },
        ]);
        assert.deepEqual(run.outputVariables, { outcome: 'applied; 100% [all]\nof it' });
        assert.deepEqual(run.variables, { later: '***' });
        assert.deepEqual(run.progress[0], { percent: 40, text: 'half-way; 100% [sure]' });
        assert.equal(readFileSync(run.summaries[0]?.path ?? '', 'utf8'), '# Done\n');
        assert.deepEqual(
          run.testResults.map((file) => path.basename(file)),
          ['report; 1%.xml'],
        );
        assert.match(run.log, /^https:\/\/cluster\.example:6443\/ by \*\*\*$/m);
        assert.match(run.log, /^own variables: mine, \*\*\*$/m);
        assert.equal(run.node.folder, node === '24' ? 'node24' : 'node20_1');
      });
    }
  });

  it("may leave the agent's folder, so that paths in its output stay valid, but not the copy of itself", async () => {
    const outputDirectory = path.join(temp.folder, 'output');
    const kept = await see({ outputDirectory, keepAgentFolder: true });
    const gone = await see({ outputDirectory });
    const temps = [kept, gone].map(({ env }) => env['AGENT_TEMPDIRECTORY'] ?? '');
    assert.deepEqual(
      temps.map((folder) => existsSync(folder)),
      [true, false],
    );
    assert.ok(temps[0]?.startsWith(outputDirectory));
    assert.equal(existsSync(kept.args[0] ?? ''), false);
  });

  it('needs no node_modules: nothing of the repository is found from where it runs', async () => {
    const folder = path.join(temp.folder, 'task');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'task.json'), readFileSync(path.join(sample('environment'), 'task.json')));
    writeFileSync(path.join(folder, 'main.mjs'), "import 'azure-pipelines-task-lib/task.js';\n");
    assert.doesNotThrow(() => createRequire(import.meta.url).resolve('azure-pipelines-task-lib/task.js'));
    const run = await runTask({ taskFolder: folder, expectViolations: true });
    assert.match(run.log, /ERR_MODULE_NOT_FOUND/);
    assert.equal(run.result, 'Failed');
  });
});

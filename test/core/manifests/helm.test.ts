import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tool } from '../../tools/index.ts';
import { chartRepository } from './support/chart-repository.ts';
import { packaged, under, webChart } from './support/charts.ts';
import { digestOf, registry } from './support/registry.ts';
import { codes, names, places, removeWorkspaces, type Workspace, workspace } from './support/workspace.ts';

/** An object as JSON, whose fields a test knows. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the chart above renders.
type AnyObject = any;

const login = { username: 'robot', password: 'correct horse battery staple' };

for (const version of ['helm', 'helm4'] as const) {
  describe(`loadManifests with ${version === 'helm' ? 'Helm 3' : 'Helm 4'}`, function () {
    this.timeout(120_000);
    let programs: { helm: string };
    before(async () => {
      programs = { helm: await tool(version) };
    });
    after(removeWorkspaces);

    const load = async (space: Workspace, source: object, context: object = {}) =>
      await space.load({ manifests: ['charts/web'], ...source }, { programs, ...context });
    const problems = async (space: Workspace, source: object, context: object = {}) =>
      await space.problems({ manifests: ['charts/web'], ...source }, { programs, ...context });
    const field = (result: Awaited<ReturnType<typeof load>>, kind: string): AnyObject => {
      const found = result.manifests.find(({ object }) => object.kind === kind);
      assert.ok(found, `no ${kind} was rendered`);
      return JSON.parse(JSON.stringify(found.object));
    };

    describe('a chart in the checkout', () => {
      it('is rendered with the release, the namespace and the versions of the cluster; its tests are left out', async () => {
        const space = workspace(under('charts/web', webChart('web')));
        const result = await load(
          space,
          { releaseName: 'shop', namespace: 'shop-prod' },
          { cluster: { kubernetesVersion: 'v1.31.4', apiVersions: ['v1', 'monitoring.coreos.com/v1/ServiceMonitor'] } },
        );
        assert.equal(result.kind, 'helm');
        assert.equal(result.renderer.name, 'helm');
        assert.match(result.renderer.version ?? '', version === 'helm' ? /^v3\./ : /^v4\./);
        assert.deepEqual(names(result).sort(), ['Deployment shop-web', 'Service web']);
        assert.equal(field(result, 'Deployment').metadata['namespace'], 'shop-prod');
        assert.deepEqual(field(result, 'Service').metadata['annotations'], {
          'kube-version': 'v1.31.4',
          'has-monitor': 'true',
        });
        assert.deepEqual(space.leftovers(), []);
      });

      it('takes the versions of the inputs before those of the cluster', async () => {
        const space = workspace(under('charts/web', webChart('web')));
        const result = await load(
          space,
          { kubernetesVersion: '1.29.0', apiVersions: ['monitoring.coreos.com/v1/ServiceMonitor'] },
          { cluster: { kubernetesVersion: 'v1.31.4', apiVersions: [] } },
        );
        assert.deepEqual(field(result, 'Service').metadata['annotations'], {
          'kube-version': 'v1.29.0',
          'has-monitor': 'true',
        });
      });

      it('tells file and line where the template writes an object of that kind once, and only the file otherwise', async () => {
        const space = workspace(
          under(
            'charts/web',
            webChart('web', '1.0.0', {
              'templates/many.yaml':
                '{{- range list "a" "b" }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ . }}\n{{- end }}\n',
              'templates/two.yaml':
                '{{ $x := 1 }}\napiVersion: v1\nkind: Secret\nmetadata: {name: s1}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s2}\n',
              'templates/generated.yaml':
                '{{ dict "apiVersion" "v1" "kind" "ServiceAccount" "metadata" (dict "name" "x") | toYaml }}\n',
              'crds/all.yaml':
                '# both\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.x.io}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: b.x.io}\n',
            }),
          ),
        );
        const result = await load(space, {});
        const origins = Object.fromEntries(
          result.manifests.map(({ object, origin }) => [object.metadata.name, `${origin.file}:${origin.line ?? '-'}`]),
        );
        assert.deepEqual(origins, {
          'release-web': 'charts/web/templates/deployment.yaml:2',
          web: 'charts/web/templates/service.yaml:1',
          a: 'charts/web/templates/many.yaml:3',
          b: 'charts/web/templates/many.yaml:3',
          s1: 'charts/web/templates/two.yaml:-',
          s2: 'charts/web/templates/two.yaml:-',
          x: 'charts/web/templates/generated.yaml:-',
          'a.x.io': 'charts/web/crds/all.yaml:3',
          'b.x.io': 'charts/web/crds/all.yaml:7',
        });
      });

      it('refuses any other hook, and names the annotation', async () => {
        const hook =
          'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    helm.sh/hook: pre-install,pre-upgrade\nspec: {}\n';
        const space = workspace(under('charts/web', webChart('web', '1.0.0', { 'templates/job.yaml': hook })));
        const found = await problems(space, {});
        assert.deepEqual(codes(found), ['hook']);
        assert.deepEqual(places(found), ['charts/web/templates/job.yaml:1']);
        assert.match(
          found[0]?.message ?? '',
          /Job\.batch migrate has the annotation `helm\.sh\/hook: pre-install,pre-upgrade`/,
        );
      });

      it("shows helm's own words when a template fails", async () => {
        const space = workspace(
          under(
            'charts/web',
            webChart('web', '1.0.0', { 'templates/bad.yaml': '{{ required "set .Values.host" .Values.host }}' }),
          ),
        );
        const [problem] = await problems(space, {});
        assert.match(problem?.message ?? '', /`helm template` of `charts\/web` ended with exit code 1:/);
        assert.match(problem?.message ?? '', /set \.Values\.host/);
      });

      it('does not leave the checkout by a symbolic link', async () => {
        const space = workspace(under('charts/web', webChart('web')));
        const { symlinkSync } = await import('node:fs');
        symlinkSync('/etc/hostname', `${space.root}/charts/web/templates/leak.yaml`);
        const found = await problems(space, {});
        assert.deepEqual(codes(found), ['outside-working-directory']);
        assert.deepEqual(places(found), ['charts/web/templates/leak.yaml']);
      });
    });

    describe('values', () => {
      it('come from files in their order and then from overrides, whose text means nothing to helm', async () => {
        const space = workspace({
          ...under('charts/web', webChart('web')),
          'a.yaml': 'replicas: 2\nimage: {tag: a}\n',
          'b.yaml': 'image: {tag: b}\n',
        });
        const tag = '1,args={x},{a},"q"\\n$(id) ##vso[task.complete]: #';
        const result = await load(space, { valueFiles: ['a.yaml', './b.yaml'], overrides: [`image.tag=${tag}`] });
        const spec = field(result, 'Deployment')['spec'] as never as {
          replicas: number;
          template: { spec: { containers: [{ image: string; args: string[] }] } };
        };
        assert.equal(spec.replicas, 2);
        const withFilesOnly = await load(space, { valueFiles: ['a.yaml', './b.yaml'] });
        assert.equal(
          (field(withFilesOnly, 'Deployment')['spec'] as never as typeof spec).template.spec.containers[0].image,
          'web:b',
        );
        assert.deepEqual(spec.template.spec.containers[0].args, ['one', 'two']);
      });

      it('of overrides are text, as with --set-string, and reach into lists and names with dots', async () => {
        const echo =
          'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: echo\ndata:\n  values: {{ toJson .Values | quote }}\n';
        const space = workspace({
          ...under('charts/web', webChart('web', '1.0.0', { 'templates/echo.yaml': echo })),
          'v.yaml': 'args: [one, two]\nkeep: {x: 1}\n',
        });
        const result = await load(space, {
          valueFiles: ['v.yaml'],
          overrides: ['args[1]=2', 'keep.y=yes', 'a\\.b.c=d=e', 'empty=', 'list[1].name=x'],
        });
        const values = JSON.parse(field(result, 'ConfigMap').data.values);
        assert.deepEqual(values['args'], ['one', '2']);
        assert.deepEqual(values['keep'], { x: 1, y: 'yes' });
        assert.deepEqual(values['a.b'], { c: 'd=e' });
        assert.equal(values['empty'], '');
        assert.deepEqual(values['list'], [null, { name: 'x' }]);
      });

      it('that are wrong are named with their input, all at once', async () => {
        const space = workspace(under('charts/web', webChart('web')));
        const found = await problems(space, {
          releaseName: 'Shop_1',
          valueFiles: ['nope.yaml', '../x.yaml', 'charts'],
          overrides: ['no-equals-sign', 'a..b=1', '=x'],
        });
        assert.deepEqual(
          found.map(({ input }) => input),
          ['overrides', 'overrides', 'overrides', 'valueFiles', 'valueFiles', 'valueFiles', 'releaseName'],
        );
      });
    });

    describe('dependencies', () => {
      const library = {
        'Chart.yaml': 'apiVersion: v2\nname: common\nversion: 0.3.0\n',
        'templates/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: common}\n',
      };
      const withDependency = (repository: string, lock: boolean) => ({
        ...under('charts/web', webChart('web')),
        'charts/web/Chart.yaml': `apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n  - name: common\n    version: 0.3.0\n    repository: ${repository}\n`,
        ...(lock ? { 'charts/web/Chart.lock': lockFor(repository) } : {}),
      });

      it('in a folder of the checkout are built in a copy; the checkout stays as it is', async () => {
        const space = workspace({ ...withDependency('file://../common', false), ...under('charts/common', library) });
        const result = await load(space, {});
        assert.deepEqual(names(result).sort(), ['ConfigMap common', 'Deployment release-web', 'Service web']);
        assert.deepEqual(result.manifests.find(({ object }) => object.kind === 'ConfigMap')?.origin, {
          file: 'charts/common/templates/cm.yaml',
          line: 1,
        });
        const { existsSync } = await import('node:fs');
        assert.equal(existsSync(`${space.root}/charts/web/charts`), false);
        assert.deepEqual(space.leftovers(), []);
      });

      it('from a repository need a Chart.lock', async () => {
        const space = workspace(withDependency('https://charts.example.com', false));
        const found = await problems(space, {});
        assert.deepEqual(codes(found), ['chart-lock-missing']);
        assert.deepEqual(places(found), ['charts/web/Chart.yaml']);
      });

      it('by the name of a repository that only one machine knows are refused', async () => {
        const found = await problems(workspace(withDependency('"@mine"', true)), {});
        assert.deepEqual(codes(found), ['chart-dependency']);
      });

      it('from a repository and from a registry are fetched with the login of the connection', async () => {
        const archive = await packaged('common', '0.3.0', library);
        const http = await chartRepository([archive], login);
        const oci = await registry([archive], login);
        try {
          for (const [server, repository] of [
            [http.host, `http://${http.host}`],
            [oci.host, `oci://${oci.host}/charts`],
          ] as const) {
            const space = workspace(withDependency(repository, true));
            const result = await load(space, {}, { registryLogin: { server, ...login } });
            assert.deepEqual(
              names(result).sort(),
              ['ConfigMap common', 'Deployment release-web', 'Service web'],
              repository,
            );
            assert.deepEqual(space.leftovers(), []);
            assert.ok(space.masked.includes(login.password));
          }
        } finally {
          await Promise.all([http.close(), oci.close()]);
        }
      });
    });

    describe('a chart that is not in Git', () => {
      it('is fetched from a registry with the login, verified by the digest of its manifest or its archive, and rendered', async () => {
        const archive = await packaged('web', '1.2.3', webChart('web', '1.2.3'));
        const server = await registry([archive], login);
        try {
          const reference = `oci://${server.host}/charts/web`;
          for (const chartDigest of [server.manifestDigest('web'), digestOf(archive.archive)]) {
            const space = workspace({ 'home/.keep': '' });
            const home = `${space.root}/home`;
            const result = await load(
              space,
              { manifests: [reference], chartVersion: '1.2.3', chartDigest },
              {
                registryLogin: { server: `https://${server.host}/v2/`, ...login },
                environment: { PATH: process.env['PATH'], HOME: home, HELM_CONFIG_HOME: home },
              },
            );
            assert.deepEqual(readdirSync(home), ['.keep'], 'no login and no cache stays with the user');
            assert.deepEqual(names(result).sort(), ['Deployment release-web', 'Service web']);
            assert.deepEqual(result.manifests.map(({ origin }) => origin.file).sort(), [
              `${reference}/templates/deployment.yaml`,
              `${reference}/templates/service.yaml`,
            ]);
            assert.deepEqual(space.leftovers(), []);
          }
        } finally {
          await server.close();
        }
      });

      it('is fetched from a repository with the login, verified by the digest of the archive, and rendered', async () => {
        const archive = await packaged('web', '1.2.3', webChart('web', '1.2.3'));
        const server = await chartRepository([archive], login);
        try {
          const source = {
            manifests: ['web'],
            chartRepository: `http://${server.host}`,
            chartVersion: '1.2.3',
            chartDigest: digestOf(archive.archive),
          };
          const result = await load(workspace(), source, { registryLogin: { server: server.host, ...login } });
          assert.deepEqual(names(result).sort(), ['Deployment release-web', 'Service web']);
        } finally {
          await server.close();
        }
      });

      it('is refused when it is not what was pinned, and nothing is rendered', async () => {
        const archive = await packaged('web', '1.2.3', webChart('web', '1.2.3'));
        const [http, oci] = await Promise.all([chartRepository([archive]), registry([archive])]);
        const chartDigest = `sha256:${'0'.repeat(64)}`;
        try {
          for (const source of [
            { manifests: [`oci://${oci.host}/charts/web`] },
            { manifests: ['web'], chartRepository: `http://${http.host}` },
          ]) {
            const found = await problems(workspace(), { ...source, chartVersion: '1.2.3', chartDigest });
            assert.deepEqual(codes(found), ['chart-digest']);
            assert.equal(found[0]?.input, 'chartDigest');
            assert.match(found[0]?.message ?? '', new RegExp(digestOf(archive.archive)));
          }
        } finally {
          await Promise.all([http.close(), oci.close()]);
        }
      });

      it('is refused when a registry lies about its digest', async () => {
        const archive = await packaged('web', '1.2.3', webChart('web', '1.2.3'));
        const chartDigest = `sha256:${'0'.repeat(64)}`;
        const server = await registry([archive], undefined, chartDigest);
        try {
          const manifests = [`oci://${server.host}/charts/web`];
          const found = await problems(workspace(), { manifests, chartVersion: '1.2.3', chartDigest });
          assert.equal(found.length, 1);
          assert.match(String(found[0]?.code), /^(?:helm-failed|chart-digest)$/);
        } finally {
          await server.close();
        }
      });

      it('must be pinned by version and digest', async () => {
        for (const chartVersion of [undefined, '^1.2.0', '1.2', '*', 'latest', '1.2.3 || 2.0.0']) {
          const found = await problems(workspace(), {
            manifests: ['oci://127.0.0.1:1/charts/web'],
            ...(chartVersion === undefined ? {} : { chartVersion }),
          });
          assert.deepEqual(
            found.map(({ input }) => input),
            ['chartVersion', 'chartDigest'],
            chartVersion,
          );
        }
      });

      it('does not get the login of another server', async () => {
        const archive = await packaged('web', '1.2.3', webChart('web', '1.2.3'));
        const server = await registry([archive], login);
        try {
          const space = workspace();
          const found = await problems(
            space,
            {
              manifests: [`oci://${server.host}/charts/web`],
              chartVersion: '1.2.3',
              chartDigest: server.manifestDigest('web'),
            },
            { registryLogin: { server: 'registry.example.com', ...login } },
          );
          assert.deepEqual(codes(found), ['helm-failed']);
          assert.ok(server.requests.length > 0);
          assert.deepEqual([...new Set(server.requests.map(({ user }) => user))], [undefined]);
          assert.match(space.logged.join('\n'), /registry\.example\.com, so it is not used/);
        } finally {
          await server.close();
        }
      });

      it('is not fetched over plain HTTP, nor from an address with a password', async () => {
        const pin = { manifests: ['web'], chartVersion: '1.2.3', chartDigest: `sha256:${'0'.repeat(64)}` };
        for (const chartRepository of ['http://charts.example.com', 'https://me:secret@charts.example.com', 'charts']) {
          const found = await problems(workspace(), { ...pin, chartRepository });
          assert.deepEqual(codes(found), ['repository-url'], chartRepository);
          assert.doesNotMatch(found[0]?.message ?? '', /secret/);
        }
      });
    });
  });
}

/** The digest is as Helm's `resolver.HashReq` makes it: of what Chart.yaml asks for and what is locked. */
function lockFor(repository: string): string {
  const dependency = { name: 'common', version: '0.3.0', repository };
  const digest = digestOf(Buffer.from(JSON.stringify([[dependency], [dependency]])));
  return JSON.stringify({ dependencies: [dependency], digest, generated: '2026-01-01T00:00:00Z' });
}

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import type { Connection } from '../agent/index.ts';
import type { ClusterUser } from '../cluster/index.ts';
import { createAuthority } from '../ports/network/certificates.ts';
import { type Deployment, type Run, useRig } from './rig.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('GitOpsSync reaches the cluster', function () {
  this.timeout(60_000);
  const rig = useRig();
  let shop: Deployment;

  before(async () => {
    shop = await rig.deployment();
  });

  it('by a Kubernetes service connection that holds a service account', async () => {
    const mine = await rig.deployment();
    await mine.client.create(mine.path('serviceaccounts'), {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'deployer' },
    });
    await allow(mine, { kind: 'ServiceAccount', name: 'deployer', namespace: mine.namespace });
    const answer = await mine.client.create(mine.path('serviceaccounts/deployer/token'), {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    });
    const { token } = answer['status'] as { token: string };
    const connection = (type: string): Connection => ({
      url: rig.cluster.server,
      scheme: 'Token',
      parameters: { apiToken: base64(token), serviceAccountCertificate: base64(rig.cluster.ca) },
      data: { authorizationType: type },
    });
    for (const type of ['ServiceAccount', 'AzureSubscription']) {
      const run = await mine.run({
        connections: { kubernetesServiceConnection: connection(type) },
        sensitiveValues: [token],
      });
      assert.notEqual(run.result, 'Failed');
    }
    assert.notEqual(await mine.find('configmaps/config'), undefined);
  });

  it('by a kubeconfig on the agent: the variable KUBECONFIG, a path, and a context of it', async () => {
    const kubeconfig = load(await readFile(rig.cluster.kubeconfig, 'utf8')) as {
      'current-context': string;
      contexts: { name: string; context: object }[];
    };
    const context = kubeconfig['current-context'];
    kubeconfig.contexts.push({ name: 'elsewhere', context: { cluster: 'missing', user: 'missing' } });
    const file = join(rig.folder, 'contexts.kubeconfig');
    await writeFile(file, dump({ ...kubeconfig, 'current-context': 'elsewhere' }));
    const run = (inputs: Record<string, string>, environment: Record<string, string> = {}) =>
      shop.run({ inputs: { connectionType: 'kubeconfig', ...inputs }, environment });

    assert.equal((await run({}, { KUBECONFIG: rig.cluster.kubeconfig })).result, 'Succeeded');
    assert.equal((await run({ kubeconfig: file, kubeContext: context })).result, 'Succeeded');
    await Promise.all([
      run({}, { KUBECONFIG: file }).then((wrong) => fails(wrong, /elsewhere|missing/)),
      run({ kubeconfig: file, kubeContext: 'nonsense' }).then((wrong) => fails(wrong, /nonsense.*elsewhere/s)),
      run({}).then((none) => fails(none, /No kubeconfig: .* does not exist\. Set the input kubeconfig/)),
    ]);
  });

  it('from inside of it only on an agent that runs in a Pod, and says so', async () => {
    fails(
      await shop.run({ inputs: { connectionType: 'inCluster' } }),
      /connectionType is inCluster, but this agent does not run in a Pod.*kubernetesServiceConnection/,
    );
  });
});

describe('GitOpsSync without a way to the cluster fails, and says what to do:', function () {
  this.timeout(60_000);
  const rig = useRig();
  let shop: Deployment;

  /** Begun early, because it takes a while to give up on a server that does not answer. */
  let unreachable: Promise<[Run, Run]>;
  let closedUrl: string;

  before(async () => {
    shop = await rig.deployment();
    closedUrl = `https://127.0.0.1:${await freePort()}`;
    const unknownUrl = 'https://cluster.invalid:6443';
    unreachable = Promise.all([runBy(connection({ url: closedUrl })), runBy(connection({ url: unknownUrl }))]);
    unreachable.catch(() => undefined);
  });

  const connection = (more: Partial<Connection> & { readonly token?: string; readonly ca?: string }): Connection => ({
    url: rig.cluster.server,
    scheme: 'Token',
    parameters: {
      apiToken: base64(more.token ?? rig.cluster.token),
      serviceAccountCertificate: base64(more.ca ?? rig.cluster.ca),
    },
    data: { authorizationType: 'ServiceAccount' },
    ...(more.url && { url: more.url }),
    ...(more.parameters && { parameters: more.parameters }),
    ...(more.data && { data: more.data }),
  });
  const runBy = (own: Connection) => shop.run({ connections: { kubernetesServiceConnection: own } });

  it('its certificate is of another authority', async () => {
    const run = await runBy(connection({ ca: createAuthority('Somebody else').cert }));
    fails(run, /certificate.*(authority|CA)/is);
    assert.ok(run.durationMs < 15_000, 'it is not tried again and again');
  });

  it('the token has expired', async () => {
    const user = rig.cluster.user(`late-${randomBytes(4).toString('hex')}`, [], -60_000);
    fails(await runBy(connection({ token: user.token })), /401|expired|Unauthorized/i, 'forbidden');
  });

  it('the connection is of another kind', async () => {
    const registry = { username: 'ada', password: 'a-password-of-a-registry', registry: 'https://registry.example' };
    const text = { kubeconfig: 'apiVersion: v1\nkind: Config\nclusters: []\n' };
    const wrong: [Partial<Connection>, RegExp][] = [
      [{ parameters: registry, data: {} }, /service connection .*holds no kubeconfig.*paste/],
      [{ data: { authorizationType: 'Magic' } }, /'Magic'.*Supported are/],
      [{ parameters: {} }, /holds no token/],
      [{ parameters: text, data: {} }, /names no cluster.*kubectl config view/],
    ];
    await Promise.all(wrong.map(async ([own, says]) => fails(await runBy(connection(own)), says)));
  });

  it('the identity may do nothing at all', async () => {
    const user = rig.cluster.user(`nobody-${randomBytes(4).toString('hex')}`);
    const run = await runBy(connection({ token: user.token }));
    fails(run, /may not|cannot|forbidden/i, 'forbidden');
    assert.match(run.log, /configmaps/);
    assert.match(run.log, /Next: Give the identity of the connection the permissions that the errors name/);
  });

  it('the identity may not make one of the kinds: nothing is made, and the message names verb, kind and namespace', async () => {
    const mine = await rig.deployment({
      'deploy/account.yaml': '{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}\n',
      'deploy/config.yaml': '{apiVersion: v1, kind: ConfigMap, metadata: {name: config}}\n',
    });
    const user = rig.cluster.user(`some-${randomBytes(4).toString('hex')}`);
    await allow(mine, userSubject(user), [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['*'] },
      { apiGroups: [''], resources: ['*'], verbs: ['get', 'list'] },
    ]);
    const run = await mine.run({ connections: { kubernetesServiceConnection: connection({ token: user.token }) } });
    fails(
      run,
      /cannot patch resource "serviceaccounts".*in the namespace.*Give the identity of the connection the verbs/s,
      'forbidden',
    );
    assert.equal(run.issues.find(({ type }) => type === 'error')?.sourcePath, 'deploy/account.yaml');
    assert.equal(await mine.find('configmaps/config'), undefined);
  });

  it('with rights in its namespace only it does everything that needs no more', async () => {
    const mine = await rig.deployment();
    const user = rig.cluster.user(`team-${randomBytes(4).toString('hex')}`);
    await allow(mine, userSubject(user));
    const run = await mine.run({ connections: { kubernetesServiceConnection: connection({ token: user.token }) } });
    assert.notEqual(run.result, 'Failed');
    assert.equal(run.outputVariables['outcome'], 'applied');
  });

  it('nothing answers at its address, or nobody knows its name', async () => {
    const [refused, unknown] = await unreachable;
    fails(refused, new RegExp(`${closedUrl}.*(refused|reach)`, 's'), 'connectionLost');
    fails(unknown, /cluster\.invalid/, 'connectionLost');
    assert.ok(refused.durationMs < 30_000, `it took ${refused.durationMs} ms`);
  });
});

function fails(run: Run, says: RegExp, outcome?: string): void {
  assert.equal(run.result, 'Failed');
  assert.equal(run.exitCode, 0);
  const messages = run.issues.filter(({ type }) => type === 'error').map(({ message }) => message);
  assert.ok(
    messages.some((message) => says.test(message)),
    `an error says ${says}:\n${messages.join('\n')}`,
  );
  if (outcome !== undefined) assert.equal(run.outputVariables['outcome'], outcome);
}

/** Gives somebody rights in the deployment's namespace; by default all. */
async function allow(
  deployment: Deployment,
  subject: object,
  rules: readonly object[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const apiVersion = `${group}/v1`;
  await deployment.client.create(deployment.path('roles', apiVersion), {
    apiVersion,
    kind: 'Role',
    metadata: { name: 'deployer' },
    rules,
  });
  await deployment.client.create(deployment.path('rolebindings', apiVersion), {
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name: 'deployer' },
    roleRef: { apiGroup: group, kind: 'Role', name: 'deployer' },
    subjects: [subject],
  });
}

function userSubject(user: ClusterUser): object {
  return { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user.name };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

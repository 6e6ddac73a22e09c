import assert from 'node:assert/strict';
import { configMap, failingPod, type Run, useRig, yaml } from './rig.ts';

const password = 'correct-horse-battery-staple-7391';
const next = 'tr0ub4dor-and-three-more-words-2846';
const byHand = 'changed-by-hand-secret-5177';
const key =
  '-----BEGIN PRIVATE KEY-----\nTUlJRXZRSUJBREFOQmdrcWhraUc5dzBC\nQVFFRkFBU0NCS2N3Z2dTakFnRUFBb0lC\n-----END PRIVATE KEY-----\n';
const lines = key.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
const base64 = (text: string) => Buffer.from(text).toString('base64');
const sensitiveValues = [password, next, byHand, ...lines, ...[password, next, byHand, key].map(base64)];

const secret = (name: string, data: Record<string, string>, more: object = {}) =>
  yaml({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data, ...more });

describe('GitOpsSync shows no value of a Secret', function () {
  this.timeout(60_000);
  const rig = useRig();

  const shows = (run: Run) => {
    const found = sensitiveValues.filter((value) => run.everything.includes(value));
    assert.deepEqual(found, [], 'neither log, reports nor variables hold it');
    return run;
  };

  it('when it makes, compares, corrects and deletes it', async () => {
    const shop = await rig.deployment({
      'deploy/config.yaml': configMap('config'),
      'deploy/db.yaml': secret('db', { password, key }),
    });
    const values = async () => (await shop.find('secrets/db'))?.['data'];
    const run = async (action: string, inputs: Record<string, string> = {}) =>
      shows(await shop.run({ action, sensitiveValues, debug: true, inputs }));
    assert.equal((await run('plan')).outputVariables['outcome'], 'planHasChanges');
    assert.equal((await run('sync')).outputVariables['outcome'], 'applied');
    assert.deepEqual(await values(), { password: base64(password), key: base64(key) }, 'the values themselves arrive');
    assert.equal((await run('sync')).outputVariables['outcome'], 'noChanges');

    await shop.client.patch(`${shop.path('secrets/db')}?fieldManager=kubectl-edit`, {
      stringData: { password: byHand, added: byHand },
    });
    const drift = await run('drift');
    assert.equal(drift.outputVariables['outcome'], 'driftDetected');
    assert.match(drift.log, /data\.password/, 'that it differs is told');
    await shop.merge({ 'deploy/db.yaml': secret('db', { password: next, key }) });
    assert.match((await run('plan')).log, /data\.password/);
    assert.equal((await run('sync')).result, 'Succeeded');
    assert.deepEqual(await values(), { password: base64(next), key: base64(key) });
    await shop.merge({ 'deploy/db.yaml': null });
    assert.equal((await run('sync')).outputVariables['pruned'], '1');
  });

  it('when the server refuses it, and its message repeats the value', async () => {
    const shop = await rig.deployment({
      'deploy/tls.yaml': secret('tls', { 'tls.crt': password }, { type: 'kubernetes.io/tls' }),
      'deploy/docker.yaml': secret(
        'docker',
        { '.dockerconfigjson': `{"auths": ${password}` },
        { type: 'kubernetes.io/dockerconfigjson' },
      ),
      'deploy/ssh.yaml': secret('ssh', { [password]: '' }, { type: 'kubernetes.io/ssh-auth' }),
    });
    const run = shows(
      await shop.run({ sensitiveValues: sensitiveValues.filter((value) => value !== password), debug: true }),
    );
    assert.equal(run.result, 'Failed');
    for (const name of ['tls', 'docker', 'ssh']) assert.match(run.log, new RegExp(`Secret \\S+/${name}`));
  });

  it('when its manifest is wrong', async () => {
    const start = 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n';
    const wrong = {
      'not-base64': secret('a', {}, { data: { password } }),
      list: secret('b', {}, { data: { password: [password] } }),
      nested: secret('c', {}, { stringData: { password: { nested: password } } }),
      indented: `${start}stringData:\n  password: ${password}\n   broken: ${next}\n`,
      twice: `${start}stringData:\n  a: ${password}\n  a: ${next}\n`,
      text: `${start}stringData: "${password}"\n`,
      binary: `${start}data:\n  a: !!binary "${password} *"\n`,
    };
    const shop = await rig.deployment(
      Object.fromEntries(Object.entries(wrong).map(([name, text]) => [`deploy/${name}.yaml`, text])),
    );
    const run = shows(await shop.run({ sensitiveValues, debug: true }));
    assert.equal(run.result, 'Failed');
    assert.equal(run.outputVariables['outcome'], 'invalidInput');
    for (const name of Object.keys(wrong))
      assert.ok(
        run.issues.some(({ sourcePath }) => sourcePath === `deploy/${name}.yaml`),
        name,
      );
  });

  it('when a container repeats it in its log before it fails', async () => {
    const pod = failingPod('login', `cannot log in with ${password}`);
    const shop = await rig.deployment({ 'deploy/db.yaml': secret('db', { password }), 'deploy/pod.yaml': pod });
    const run = shows(await shop.run({ sensitiveValues }));
    assert.equal(run.outputVariables['outcome'], 'healthFailed');
    assert.match(run.log, /Last lines of container main/);
  });

  it('and neither the token of its connections', async () => {
    const shop = await rig.deployment();
    const run = await shop.run({ debug: true });
    for (const token of [rig.cluster.token, rig.azureDevOps.token]) assert.ok(!run.everything.includes(token));
  });
});

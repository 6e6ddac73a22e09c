import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { configMap, type Deployment, type Run, useRig } from './rig.ts';

const execute = promisify(execFile);
const git = (folder: string, ...args: string[]) =>
  execute('git', ['-c', 'user.name=Eve', '-c', 'user.email=eve@example.com', '-C', folder, ...args]);

describe('GitOpsSync deploys only what was merged', function () {
  this.timeout(60_000);
  const rig = useRig();
  /** One repository for all: nothing of it may ever reach the cluster but what `main` has. */
  let shop: Deployment;
  let feature: string;

  before(async () => {
    shop = await rig.deployment({ 'deploy/config.yaml': configMap('config') });
    await shop.git('checkout', '--quiet', '-b', 'feature');
    feature = await shop.commit({ 'deploy/config.yaml': configMap('config', { color: 'feature' }) }, 'Not merged');
    await shop.git('push', '--quiet', 'origin', 'feature', `${feature}:refs/pull/12/merge`);
    await shop.git('checkout', '--quiet', 'main');
  });

  const color = async () => (await shop.find('configmaps/config'))?.['data'];
  const refused = async (run: Run, message: RegExp) => {
    assert.equal(run.result, 'Failed');
    assert.equal(run.exitCode, 0);
    assert.equal(run.outputVariables['outcome'], 'invalidInput');
    assert.match(run.issues.find(({ type }) => type === 'error')?.message ?? '', message);
    assert.notDeepEqual(await color(), { color: 'feature' });
  };

  it('from a checkout of depth 1', async () => {
    const workdir = await shop.checkout();
    assert.equal((await git(workdir, 'rev-parse', '--is-shallow-repository')).stdout.trim(), 'true');
    const run = await shop.run({ workdir });
    assert.equal(run.result, 'Succeeded');
    assert.deepEqual(await color(), { color: 'blue' });
  });

  it('and no commit of a branch', async () => {
    const workdir = await shop.checkout('feature');
    const run = await shop.run({ workdir, variables: { 'Build.SourceBranch': 'refs/heads/feature' } });
    await refused(run, /Commit [0-9a-f]{10} \(refs\/heads\/feature\) is not in the branch main.*Merge it first/);
    const forced = await shop.run({ workdir, inputs: { protectedBranch: 'missing' } });
    await refused(forced, /has no branch missing\. Set the input protectedBranch/);
  });

  it('and no pull request, though its merge commit exists', async () => {
    const workdir = await shop.checkout('refs/pull/12/merge');
    const variables = { 'Build.SourceBranch': 'refs/pull/12/merge', 'System.PullRequest.PullRequestId': '12' };
    const [sync, plan] = await Promise.all([
      shop.run({ workdir, variables }),
      shop.run({ workdir, variables, action: 'plan' }),
    ]);
    await refused(sync, /pull request 12, which is not merged yet.*action plan/);
    assert.equal(plan.result, 'Succeeded');
    assert.equal(plan.outputVariables['outcome'], 'planHasChanges');
  });

  it('and nothing that was changed in the checkout after it was made', async () => {
    const workdir = await shop.checkout();
    await writeFile(join(workdir, 'deploy/config.yaml'), configMap('config', { color: 'feature' }));
    await refused(
      await shop.run({ workdir }),
      /The checkout differs from its commit in 1 file \(deploy\/config\.yaml\)/,
    );
  });

  it('whatever the checkout itself says of its branches', async () => {
    const workdir = await shop.checkout('feature');
    for (const ref of ['refs/heads/main', 'refs/remotes/origin/main']) await git(workdir, 'update-ref', ref, feature);
    await git(workdir, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
    await refused(await shop.run({ workdir }), /is not in the branch main/);

    const evil = join(rig.folder, 'evil.git');
    await git(rig.folder, 'clone', '--quiet', '--bare', shop.repository.folder, evil);
    await git(evil, 'update-ref', 'refs/heads/main', feature);
    await git(workdir, 'config', `url.file://${evil}.insteadOf`, shop.repository.url);
    await refused(await shop.run({ workdir }), /is not in the branch main/);
    await git(workdir, 'config', 'remote.origin.url', `file://${evil}`);
    const variables = { 'Build.Repository.Uri': shop.repository.url };
    await refused(await shop.run({ workdir, variables }), /is not the repository of this run/);
    await rm(evil, { recursive: true });
  });

  it('and no older commit than the deployed one, unless allowOlder is set', async () => {
    const old = await shop.git('rev-parse', 'main');
    await shop.merge({ 'deploy/config.yaml': configMap('config', { color: 'green' }) });
    await shop.run();
    const workdir = await shop.checkout(old);
    const run = await shop.run({ workdir });
    assert.equal(run.result, 'Failed');
    assert.equal(run.outputVariables['outcome'], 'olderCommit');
    assert.match(run.issues[0]?.message ?? '', /is older than the deployed one.*set the input allowOlder.*revert/);
    assert.deepEqual(await color(), { color: 'green' });
    assert.equal((await shop.run({ workdir, inputs: { allowOlder: 'true' } })).result, 'Succeeded');
    assert.deepEqual(await color(), { color: 'blue' });
  });

  it('unless allowUnmerged is set for development, which is said', async () => {
    const mine = await rig.deployment();
    await mine.git('checkout', '--quiet', '-b', 'feature');
    await mine.commit({ 'deploy/config.yaml': configMap('config', { color: 'feature' }) }, 'Not merged');
    await mine.git('push', '--quiet', 'origin', 'feature');
    const run = await mine.run({ workdir: await mine.checkout('feature'), inputs: { allowUnmerged: 'true' } });
    assert.equal(run.outputVariables['outcome'], 'applied');
    assert.match(run.issues[0]?.message ?? '', /allowUnmerged is set/);
  });

  it('by its own branch main where a repository has no remote, which is said', async () => {
    const mine = await rig.deployment();
    await mine.git('remote', 'remove', 'origin');
    // Not cloned by the agent: a folder that a step of the job made, or a laptop.
    const local = { workdir: mine.clone, variables: { 'Build.Repository.Uri': undefined } };
    const run = await mine.run(local);
    assert.equal(run.result, 'Succeeded');
    assert.match(run.log, /has no remote, so its own branch main decides/);
    await mine.git('checkout', '--quiet', '-b', 'topic');
    await mine.commit({ 'deploy/config.yaml': configMap('config', { color: 'feature' }) }, 'Not merged');
    await refused(await mine.run(local), /is not in the branch main/);
  });

  it('and nothing outside of a repository', async () => {
    const run = await shop.run({ workdir: rig.folder, inputs: { manifests: '.' } });
    await refused(run, /Git/);
  });
});

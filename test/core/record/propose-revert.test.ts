import assert from 'node:assert/strict';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProposedRevert, proposeRevert, type RevertProposal } from '../../../lib/core/record/propose-revert.ts';
import { pullRequests } from '../../../lib/ports/azure-devops/pull-requests.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { newRepository, temporaryFolder, type WorkRepository } from '../../ports/git/work-repository.ts';

const NETWORK = { proxyBypass: [], skipCertValidation: false };
const LINES = Array.from({ length: 20 }, (_, index) => `line ${index}`);
/** A text of 20 lines in which some are others. */
const lines = (changed: Readonly<Record<number, string>> = {}) =>
  `${LINES.map((line, index) => changed[index] ?? line).join('\n')}\n`;

describe('a revert that is proposed in Git', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: AzureDevOps;
  let served: ServedRepository;
  let work: WorkRepository;
  let count = 0;

  before(async () => {
    temp = await temporaryFolder();
    service = await startAzureDevOps();
  });
  beforeEach(async () => {
    count += 1;
    served = await service.addRepository(`shop-${count}`, { pushable: true });
    work = await newRepository(join(temp.folder, `work-${count}`));
    await work.commit('first', { 'app/a.yaml': lines(), 'app/b.yaml': 'b\n', 'other/c.yaml': 'c\n' });
  });
  after(async () => {
    await service.stop();
    await temp.remove();
  });
  afterEach(async () => {
    service.forgetFailures();
    service.assertValid();
    const left = (await readdir(temp.folder)).filter((name) => !name.startsWith('work-'));
    assert.deepEqual(left, [], 'nothing is left behind');
  });

  const push = () => work.git('push', '--quiet', served.folder, 'main');
  const propose = (commit: string, more: Partial<RevertProposal> = {}) =>
    proposeRevert({
      access: { url: served.url, token: service.token, network: NETWORK, tempDirectory: temp.folder },
      azure: { project: service.project.id, repository: served.id },
      pullRequests: pullRequests({
        collectionUrl: service.collectionUrl,
        token: service.token,
        network: NETWORK,
        retry: { delay: 1 },
      }),
      commit,
      targetBranch: 'main',
      set: { name: 'shop', environment: 'production' },
      outcome: 'healthFailed',
      reason: 'Deployment web is not *healthy*.',
      runUrl: 'https://dev.azure.com/contoso/shop/_build/results?buildId=7',
      ...more,
    });
  const made = (result: ProposedRevert) => (result.proposed ? result : assert.fail(result.message));
  const tree = (ref: string) => served.git('rev-parse', `${ref}^{tree}`);
  /** What `git revert` itself makes of it. */
  const original = async (...args: string[]) => {
    await work.git('checkout', '--quiet', '--detach', 'main');
    await work.git('revert', '--no-edit', ...args);
    const result = await work.git('rev-parse', 'HEAD^{tree}');
    await work.git('checkout', '--quiet', 'main');
    return result;
  };

  it('is a branch from the head of the deployed one and a pull request into it', async () => {
    const bad = await work.commit('Break *it*', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await push();
    const { branch, pullRequest, message } = made(await propose(bad));
    assert.equal(branch, `gitops/revert-${bad.slice(0, 10)}`);
    assert.equal(await served.git('rev-parse', `${branch}~1`), bad);
    assert.equal(await served.git('rev-parse', 'main'), bad, 'the deployed branch is as it was');
    assert.equal(await tree(branch), await tree(`${bad}~1`));
    const stored = service.pullRequests.find((one) => one.pullRequestId === pullRequest?.id) ?? assert.fail();
    assert.deepEqual([stored.sourceRefName, stored.targetRefName], [`refs/heads/${branch}`, 'refs/heads/main']);
    assert.equal(stored.title, `Revert ${bad.slice(0, 10)} "Break *it*"`);
    assert.match(
      stored.description ?? '',
      /\[The run\]\(https:\/\/dev\.azure\.com\/contoso\/shop\/_build\/results\?buildId=7\)/,
    );
    assert.match(stored.description ?? '', /`healthFailed`: Deployment web is not \\\*healthy\\\*\./);
    assert.match(message, new RegExp(`Pull request ${pullRequest?.id} was opened`));
    assert.match(await served.git('log', '-1', '--format=%B', branch), new RegExp(`^GitOps-Reverts: ${bad}$`, 'm'));
  });

  it('takes back all that a merge brought, as git revert --mainline 1 does', async () => {
    await work.git('checkout', '--quiet', '-b', 'change');
    await work.commit('one', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await work.commit('two', { 'app/new.yaml': 'new\n' });
    await work.git('checkout', '--quiet', 'main');
    await work.commit('meanwhile', { 'other/c.yaml': 'changed\n' });
    await work.git('merge', '--quiet', '--no-ff', '-m', 'Merged PR 7', 'change');
    const merge = await work.git('rev-parse', 'HEAD');
    await push();
    assert.equal(await tree(made(await propose(merge)).branch), await original('-m', '1', merge));
  });

  it('keeps what came after the commit, in other files and in other lines of the same file', async () => {
    await work.write('app/gone.yaml', 'gone\n');
    await work.commit('more', { 'app/gone.yaml': 'gone\n' });
    await work.git('rm', '--quiet', 'app/gone.yaml');
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }), 'app/new.yaml': 'new\n' });
    await work.commit('later', { 'app/a.yaml': lines({ 3: 'bad', 15: 'later' }), 'other/c.yaml': 'later\n' });
    await push();
    const { branch } = made(await propose(bad));
    assert.equal(await tree(branch), await original(bad));
    assert.equal(await served.git('show', `${branch}:app/a.yaml`), lines({ 15: 'later' }).trim());
    assert.equal(await served.git('show', `${branch}:app/gone.yaml`), 'gone');
  });

  it('keeps bytes, the executable bit and links as git revert does', async () => {
    const binary = Buffer.from([0, 255, 254, 13, 10, 0, 200]);
    await writeFile(join(work.folder, 'app/logo.bin'), binary);
    await work.write('app/run.sh', 'one\r\n');
    await chmod(join(work.folder, 'app/run.sh'), 0o755);
    await work.commit('base', { 'app/ü "q".yaml': 'latin\n' });
    await writeFile(join(work.folder, 'app/logo.bin'), Buffer.from([1, 2, 3]));
    await chmod(join(work.folder, 'app/run.sh'), 0o644);
    const bad = await work.commit('bad', { 'app/ü "q".yaml': 'changed\n', 'app/run.sh': 'two\r\n' });
    await push();
    assert.equal(await tree(made(await propose(bad)).branch), await original(bad));
  });

  it('says which files later commits changed, and pushes nothing', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await work.commit('later', { 'app/a.yaml': lines({ 3: 'worse' }) });
    await push();
    const result = await propose(bad);
    assert.equal(result.proposed, false);
    assert.match(result.message, /\(app\/a\.yaml\), so its revert has to be made by hand: git revert /);
    assert.equal(await served.git('for-each-ref', '--format=%(refname)'), 'refs/heads/main');
  });

  it('says that there is nothing to revert when the branch has already gone back', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await work.commit('fixed', { 'app/a.yaml': lines() });
    await push();
    const result = await propose(bad);
    assert.equal(result.proposed, false);
    assert.match(result.message, /nothing to revert/);
  });

  it('goes back over several commits to the one that runs, only in what the set reads', async () => {
    const good = await work.commit('good', { 'app/b.yaml': 'good\n' });
    await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }), 'other/c.yaml': 'of others\n' });
    const last = await work.commit('worse', { 'app/b.yaml': 'worse\n' });
    await push();
    const { branch } = made(await propose(last, { backTo: good, paths: ['app'] }));
    assert.equal(
      await served.git('diff', '--name-status', 'main', branch),
      ['M\tapp/a.yaml', 'M\tapp/b.yaml'].join('\n'),
    );
    assert.equal(await served.git('rev-parse', `${branch}:app`), await served.git('rev-parse', `${good}:app`));
    assert.equal(await served.git('show', `${branch}:other/c.yaml`), 'of others');
  });

  it('is made once, however many runs propose it', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await push();
    const first = made(await propose(bad));
    const pushed = await served.git('rev-parse', first.branch);
    const again = made(await propose(bad));
    assert.deepEqual([again.branch, again.pullRequest], [first.branch, first.pullRequest]);
    assert.match(again.message, /is open already/);
    assert.equal(await served.git('rev-parse', first.branch), pushed);
  });

  it('has a branch of its own when another set reverts another part', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }), 'other/c.yaml': 'bad\n' });
    await push();
    const first = made(await propose(bad, { paths: ['app'] }));
    const other = { paths: ['other'], set: { name: 'other', environment: 'production' } };
    const second = made(await propose(bad, other));
    assert.equal(second.branch, `${first.branch}-2`);
    assert.equal(made(await propose(bad, other)).branch, second.branch);
  });

  it('never touches a branch of that name that somebody else pushed', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    const name = `gitops/revert-${bad.slice(0, 10)}`;
    await push();
    await work.git('push', '--quiet', served.folder, `main:refs/heads/${name}`);
    assert.equal(made(await propose(bad)).branch, `${name}-2`);
    assert.equal(await served.git('rev-parse', name), bad);
  });

  it('is not made again when people abandoned it', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await push();
    const { branch, pullRequest } = made(await propose(bad));
    service.addPullRequest(served, { sourceRefName: `refs/heads/${branch}`, status: 'abandoned' });
    const result = await propose(bad);
    assert.equal(result.proposed, false);
    assert.match(result.message, /was abandoned; it is not opened again/);
    assert.ok(pullRequest);
  });

  it('is only a branch where no pull request can be opened, and says so', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await push();
    const outside = await proposeRevert({
      access: { url: `file://${served.folder}`, network: NETWORK, tempDirectory: temp.folder },
      commit: bad,
      targetBranch: 'refs/heads/main',
      set: { name: 'shop', environment: 'production' },
      outcome: 'healthFailed',
      reason: 'x',
    });
    assert.equal(made(outside).pullRequest, undefined);
    assert.match(outside.message, /open a pull request from it into main/);
  });

  it('names the permission that is missing for the pull request; the branch stays for people', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    await push();
    service.fail({
      operation: 'Pull Requests_Create',
      kind: 403,
      message: "TF401027: You need the Git 'PullRequestContribute' permission to perform this action.",
    });
    const result = made(await propose(bad));
    assert.equal(result.pullRequest, undefined);
    assert.match(result.message, /but no pull request could be opened: .*"Contribute to pull requests"/);
    assert.ok(made(await propose(bad)).pullRequest, 'a later run opens it from the branch that is there');
  });

  it('says why nothing could be pushed', async () => {
    const bad = await work.commit('bad', { 'app/a.yaml': lines({ 3: 'bad' }) });
    const readOnly = await service.addRepository(`read-only-${count}`);
    await work.git('push', '--quiet', readOnly.folder, 'main');
    const result = await propose(bad, {
      access: { url: readOnly.url, token: service.token, network: NETWORK, tempDirectory: temp.folder },
    });
    assert.equal(result.proposed, false);
    assert.match(result.message, /^No revert of .* could be proposed: Git may not push to the branch gitops\/revert-/);
  });

  it('says that nothing comes before a first commit', async () => {
    const first = await work.git('rev-parse', 'HEAD');
    await push();
    const result = await propose(first);
    assert.equal(result.proposed, false);
    assert.match(result.message, /is the first of its repository/);
  });
});

import assert from 'node:assert/strict';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AuditResult,
  checkAuditBranch,
  keepRecord,
  recordMessage,
  recordPath,
} from '../../../lib/core/record/audit-branch.ts';
import { type RunRecord, recordText } from '../../../lib/core/record/run-record.ts';
import { CancelledError, InputError } from '../../../lib/errors.ts';
import type { RemoteAccess } from '../../../lib/ports/git/network-config.ts';
import type { ServedRepository } from '../../azure-devops/served-repository.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';
import { newRepository, temporaryFolder } from '../../ports/git/work-repository.ts';
import { FACTS, sampleRecord } from './sample-record.ts';

describe('the audit branch', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let service: AzureDevOps;
  let served: ServedRepository;
  let count = 0;

  before(async () => {
    temp = await temporaryFolder();
    service = await startAzureDevOps();
  });
  beforeEach(async () => {
    count += 1;
    served = await service.addRepository(`shop-${count}`, { pushable: true });
    const work = await newRepository(join(temp.folder, `work-${count}`));
    await work.commit('one');
    await work.git('push', '--quiet', served.folder, 'main');
  });
  after(async () => {
    await service.stop();
    await temp.remove();
  });
  afterEach(async () => {
    service.forgetFailures();
    const left = (await readdir(temp.folder)).filter((name) => !name.startsWith('work-'));
    assert.deepEqual(left, [], 'nothing is left behind');
  });

  const access = (more: Partial<RemoteAccess> = {}): RemoteAccess => ({
    url: served.url,
    token: service.token,
    network: { proxyBypass: [], skipCertValidation: false },
    tempDirectory: temp.folder,
    ...more,
  });
  const keep = (record: RunRecord, more: Partial<Parameters<typeof keepRecord>[0]> = {}) =>
    keepRecord({ record, access: access(), branch: 'gitops/audit', protectedBranch: 'main', ...more });
  const ofRun = (runId: string) => sampleRecord({}, { host: { ...FACTS.host, runId } });
  const files = async () =>
    (await served.git('ls-tree', '-r', '--name-only', 'gitops/audit')).split('\n').filter((line) => line !== '');
  const kept = (result: AuditResult) => (result.kept ? result : assert.fail(result.warning));
  const refused = (result: AuditResult) => (result.kept ? assert.fail('it was kept') : result.warning);
  const hook = async (name: string, script: string) => {
    const file = join(served.folder, 'hooks', name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  };

  it('is made by the first record, without the history of any other branch', async () => {
    const record = sampleRecord();
    const { commit, path } = kept(await keep(record));
    assert.equal(await served.git('rev-parse', 'gitops/audit'), commit);
    assert.deepEqual(await files(), [path]);
    assert.equal(await served.git('rev-list', '--count', 'gitops/audit'), '1');
    assert.equal(`${await served.git('show', `gitops/audit:${path}`)}\n`, recordText(record));
    assert.equal(path, 'production/shop/2026/11/20261123T194652Z-build-4711.2.json');
  });

  it('grows by one commit a record, and leaves every other record and branch as it was', async () => {
    const main = await served.git('rev-parse', 'main');
    const first = kept(await keep(ofRun('1')));
    const second = kept(await keep(ofRun('2')));
    assert.equal(await served.git('rev-parse', 'gitops/audit~1'), first.commit);
    assert.deepEqual(await files(), [first.path, second.path]);
    assert.equal(await served.git('diff', '--name-status', 'gitops/audit~1', 'gitops/audit'), `A\t${second.path}`);
    assert.equal(await served.git('rev-parse', 'main'), main);
  });

  it('keeps what people put there, whatever it is', async () => {
    const work = await newRepository(join(temp.folder, `work-people-${count}`));
    await work.commit('notes', { 'README.md': '# Records\n', 'production/shop/notes/ä b.txt': 'x\n' });
    await work.git('push', '--quiet', served.folder, 'main:gitops/audit');
    kept(await keep(sampleRecord()));
    assert.equal((await files()).length, 3);
    assert.equal(await served.git('show', 'gitops/audit:README.md'), '# Records');
    await served.git('fsck', '--strict');
  });

  it('loses no record of runs that end at the same moment', async () => {
    const runs = ['1', '2', '3'];
    const results = await Promise.all(runs.map((run) => keep(ofRun(run))));
    assert.deepEqual(await files(), results.map((result) => kept(result).path).sort());
    assert.equal(await served.git('rev-list', '--count', 'gitops/audit'), String(runs.length));
  });

  it('starts again when another push came in between, as the server alone can see', async () => {
    kept(await keep(ofRun('1')));
    const before = await served.git('rev-parse', 'gitops/audit');
    const other = await served.git('commit-tree', '-p', before, '-m', 'other', `${before}^{tree}`);
    // Runs once, after the client has seen the old head and before the server compares.
    await hook(
      'pre-receive',
      `cd "$GIT_DIR" && [ -e moved ] || { touch moved; unset GIT_QUARANTINE_PATH; git update-ref refs/heads/gitops/audit ${other}; }`,
    );
    const { commit } = kept(await keep(ofRun('2')));
    assert.equal(await served.git('rev-parse', `${commit}~1`), other);
    assert.equal((await files()).length, 2);
  });

  it('is not written twice by a step that is run again, and never overwritten', async () => {
    const first = kept(await keep(sampleRecord()));
    assert.deepEqual(kept(await keep(sampleRecord())), first);
    const other = kept(await keep(sampleRecord({ outcome: 'healthFailed' })));
    assert.equal(other.path, first.path.replace('.json', '-2.json'));
    assert.equal((await files()).length, 2);
  });

  it('says who, what and from where in the commit, which starts no run', async () => {
    kept(await keep(sampleRecord()));
    const log = await served.git('log', '-1', '--format=%an <%ae>|%cn|%B', 'gitops/audit');
    assert.match(
      log,
      /^R\. Requester <requester@example\.com>\|GitOps for Azure Pipelines\|sync of aaaaaaaaaa to production\/shop: applied \[skip ci\]/,
    );
    assert.match(log, /^GitOps-Plan: sha256:abc$/m);
    assert.match(log, /^GitOps-Approver: P\. Approver$/m);
  });

  it('takes a name that Git would not', async () => {
    const requester = { name: 'Eve\n<x@y>', uniqueName: 'e<>@example.com' };
    kept(await keep(sampleRecord({}, { requester })));
    assert.match(await served.git('log', '-1', '--format=%an', 'gitops/audit'), /^Eve +x@y$/);
  });

  it('works with a server that cannot leave file contents out, as older ones', async () => {
    const plain = await service.addRepository(`plain-${count}`, { pushable: true, filters: false });
    for (const run of ['1', '2']) kept(await keep(ofRun(run), { access: access({ url: plain.url }) }));
    assert.equal(await plain.git('rev-list', '--count', 'gitops/audit'), '2');
  });

  it('works with a repository of any Git server, and with an empty one', async () => {
    const empty = await service.addRepository(`empty-${count}`, { pushable: true });
    const { token: _, ...local } = access({ url: `file://${empty.folder}` });
    kept(await keep(sampleRecord(), { access: local }));
    assert.equal(await empty.git('rev-list', '--count', 'gitops/audit'), '1');
  });

  it('takes the token by the environment only', async () => {
    const from = service.requests.length;
    kept(await keep(sampleRecord()));
    const seen = service.requests.slice(from);
    assert.ok(seen.length > 0 && seen.every((request) => request.authorization === 'bearer'));
    assert.ok(!JSON.stringify(seen).includes(service.token));
  });

  describe('that cannot be written', () => {
    it('is a loud warning that names branch, repository and permission, and no error', async () => {
      await hook(
        'pre-receive',
        `printf '%s\\n' "TF401027: You need the Git 'CreateBranch' permission to perform this action. Details: identity 'Build\\\\4711', scope 'branch'." >&2; exit 1`,
      );
      const warning = refused(await keep(sampleRecord()));
      assert.match(warning, /^THE RECORD OF THIS RUN WAS NOT KEPT in the branch gitops\/audit of http/);
      assert.match(warning, /Give the build identity Build\\4711 the permission "Create branch"/);
      assert.match(warning, /What was deployed stays/);
      assert.doesNotMatch(warning, new RegExp(service.token));
    });

    it('says that a branch policy wants a pull request', async () => {
      await hook(
        'pre-receive',
        'echo "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch." >&2; exit 1',
      );
      const warning = refused(await keep(sampleRecord()));
      assert.match(warning, /takes no pushes: TF402455: Pushes to this branch are not permitted/);
      assert.match(warning, /Name another branch, or take the policy off/);
    });

    it('gives the words of any other rule of the server', async () => {
      await hook('pre-receive', 'echo "commits need a sign-off" >&2; exit 1');
      assert.match(refused(await keep(sampleRecord())), /refused the push .*it says: commits need a sign-off/);
    });

    it('says that pushing is not permitted at all', async () => {
      const readOnly = await service.addRepository(`read-only-${count}`);
      const warning = refused(await keep(sampleRecord(), { access: access({ url: readOnly.url }) }));
      assert.match(warning, /may not push to the branch gitops\/audit of .*"Contribute", and "Create branch"/);
    });

    it('says that no server answered', async () => {
      const warning = refused(
        await keep(sampleRecord(), { access: access({ url: 'http://127.0.0.1:1/contoso/shop/_git/shop' }) }),
      );
      assert.match(warning, /did not answer/);
    });

    it('says that others were always first, and gives up', async () => {
      kept(await keep(ofRun('1')));
      await hook(
        'pre-receive',
        'cd "$GIT_DIR"; unset GIT_QUARANTINE_PATH; head=$(git rev-parse gitops/audit); git update-ref refs/heads/gitops/audit $(git -c user.name=o -c user.email=o@example.com commit-tree -p $head -m other $head^{tree})',
      );
      assert.match(refused(await keep(ofRun('2'), { tries: 2 })), /moved by others at each of 2 tries/);
    });

    it('is no warning when the run is cancelled before', async () => {
      const signal = AbortSignal.abort();
      const result = await keep(sampleRecord(), { access: access({ signal }) }).catch((error: unknown) => error);
      if (result instanceof Error) assert.ok(result instanceof CancelledError);
      else assert.match(refused(result as AuditResult), /cancelled/);
    });
  });

  describe('chosen wrongly', () => {
    it('is refused when it is the branch that is deployed from', () => {
      assert.throws(() => checkAuditBranch('refs/heads/main', 'main'), InputError);
      assert.throws(() => checkAuditBranch('main', 'refs/heads/main'), /Name a branch of its own/);
      checkAuditBranch('audit', 'main');
    });

    it('is refused when Git takes no such name', () => {
      for (const name of ['--force', 'a b', 'refs/tags/x', 'a..b']) {
        assert.throws(() => checkAuditBranch(name, undefined), /Input auditBranch/, name);
      }
    });
  });

  describe('has paths', () => {
    const path = (set: string, environment: string) =>
      recordPath(sampleRecord({ set: { name: set, namespace: 'x', environment } }));

    it('that stay inside their folder and apart, whatever the environment is called', () => {
      assert.match(path('shop', 'eu/west'), /^eu%2Fwest\/shop\/2026\/11\//);
      assert.match(path('shop', '..'), /^%2E%2E\//);
      assert.match(path('shop', '.git'), /^%2Egit\//);
      assert.match(path('shop', 'Zürich 1'), /^Z%C3%BCrich%201\//);
      assert.notEqual(path('shop', 'a%2Fb'), path('shop', 'a/b'));
    });

    it('and messages of one subject line', () => {
      const record = sampleRecord({ set: { name: 'shop', namespace: 'x', environment: 'a\nGitOps-Approver: Eve' } });
      assert.equal(recordMessage(record).split('\n')[1], '');
      assert.doesNotMatch(recordMessage(record), /^GitOps-Approver: Eve/m);
    });
  });
});

import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CancelledError, InputError } from '../../../lib/errors.ts';
import { gitEnvironment, runGit } from '../../../lib/ports/git/git-program.ts';
import {
  commitInfo,
  headCommit,
  isAncestor,
  isShallow,
  openRepository,
  pathInside,
  persistedHeader,
  remoteOf,
} from '../../../lib/ports/git/repository.ts';
import { workingTreeChanges } from '../../../lib/ports/git/working-tree.ts';
import { skipBecause } from '../../../scripts/test/skip-because.ts';
import { checkOut, newRepository, temporaryFolder, type WorkRepository } from './work-repository.ts';

describe('a Git repository on the agent', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let work: WorkRepository;
  const commits: string[] = [];

  before(async () => {
    temp = await temporaryFolder();
    work = await newRepository(join(temp.folder, 'work'));
    for (const subject of ['one', 'two', 'three']) commits.push(await work.commit(subject));
    await work.git('branch', 'side', commits[1] as string);
  });
  after(() => temp.remove());
  const commit = (index: number) => commits[index] as string;

  describe('opening it', () => {
    it('finds the top from a folder inside', async () => {
      const repository = await openRepository(join(work.folder, 'app'));
      assert.equal(repository.folder, work.folder);
      assert.equal(await headCommit(repository), commit(2));
    });

    it('says which input to set when the folder is in no repository', async () => {
      await assert.rejects(
        openRepository(temp.folder),
        (error) => error instanceof InputError && /repositoryPath/.test(error.message),
      );
    });

    it('says so when the folder does not exist', async () => {
      await assert.rejects(openRepository(join(temp.folder, 'nowhere')), /does not exist/);
    });

    it('says so when there is no commit yet', async () => {
      const empty = await newRepository(join(temp.folder, 'empty'));
      await assert.rejects(headCommit(await openRepository(empty.folder)), /no commit yet/);
    });

    it('tells how to trust a checkout that another user owns', async function () {
      if (process.getuid?.() !== 0) skipBecause(this, 'only root may give a folder to another user');
      const foreign = await newRepository(join(temp.folder, 'foreign'));
      await foreign.commit('one');
      const { chown } = await import('node:fs/promises');
      await chown(foreign.folder, 12345, 12345);
      await chown(join(foreign.folder, '.git'), 12345, 12345);
      await assert.rejects(openRepository(foreign.folder), (error) => {
        assert.ok(error instanceof InputError);
        assert.match(error.message, /git config --global --add safe\.directory "/);
        return true;
      });
    });
  });

  describe('its history', () => {
    it('tells what contains what', async () => {
      const repository = await openRepository(work.folder);
      assert.equal(await isAncestor(repository, commit(0), commit(2)), 'yes');
      assert.equal(await isAncestor(repository, commit(2), commit(2)), 'yes');
      assert.equal(await isAncestor(repository, commit(2), commit(0)), 'no');
    });

    it('says no of a commit that it does not have, because the whole history is here', async () => {
      assert.equal(await isAncestor(await openRepository(work.folder), 'f'.repeat(40), commit(2)), 'no');
    });

    it('does not know about a descendant that it does not have', async () => {
      assert.equal(await isAncestor(await openRepository(work.folder), commit(2), 'f'.repeat(40)), 'unknown');
    });

    it('says yes but never no where the history was cut off', async () => {
      const cut = await checkOut(`file://${work.folder}`, join(temp.folder, 'cut'), {
        ref: 'refs/heads/main',
        depth: 2,
      });
      const repository = await openRepository(cut.folder);
      assert.ok(await isShallow(repository));
      assert.equal(await isAncestor(repository, commit(1), commit(2)), 'yes');
      assert.equal(await isAncestor(repository, commit(0), commit(2)), 'unknown');
      assert.equal(await isAncestor(repository, 'f'.repeat(40), commit(2)), 'unknown');
      await rm(cut.folder, { recursive: true });
    });

    it('is not changed by replacement objects, which anybody can write into a checkout', async () => {
      const forged = await checkOut(`file://${work.folder}`, join(temp.folder, 'forged'), { commit: commit(2) });
      const evil = await forged.commit('evil');
      await forged.git('replace', '--graft', commit(2), evil);
      assert.equal(await forged.git('merge-base', '--is-ancestor', evil, commit(2)), '', 'git itself is misled');
      assert.equal(await isAncestor(await openRepository(forged.folder), evil, commit(2)), 'no');
    });

    it('refuses what is no commit id before git sees it', async () => {
      const repository = await openRepository(work.folder);
      await assert.rejects(isAncestor(repository, '--help', commit(0)), InputError);
      await assert.rejects(isAncestor(repository, commit(0), 'main'), InputError);
    });

    it('tells author, date, subject and parents of a commit', async () => {
      const info = await commitInfo(await openRepository(work.folder), commit(1));
      assert.equal(info?.subject, 'two');
      assert.equal(info?.author, 'A. Author');
      assert.equal(info?.email, 'author@example.com');
      assert.deepEqual(info?.parents, [commit(0)]);
      assert.match(info?.date ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
      assert.equal(await commitInfo(await openRepository(work.folder), 'f'.repeat(40)), undefined);
    });
  });

  describe('its remote', () => {
    it('is origin, else the only one, else there is none', async () => {
      const repository = await newRepository(join(temp.folder, 'remotes'));
      const opened = await openRepository(repository.folder);
      assert.equal(await remoteOf(opened), undefined);
      await repository.git('remote', 'add', 'upstream.git', 'https://example.com/up.git');
      assert.deepEqual(await remoteOf(opened), { name: 'upstream.git', url: 'https://example.com/up.git' });
      await repository.git('remote', 'add', 'fork', 'https://example.com/fork.git');
      await assert.rejects(remoteOf(opened), /several remotes \(.*\) and none is named origin/);
      await repository.git('remote', 'add', 'origin', 'https://example.com/origin.git');
      assert.equal((await remoteOf(opened))?.url, 'https://example.com/origin.git');
    });

    it('has the header that a checkout with persistCredentials keeps for it', async () => {
      const repository = await newRepository(join(temp.folder, 'persisted'));
      const opened = await openRepository(repository.folder);
      assert.equal(await persistedHeader(opened, 'https://github.com/contoso/shop'), undefined);
      await repository.git('config', 'http.https://github.com/contoso/shop.extraheader', 'AUTHORIZATION: basic abc');
      assert.equal(await persistedHeader(opened, 'https://github.com/contoso/shop'), 'AUTHORIZATION: basic abc');
      assert.equal(await persistedHeader(opened, 'https://example.com/contoso/shop'), undefined);
    });
  });

  describe('its working tree', () => {
    let tree: WorkRepository;
    let number = 0;
    beforeEach(async () => {
      tree = await newRepository(join(temp.folder, `tree-${++number}`));
      await tree.commit('one', {
        'app/a.yaml': 'a: 1\n',
        'app/ä b.yaml': 'b: 1\n',
        'other/c.yaml': 'c: 1\n',
        '.gitignore': '*.log\n',
      });
    });
    const changes = async (...paths: string[]) => workingTreeChanges(await openRepository(tree.folder), paths);

    it('has no changes after a checkout', async () => {
      assert.deepEqual(await changes('.'), { changed: [], untracked: [] });
    });

    it('shows what was edited, staged, deleted and added under the asked paths only', async () => {
      await appendFile(join(tree.folder, 'app/ä b.yaml'), 'x: 1\n');
      await unlink(join(tree.folder, 'app/a.yaml'));
      await appendFile(join(tree.folder, 'other/c.yaml'), 'x: 1\n');
      await tree.git('add', 'other/c.yaml');
      await tree.write('app/new.yaml', 'n: 1\n');
      await tree.write('app/run.log', 'ignored');
      assert.deepEqual(await changes('app'), { changed: ['app/a.yaml', 'app/ä b.yaml'], untracked: ['app/new.yaml'] });
      assert.deepEqual(await changes('other'), { changed: ['other/c.yaml'], untracked: [] });
    });

    it('is not fooled by files that git was told not to look at', async () => {
      await tree.git('update-index', '--assume-unchanged', 'app/a.yaml');
      await tree.git('update-index', '--skip-worktree', 'other/c.yaml');
      assert.deepEqual((await changes('.')).changed, ['app/a.yaml', 'other/c.yaml']);
    });

    it('accepts what a sparse checkout left out', async () => {
      await tree.git('sparse-checkout', 'set', '--no-cone', '/app/');
      assert.deepEqual(await changes('.'), { changed: [], untracked: [] });
    });

    it('takes paths literally, never as patterns or options', async () => {
      await appendFile(join(tree.folder, 'app/a.yaml'), 'x: 1\n');
      assert.deepEqual((await changes('app/*')).changed, []);
      assert.deepEqual((await changes('--help')).changed, []);
      assert.deepEqual((await changes(':(glob)**')).changed, []);
    });

    it('looks into submodules', async () => {
      const library = await newRepository(join(temp.folder, `library-${number}`));
      await library.commit('one', { 'base.yaml': 'x: 1\n' });
      await tree.git(
        '-c',
        'protocol.file.allow=always',
        'submodule',
        '--quiet',
        'add',
        `file://${library.folder}`,
        'app/base',
      );
      await tree.commit('with a submodule', {});
      assert.deepEqual((await changes('app')).changed, []);
      await appendFile(join(tree.folder, 'app/base/base.yaml'), 'y: 1\n');
      assert.deepEqual((await changes('app')).changed, ['app/base/base.yaml']);
    });

    it('runs no program that the repository itself names', async () => {
      const proof = join(tree.folder, '..', `proof-${number}`);
      const program = join(temp.folder, `evil-${number}.sh`);
      await writeFile(program, `#!/bin/sh\necho "$0" >> "${proof}"\ncat\n`);
      await chmod(program, 0o755);
      await mkdir(join(temp.folder, `hooks-${number}`));
      await tree.commit('attributes', { '.gitattributes': '*.yaml filter=evil diff=evil\n' });
      for (const [key, value] of [
        ['core.fsmonitor', program],
        ['core.hooksPath', join(temp.folder, `hooks-${number}`)],
        ['core.pager', program],
        ['core.askPass', program],
        ['core.sshCommand', program],
        ['diff.external', program],
        ['diff.evil.textconv', program],
        ['filter.evil.clean', program],
        ['filter.evil.process', program],
        ['filter.lfs.clean', `git-lfs clean -- %f; ${program}`],
        ['gpg.program', program],
        ['log.showSignature', 'true'],
      ] as const) {
        await tree.git('config', key, value);
      }
      for (const hook of ['post-index-change', 'post-checkout', 'reference-transaction']) {
        await symlink(program, join(temp.folder, `hooks-${number}`, hook));
      }
      await rm(proof, { force: true });
      await writeFile(join(tree.folder, 'app/a.yaml'), 'a: 2\n');
      const repository = await openRepository(tree.folder);
      await workingTreeChanges(repository, ['.']);
      await commitInfo(repository, await headCommit(repository));
      await isAncestor(repository, 'f'.repeat(40), await headCommit(repository));
      const { existsSync } = await import('node:fs');
      assert.ok(!existsSync(proof), 'a program ran');
    });

    it('places paths inside the repository, also through links, and refuses those outside', async () => {
      const repository = await openRepository(tree.folder);
      await symlink(temp.folder, join(tree.folder, 'out'));
      assert.equal(await pathInside(repository, 'app'), 'app');
      assert.equal(await pathInside(repository, join(tree.folder, 'app/a.yaml')), 'app/a.yaml');
      assert.equal(await pathInside(repository, tree.folder), '.');
      assert.equal(await pathInside(repository, '..'), undefined);
      assert.equal(await pathInside(repository, temp.folder), undefined);
      assert.equal(await pathInside(repository, 'out'), undefined);
      assert.equal(await pathInside(repository, '..foo'), '..foo');
    });
  });

  describe('the git program', () => {
    it('sees no GIT_ variable that would change what is asked, and none of the pipeline', () => {
      const environment = gitEnvironment({
        PATH: '/bin',
        GIT_DIR: '/evil',
        GIT_INDEX_FILE: '/evil',
        GIT_CONFIG_PARAMETERS: "'core.fsmonitor'='evil'",
        GIT_CONFIG_COUNT: '9',
        GIT_ASKPASS: '/evil',
        SYSTEM_ACCESSTOKEN: 'secret',
        GIT_SSL_CAINFO: '/etc/company.pem',
      });
      assert.equal(environment['GIT_DIR'], undefined);
      assert.equal(environment['GIT_INDEX_FILE'], undefined);
      assert.equal(environment['GIT_CONFIG_PARAMETERS'], undefined);
      assert.equal(environment['SYSTEM_ACCESSTOKEN'], undefined);
      assert.equal(environment['GIT_ASKPASS'], '');
      assert.equal(environment['GIT_TERMINAL_PROMPT'], '0');
      assert.equal(environment['GIT_SSL_CAINFO'], '/etc/company.pem');
      const keys = Object.keys(environment).filter((name) => name.startsWith('GIT_CONFIG_KEY_'));
      assert.equal(environment['GIT_CONFIG_COUNT'], String(keys.length));
    });

    it('ends at a cancellation', async () => {
      const abort = new AbortController();
      const running = runGit({ args: ['hash-object', '--stdin'], cwd: temp.folder, signal: abort.signal });
      abort.abort();
      await assert.rejects(running, CancelledError);
      await assert.rejects(runGit({ args: ['version'], cwd: temp.folder, signal: abort.signal }), CancelledError);
    });

    it('ends when it takes too long', async () => {
      const result = await runGit({ args: ['-c', 'alias.wait=!sleep 20', 'wait'], cwd: temp.folder, timeout: 200 });
      assert.equal(result.code, -1);
      assert.match(result.stderr, /did not end in time/);
    });
  });
});

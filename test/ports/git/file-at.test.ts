import assert from 'node:assert/strict';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../../lib/errors.ts';
import { fileAt } from '../../../lib/ports/git/file-at.ts';
import { openRepository, type Repository } from '../../../lib/ports/git/repository.ts';
import { newRepository, temporaryFolder, type WorkRepository } from './work-repository.ts';

describe('a file as a commit holds it', () => {
  let temp: Awaited<ReturnType<typeof temporaryFolder>>;
  let work: WorkRepository;
  let repository: Repository;
  let commit: string;

  before(async () => {
    temp = await temporaryFolder();
    work = await newRepository(join(temp.folder, 'work'));
    await work.write('rules/a [1]*.yaml', 'a: 1\n');
    await work.write('bom.yaml', '\u{feff}a: 1\n');
    await writeFile(join(work.folder, 'latin1.yaml'), Buffer.from('a: \xfc\n', 'latin1'));
    await symlink('/etc/passwd', join(work.folder, 'link.yaml'));
    commit = await work.commit('rules', { 'rules/b.yaml': 'b: old\n' });
    await work.commit('later', { 'rules/b.yaml': 'b: new\n' });
    await work.write('rules/b.yaml', 'b: of the working tree\n');
    repository = await openRepository(work.folder);
  });
  after(() => temp.remove());

  it('is read whatever the working tree and later commits say', async () => {
    assert.equal(await fileAt(repository, commit, 'rules/b.yaml'), 'b: old\n');
  });
  it('is taken by its name, which is no pattern', async () => {
    assert.equal(await fileAt(repository, commit, 'rules/a [1]*.yaml'), 'a: 1\n');
    assert.equal(await fileAt(repository, commit, 'rules/*.yaml'), undefined);
  });
  it('comes without a byte order mark', async () => {
    assert.equal(await fileAt(repository, commit, 'bom.yaml'), 'a: 1\n');
  });
  it('is not there when the commit has none, or when the commit is elsewhere', async () => {
    assert.equal(await fileAt(repository, commit, 'rules/c.yaml'), undefined);
    assert.equal(await fileAt(repository, '0'.repeat(40), 'rules/b.yaml'), undefined);
  });
  it('is neither a link nor a folder', async () => {
    await assert.rejects(fileAt(repository, commit, 'link.yaml'), /but a link, which could point anywhere/);
    await assert.rejects(fileAt(repository, commit, 'rules'), /but a folder/);
  });
  it('is text', async () => {
    await assert.rejects(fileAt(repository, commit, 'latin1.yaml'), /is not UTF-8 text/);
  });
  it('is of a commit, not of a branch that anybody could have moved', async () => {
    await assert.rejects(fileAt(repository, 'main', 'rules/b.yaml'), InputError);
  });
});

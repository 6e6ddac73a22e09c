import assert from 'node:assert/strict';
import { checkReleased, contentDigest } from '../../../scripts/build/digest.ts';
import { tempFolder } from '../support.ts';

async function digest(files: Record<string, string>): Promise<string> {
  const { folder, remove } = tempFolder(files);
  try {
    return await contentDigest(folder);
  } finally {
    remove();
  }
}

describe('The content digest of a task', () => {
  const files = { 'main.mjs': 'a', 'schemas/x.json': '{}', 'main.mjs.map': '{}' };

  it('is the same for the same files', async () => {
    assert.equal(await digest(files), await digest({ ...files }));
  });

  it('changes with the content, the name and the number of files', async () => {
    const others = [
      { ...files, 'main.mjs': 'b' },
      { 'main.mjs': 'a', 'schemas/y.json': '{}' },
      { ...files, 'lazy.mjs': '' },
    ];
    const digests = new Set(await Promise.all([files, ...others].map(digest)));
    assert.equal(digests.size, 4);
  });

  it('does not change with a source map', async () => {
    assert.equal(await digest(files), await digest({ ...files, 'main.mjs.map': '{"version":3}' }));
  });
});

describe('A task that was released before', () => {
  const released = { extension: '1.0.0', tasks: { X: { version: '1.2.3', digest: 'sha256:aa' } } };
  const check = (version: string, digest: string, name = 'X') =>
    checkReleased({ name, version, digest }, released, 'task.json').map(({ message }) => message);

  it('may stay as it is', () => assert.deepEqual(check('1.2.3', 'sha256:aa'), []));
  it('may change under a higher version', () => assert.deepEqual(check('1.2.4', 'sha256:bb'), []));
  it('must not change under the same version', () =>
    assert.match(check('1.2.3', 'sha256:bb').join(), /raise the version/));
  it('must not go back', () => assert.match(check('1.2.2', 'sha256:aa').join(), /older than 1\.2\.3/));
  it('is no measure for a new task', () => assert.deepEqual(check('0.1.0', 'sha256:bb', 'Y'), []));
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  azureRepository,
  parseRemoteUrl,
  sameRepository,
  tokenApplies,
  withoutCredentials,
} from '../../../lib/ports/git/remote-url.ts';

const COLLECTION = 'https://dev.azure.com/contoso/';

describe('the address of a Git remote', () => {
  const ofOneRepository = [
    'https://dev.azure.com/contoso/Web%20Shop/_git/shop',
    'https://contoso@dev.azure.com/contoso/Web%20Shop/_git/shop',
    'https://dev.azure.com/contoso/Web%20Shop/_git/shop/',
    'https://DEV.azure.com/Contoso/web%20shop/_git/Shop',
    'https://contoso.visualstudio.com/Web%20Shop/_git/shop',
    'https://contoso.visualstudio.com/DefaultCollection/Web%20Shop/_git/shop',
    'git@ssh.dev.azure.com:v3/contoso/Web%20Shop/shop',
    'ssh://git@ssh.dev.azure.com/v3/contoso/Web%20Shop/shop',
    'contoso@vs-ssh.visualstudio.com:v3/contoso/Web%20Shop/shop',
  ];
  for (const url of ofOneRepository) {
    it(`knows ${url} for the repository shop of the project Web Shop`, () => {
      assert.ok(sameRepository(url, ofOneRepository[0] as string));
      const names = azureRepository(url, COLLECTION);
      assert.equal(names?.project.toLowerCase(), 'web shop');
      assert.equal(names?.repository.toLowerCase(), 'shop');
    });
  }

  it('reads the short form of a repository that has the name of its project', () => {
    assert.deepEqual(azureRepository('https://dev.azure.com/contoso/_git/shop', COLLECTION), {
      project: 'shop',
      repository: 'shop',
    });
    assert.ok(
      sameRepository('https://dev.azure.com/contoso/_git/shop', 'https://dev.azure.com/contoso/shop/_git/shop'),
    );
  });

  it('reads the collections of a server of its own', () => {
    const collection = 'https://tfs.example.com:8443/tfs/DefaultCollection/';
    assert.deepEqual(azureRepository('https://tfs.example.com:8443/tfs/DefaultCollection/Web/_git/shop', collection), {
      project: 'Web',
      repository: 'shop',
    });
    assert.equal(azureRepository('https://tfs.example.com:8443/tfs/Other/Web/_git/shop', collection), undefined);
    assert.equal(azureRepository('https://tfs.example.com/tfs/DefaultCollection/Web/_git/shop', collection), undefined);
  });

  it('finds no Azure repository in another organization or at another provider', () => {
    for (const url of [
      'https://dev.azure.com/fabrikam/web/_git/shop',
      'https://dev.azure.com/contoso2/web/_git/shop',
      'https://github.com/contoso/shop',
      'https://dev.azure.com.evil.example/contoso/web/_git/shop',
      '/srv/git/shop',
    ]) {
      assert.equal(azureRepository(url, COLLECTION), undefined, url);
      assert.equal(tokenApplies(url, COLLECTION), false, url);
    }
  });

  it('takes GitHub over https and over ssh, with and without .git, for one repository', () => {
    assert.ok(sameRepository('https://github.com/contoso/shop.git', 'git@github.com:contoso/shop'));
    assert.ok(!sameRepository('https://github.com/contoso/shop', 'https://github.com/contoso/shop2'));
  });

  it('shows the token to the collection over https only, and to nobody else', () => {
    assert.ok(tokenApplies('https://contoso@dev.azure.com/contoso/web/_git/shop', COLLECTION));
    assert.ok(tokenApplies('https://contoso.visualstudio.com/web/_git/shop', COLLECTION));
    assert.ok(!tokenApplies('http://dev.azure.com/contoso/web/_git/shop', COLLECTION));
    assert.ok(!tokenApplies('git@ssh.dev.azure.com:v3/contoso/web/shop', COLLECTION));
    assert.ok(
      tokenApplies('http://tfs.local/tfs/DefaultCollection/web/_git/shop', 'http://tfs.local/tfs/DefaultCollection/'),
    );
  });

  it('is printed without user, password, query and fragment', () => {
    const shown = parseRemoteUrl('https://me:s3cret@dev.azure.com/contoso/Web%20Shop/_git/shop?pat=x#y').display;
    assert.equal(shown, 'https://dev.azure.com/contoso/Web%20Shop/_git/shop');
  });

  it('never shows a password, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._~%!$&'()*+,;=:-]{6,40}$/), (password) => {
        const url = `https://user:${encodeURIComponent(password)}@example.com/x/_git/y`;
        const shown = [parseRemoteUrl(url).display, withoutCredentials(`fatal: unable to access '${url}/': 403`)];
        assert.ok(shown.every((text) => !text.includes(encodeURIComponent(password)) && !text.includes('user:')));
      }),
    );
  });

  it('is read without an exception, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withFragments: true, withQueryParameters: true })), (text) => {
        parseRemoteUrl(text);
        azureRepository(text, COLLECTION);
        assert.ok(sameRepository(text, text));
      }),
    );
  });
});

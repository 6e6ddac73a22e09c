import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InputError } from '../../../lib/errors.ts';
import { resourcePath, withQuery } from '../../../lib/ports/kubernetes/paths.ts';
import { configMaps, resourceOf } from './stub-server.ts';

const clusterRoles = resourceOf('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false);

describe('the path of a resource', () => {
  it('is that of the API', () => {
    assert.equal(resourcePath(configMaps, ''), '/api/v1/configmaps');
    assert.equal(resourcePath(configMaps, 'shop'), '/api/v1/namespaces/shop/configmaps');
    assert.equal(resourcePath(configMaps, 'shop', 'a'), '/api/v1/namespaces/shop/configmaps/a');
    assert.equal(
      resourcePath(clusterRoles, 'shop', 'MyRole:Admin'),
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/MyRole%3AAdmin',
    );
    const namespaces = resourceOf('v1', 'Namespace', 'namespaces', false);
    assert.equal(resourcePath(namespaces, '', 'shop'), '/api/v1/namespaces/shop');
  });

  it('refuses names that would address the collection, or what is above it', () => {
    for (const name of ['', '.', '..']) {
      assert.throws(() => resourcePath(configMaps, 'shop', name), {
        name: 'InputError',
        message: `'${name}' cannot be the name of a ConfigMap.`,
      });
      assert.throws(() => resourcePath(clusterRoles, '', name), { name: 'InputError' });
    }
    for (const namespace of ['.', '..']) {
      assert.throws(() => resourcePath(configMaps, namespace), { message: `'${namespace}' cannot be the namespace.` });
    }
    assert.throws(() => resourcePath(configMaps, '', 'a'), {
      message: "The ConfigMap 'a' has no namespace, but its kind lives in one.",
    });
  });

  it('leads back to exactly the names it was made of, after the normalization of URLs', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom('%2e%2e', '%2F', 'a/b', '../x', '?x=1', '#', 'a b', '\\..\\', ';', 'é', '\ud800', 'A:B', '%'),
    );
    fc.assert(
      fc.property(name, name, (namespace, object) => {
        let path: string;
        try {
          path = resourcePath(configMaps, namespace, object);
        } catch (error) {
          assert.ok(error instanceof InputError);
          assert.ok(['', '.', '..'].some((refused) => [namespace, object].includes(refused)));
          return;
        }
        const { pathname, search, hash } = new URL(`https://host/prefix${path}`);
        assert.deepEqual([search, hash], ['', '']);
        const parts = pathname.split('/').map(decodeURIComponent);
        const expected = [namespace, object].map((text) => Buffer.from(text).toString());
        assert.deepEqual(parts, ['', 'prefix', 'api', 'v1', 'namespaces', expected[0], 'configmaps', expected[1]]);
      }),
      { numRuns: 500 },
    );
  });

  it('carries any parameter, and leaves out those without value', () => {
    assert.equal(withQuery('/x', { a: undefined }), '/x');
    assert.equal(withQuery('/x', { a: 1, b: undefined, c: true, d: 'x=y,z!=w' }), '/x?a=1&c=true&d=x%3Dy%2Cz%21%3Dw');
    fc.assert(
      fc.property(fc.string(), (value) => {
        assert.equal(new URL(`https://h${withQuery('/x', { a: value })}`).searchParams.get('a'), value);
      }),
    );
  });
});

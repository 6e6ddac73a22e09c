import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ObjectId } from '../../../lib/core/objects/kubernetes-object.ts';
import { findObject, objectText, parseObjectQuery } from '../../../lib/core/record/object-query.ts';
import { InputError } from '../../../lib/errors.ts';

const WEB: ObjectId = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
const STAGING: ObjectId = { ...WEB, namespace: 'staging' };
const NAMESPACE: ObjectId = { group: '', kind: 'Namespace', namespace: '', name: 'shop' };
const POLICY: ObjectId = { group: 'networking.k8s.io', kind: 'NetworkPolicy', namespace: 'shop', name: 'deny' };
const CLASS: ObjectId = { group: 'networking.k8s.io', kind: 'IngressClass', namespace: '', name: 'public' };
const ALL = [WEB, STAGING, NAMESPACE, POLICY, CLASS];

const find = (text: string, entries: readonly ObjectId[] = ALL) => findObject(parseObjectQuery(text), entries);
const refusal = (text: string, entries: readonly ObjectId[] = ALL): string => {
  try {
    find(text, entries);
  } catch (error) {
    assert.ok(error instanceof InputError);
    assert.equal(error.problems[0]?.input, 'object');
    return error.message;
  }
  return assert.fail('it was found');
};

describe('the name of an object to explain', () => {
  it('may be written as people and reports write it', () => {
    const forms = [
      'deployment/shop/web',
      'Deployment/shop/web',
      'deployments/shop/web',
      'deployment.apps/shop/web',
      'Deployment.apps shop/web',
      ' Deployment.apps  shop / web ',
    ];
    for (const form of forms) assert.equal(find(form), WEB, form);
    assert.equal(find('networkpolicies/shop/deny'), POLICY);
    assert.equal(find('NetworkPolicy.networking.k8s.io shop/deny'), POLICY);
  });

  it('needs no namespace for what is in none, nor when only one can be meant', () => {
    assert.equal(find('namespace/shop'), NAMESPACE);
    assert.equal(find('Namespace shop'), NAMESPACE);
    assert.equal(find('ingressclasses/public'), CLASS);
    assert.equal(find('networkpolicy/deny'), POLICY);
  });

  it('is asked for again when several can be meant', () => {
    assert.match(refusal('deployment/web'), /may be deployment\.apps\/shop\/web or deployment\.apps\/staging\/web/);
  });

  it('that is unknown leads to near ones', () => {
    assert.match(refusal('deployment/shop/wep'), /Did you mean deployment\.apps\/shop\/web/);
    assert.match(
      refusal('deployment/prod/web'),
      /Did you mean deployment\.apps\/shop\/web or deployment\.apps\/staging\/web/,
    );
    assert.match(refusal('service/shop/web'), /Did you mean deployment\.apps\/shop\/web/);
    assert.match(refusal('service/shop/nothing-like-it'), /Action status lists what this set deployed/);
    assert.match(refusal('service/shop/web', []), /Nothing was deployed by this set yet/);
  });

  it('with another group is another object', () => {
    assert.match(refusal('deployment.extensions/shop/web'), /did not deploy deployment\.extensions\/shop\/web/);
  });

  it('that is no name is refused with the forms that are', () => {
    for (const text of ['', 'web', 'a/b/c/d', '/', 'deployment//web', 'deployment/shop/'])
      assert.match(refusal(text), /Write kind\/namespace\/name, such as deployment\/shop\/web/, text);
  });

  it('in the form of every report finds its own object again', () => {
    const part = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
    const id = fc.record({
      group: fc.oneof(
        fc.constant(''),
        fc.constant('apps'),
        part.map((text) => `${text}.example.com`),
      ),
      kind: fc.stringMatching(/^[A-Z][A-Za-z]{0,9}$/),
      namespace: fc.oneof(fc.constant(''), part),
      name: part,
    });
    fc.assert(
      fc.property(id, (entry) => {
        assert.equal(find(objectText(entry), [entry]), entry);
        const inReports = `${entry.kind}${entry.group === '' ? '' : `.${entry.group}`} ${entry.namespace === '' ? '' : `${entry.namespace}/`}${entry.name}`;
        assert.equal(find(inReports, [entry]), entry);
      }),
    );
  });
});

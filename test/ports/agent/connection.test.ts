import assert from 'node:assert/strict';
import { InputError } from '../../../lib/errors.ts';
import { connectionsOfEnvironment, readConnection } from '../../../lib/ports/agent/connection.ts';

const ID = '5c0e4fd2-8f2b-4b52-8a55-53a3cbf8f9a1';

function read(env: NodeJS.ProcessEnv, id = ID) {
  const masked: string[] = [];
  return { connection: readConnection(id, connectionsOfEnvironment(env), (value) => masked.push(value)), masked };
}

describe('a service connection', () => {
  it('has its url, scheme, parameters and data', () => {
    const { connection } = read({
      [`ENDPOINT_URL_${ID}`]: 'https://cluster.test',
      [`ENDPOINT_AUTH_SCHEME_${ID}`]: 'Kubernetes',
      [`ENDPOINT_AUTH_PARAMETER_${ID}_CLUSTERCONTEXT`]: 'prod',
      [`ENDPOINT_DATA_${ID}_AUTHORIZATIONTYPE`]: 'Kubeconfig',
      [`ENDPOINT_DATA_${ID}_EMPTY`]: '',
    });
    assert.equal(connection.id, ID);
    assert.equal(connection.url, 'https://cluster.test');
    assert.equal(connection.scheme, 'Kubernetes');
    assert.equal(connection.parameter('clusterContext'), 'prod');
    assert.equal(connection.parameter('kubeconfig'), undefined);
    assert.equal(connection.data('authorizationType'), 'Kubeconfig');
    assert.equal(connection.data('empty'), undefined);
  });

  it('finds keys with dots and spaces, as variables and in the JSON that the agent passes', () => {
    const { connection } = read({
      [`ENDPOINT_AUTH_${ID}`]: JSON.stringify({ scheme: 'Token', parameters: { 'Only.In Json': 'a' } }),
      [`ENDPOINT_AUTH_PARAMETER_${ID}_MY_KEY`]: 'b',
      [`ENDPOINT_DATA_${ID}`]: JSON.stringify({ 'only.in json': 'c' }),
      [`ENDPOINT_DATA_${ID}_MY_KEY`]: 'd',
    });
    assert.equal(connection.scheme, 'Token');
    assert.equal(connection.url, '');
    assert.equal(connection.parameter('only.in json'), 'a');
    assert.equal(connection.parameter('my.key'), 'b');
    assert.equal(connection.data('Only.In JSON'), 'c');
    assert.equal(connection.data('my key'), 'd');
  });

  it('masks a parameter before it hands it out, unless it is harmless', () => {
    const { connection, masked } = read({
      [`ENDPOINT_AUTH_PARAMETER_${ID}_APITOKEN`]: 't0ken',
      [`ENDPOINT_AUTH_PARAMETER_${ID}_TENANTID`]: 'my-tenant',
      [`ENDPOINT_AUTH_SCHEME_${ID}`]: 'Token',
    });
    assert.deepEqual(masked, []);
    connection.parameter('tenantId');
    assert.deepEqual(masked, []);
    connection.parameter('apiToken');
    assert.deepEqual(masked, ['t0ken']);
  });

  it('is an error of the inputs when the agent did not pass it', () => {
    assert.throws(
      () => read({}, 'prod'),
      (error) => error instanceof InputError && /`prod` was not passed to this task/.test(error.message),
    );
  });

  it('with broken JSON is read as far as it goes', () => {
    const { connection } = read({
      [`ENDPOINT_URL_${ID}`]: 'https://x',
      [`ENDPOINT_AUTH_${ID}`]: '{',
      [`ENDPOINT_DATA_${ID}`]: 'x',
    });
    assert.equal(connection.parameter('apiToken'), undefined);
    assert.equal(connection.data('namespace'), undefined);
  });
});

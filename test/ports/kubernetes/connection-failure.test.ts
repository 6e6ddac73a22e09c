import assert from 'node:assert/strict';
import { errors } from 'undici';
import { connectionFailure } from '../../../lib/ports/kubernetes/connection-failure.ts';

/** As Node, OpenSSL and undici name them. */
const failure = (code: string, message = 'said', more: object = {}) =>
  Object.assign(new Error(message), { code, ...more });
const of = (error: unknown) => {
  const found = connectionFailure('https://api.test', error);
  assert.ok(found);
  return { name: found.error.name, message: found.error.message, temporary: found.temporary, sent: found.sent };
};

describe('why no answer came', () => {
  for (const [code, advice] of [
    ['CERT_HAS_EXPIRED', /Renew the certificate of the server or of its authority, or correct the clock/],
    ['CERT_NOT_YET_VALID', /Correct the clock of the agent or of the server/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /name that one as tls-server-name/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /put the cluster's CA into the connection/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /put the cluster's CA into the connection/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /put the cluster's CA into the connection/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /put the cluster's CA into the connection/],
    ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', /The client certificate and its key must belong together/],
    ['ERR_OSSL_PEM_BAD_BASE64_DECODE', /the certificate, key or authority of the connection cannot be used/],
    ['ERR_OSSL_EVP_BAD_DECRYPT', /have no passphrase/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS \(said\)\. If it is a plain http server/],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', /does not speak TLS/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /and this agent could not agree on TLS/],
    ['EPROTO', /and this agent could not agree on TLS/],
  ] as const) {
    it(`is not to be tried again, and what to do is said: ${code}`, () => {
      const found = of(failure(code));
      assert.deepEqual([found.name, found.temporary, found.sent], ['InputError', false, false]);
      assert.match(found.message, /^https:\/\/api\.test /);
      assert.match(found.message, advice);
    });
  }

  for (const code of [
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
  ]) {
    it(`may be the client's own certificate: ${code}`, () => {
      const found = of(failure(code));
      assert.deepEqual([found.name, found.temporary], ['KubernetesNotPermittedError', false]);
      assert.match(found.message, /it wants a client certificate, or does not accept the one of the connection/);
    });
  }

  it('knows what cannot have reached the server', () => {
    for (const error of [
      failure('ECONNREFUSED'),
      failure('ENOTFOUND', 'x', { syscall: 'getaddrinfo' }),
      failure('EAI_AGAIN', 'x', { syscall: 'getaddrinfo' }),
      failure('ETIMEDOUT', 'x', { syscall: 'connect' }),
      failure('EHOSTUNREACH', 'x', { syscall: 'connect' }),
      new errors.ConnectTimeoutError('x'),
      Object.assign(new AggregateError([failure('ECONNREFUSED')]), { code: 'ECONNREFUSED' }),
      new errors.RequestAbortedError('Proxy response (503) !== 200 when HTTP Tunneling'),
    ]) {
      const { name, temporary, sent } = of(error);
      assert.deepEqual({ name, temporary, sent }, { name: 'UnreachableError', temporary: true, sent: false });
    }
    for (const error of [
      failure('ECONNRESET'),
      failure('EPIPE'),
      failure('ETIMEDOUT', 'x', { syscall: 'read' }),
      failure('Z_BUF_ERROR'),
      failure('HPE_INVALID_CONSTANT'),
      new errors.SocketError('other side closed'),
      new errors.HeadersTimeoutError(),
      new errors.BodyTimeoutError(),
    ]) {
      const { name, temporary, sent } = of(error);
      assert.deepEqual({ name, temporary, sent }, { name: 'UnreachableError', temporary: true, sent: true });
    }
  });

  it('is said by the first of several addresses that failed', () => {
    const both = [
      failure('ECONNREFUSED', 'connect ECONNREFUSED ::1:1'),
      failure('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'),
    ];
    const { message } = of(Object.assign(new AggregateError(both), { code: 'ECONNREFUSED' }));
    assert.match(message, /^No answer from https:\/\/api\.test: connect ECONNREFUSED ::1:1\. Check that the agent/);
  });

  it('is a mistake of ours when it is none of the network', () => {
    for (const error of [
      new TypeError('x is not a function'),
      new errors.InvalidArgumentError('invalid'),
      'text',
      null,
    ]) {
      assert.equal(connectionFailure('https://api.test', error), undefined);
    }
  });
});

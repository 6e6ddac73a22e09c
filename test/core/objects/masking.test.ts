import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { KubernetesObject } from '../../../lib/core/objects/kubernetes-object.ts';
import { isSecretName, maskObject, maskText, secretValuesOf } from '../../../lib/core/objects/masking.ts';

const options = { digestKey: 'a key of this run' };
const digest = '<secret [0-9a-f]{12}>';

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function object(kind: string, parts: Record<string, unknown>): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'x' }, ...parts };
}

describe('Masking an object', () => {
  it('hides every value of a Secret and keeps the names', () => {
    const masked = maskObject(
      object('Secret', { type: 'Opaque', data: { user: base64('ada'), 'tls.crt': '' } }),
      options,
    );
    assert.deepEqual(Object.keys(masked['data'] as object), ['user', 'tls.crt']);
    for (const value of Object.values(masked['data'] as object)) assert.match(value, new RegExp(`^${digest}$`));
    assert.equal(masked['type'], 'Opaque');
  });

  it('gives a value the same digest in data and stringData, and another under another key', () => {
    const data = (maskObject(object('Secret', { data: { a: base64('hunter22') } }), options)['data'] as { a: string })
      .a;
    const text = maskObject(object('Secret', { stringData: { a: 'hunter22' } }), options)['stringData'] as {
      a: string;
    };
    const other = maskObject(object('Secret', { stringData: { a: 'hunter22' } }), { digestKey: 'another' })[
      'stringData'
    ] as { a: string };
    assert.equal(text.a, data);
    assert.notEqual(other.a, data);
  });

  it('hides whatever else of a Secret repeats a value: an annotation with the whole manifest', () => {
    const manifest = JSON.stringify({ data: { password: base64('hunter22') } });
    const secret = object('Secret', {
      metadata: {
        name: 'x',
        annotations: { 'kapp.k14s.io/original': manifest, note: 'for hunter22', safe: 'team shop' },
      },
      data: { password: base64('hunter22') },
    });
    const { annotations } = maskObject(secret, options).metadata;
    assert.doesNotMatch(JSON.stringify(annotations), /hunter22|aHVudGVyMjI/);
    assert.equal(annotations?.['safe'], 'team shop');
  });

  it('hides a Secret inside a List, and one whose data is no map at all', () => {
    const list = object('List', { items: [object('Secret', { data: { a: base64('hunter22') } })] });
    assert.doesNotMatch(JSON.stringify(maskObject(list, options)), /hunter22|aHVudGVyMjI/);
    assert.doesNotMatch(JSON.stringify(maskObject(object('Secret', { data: 'hunter22' }), options)), /hunter22/);
  });

  it('leaves a Secret of another API group alone, as far as nothing else hides it', () => {
    const other = { ...object('Secret', { data: { a: 'plain text' } }), apiVersion: 'example.com/v1' };
    assert.deepEqual(maskObject(other, options)['data'], { a: 'plain text' });
  });

  it('hides values of a ConfigMap whose names mean a secret, and keeps the others', () => {
    const data = { DB_PASSWORD: 'hunter22', apiKey: 'hunter22', 'app.mode': 'fast', TLS_KEY_FILE: '/etc/tls.key' };
    const masked = maskObject(object('ConfigMap', { data }), options)['data'] as Record<string, string>;
    assert.match(masked['DB_PASSWORD'] ?? '', new RegExp(`^${digest}$`));
    assert.match(masked['apiKey'] ?? '', new RegExp(`^${digest}$`));
    assert.equal(masked['app.mode'], 'fast');
    assert.equal(masked['TLS_KEY_FILE'], '/etc/tls.key');
  });

  it('shows binary data as its size', () => {
    const masked = maskObject(object('ConfigMap', { binaryData: { logo: base64('12345') } }), options);
    assert.match((masked['binaryData'] as { logo: string }).logo, /^<binary 5 bytes [0-9a-f]{12}>$/);
  });

  it('hides variables and options of containers by their names', () => {
    const container = {
      name: 'web',
      image: 'registry.example.com/token-service:1.2',
      env: [
        { name: 'API_TOKEN', value: 'hunter22' },
        { name: 'MODE', value: 'fast' },
        { name: 'SECRET_NAME', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
      ],
      args: ['--password', 'hunter22', '--token=hunter22', '--verbose', 'plain'],
    };
    const masked = maskObject(object('Pod', { spec: { containers: [container] } }), options);
    const shown = (masked['spec'] as { containers: (typeof container)[] }).containers[0];
    assert.doesNotMatch(JSON.stringify(masked), /hunter22/);
    assert.equal(shown?.image, container.image);
    assert.deepEqual(shown?.env[1], container.env[1]);
    assert.deepEqual(shown?.env[2], container.env[2]);
    assert.deepEqual(
      shown?.args.filter((arg) => !arg.includes('<secret')),
      ['--password', '--verbose', 'plain'],
    );
  });

  it('hides fields of custom resources that are named like a secret, but not references to one', () => {
    const spec = {
      password: 'hunter22',
      clientSecret: 'hunter22',
      secretName: 'db',
      secret: 'db',
      key: 'node',
      passwordRef: { name: 'x' },
    };
    const masked = maskObject(object('Database', { spec }), options)['spec'] as Record<string, unknown>;
    assert.match(String(masked['password']), new RegExp(`^${digest}$`));
    assert.match(String(masked['clientSecret']), new RegExp(`^${digest}$`));
    for (const name of ['secretName', 'secret', 'key', 'passwordRef'] as const)
      assert.deepEqual(masked[name], spec[name]);
  });

  it('hides the last applied configuration of any object', () => {
    const metadata = {
      name: 'x',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"a":"hunter22"}}' },
    };
    assert.doesNotMatch(JSON.stringify(maskObject(object('ConfigMap', { metadata }), options)), /hunter22/);
  });

  it('hides what is told to be secret wherever it is repeated', () => {
    const secret = object('Secret', { data: { a: base64('hunter22') } });
    const masking = { ...options, known: secretValuesOf(secret) };
    assert.doesNotMatch(
      JSON.stringify(maskObject(object('ConfigMap', { data: { note: 'it is hunter22' } }), masking)),
      /hunter22/,
    );
    assert.doesNotMatch(maskText(`the webhook said ${base64('hunter22')}`, masking), /aHVudGVyMjI/);
    assert.deepEqual(secretValuesOf(object('ConfigMap', { data: { a: 'hunter22' } })), []);
  });

  it('does not change the object it is given', () => {
    const secret = object('Secret', { data: { a: base64('hunter22') } });
    const copy = structuredClone(secret);
    maskObject(secret, options);
    assert.deepEqual(secret, copy);
  });

  it('leaves an object without secrets as it is', () => {
    const pod = object('Pod', {
      spec: {
        containers: [
          { name: 'a', image: 'b:1', ports: [{ containerPort: 80 }], tolerations: [{ key: 'k', value: 'v' }] },
        ],
      },
    });
    assert.deepEqual(maskObject(pod, options), pod);
  });

  it('survives what is nested absurdly deep', () => {
    let deep: unknown = { password: 'hunter22' };
    for (let i = 0; i < 20_000; i++) deep = i % 2 === 0 ? [deep] : { a: deep };
    assert.doesNotMatch(JSON.stringify(maskObject(object('Thing', { spec: deep }), options)), /hunter22/);
  });

  it('never fails on any JSON', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Secret', 'ConfigMap', 'Thing'),
        fc.jsonValue(),
        fc.jsonValue(),
        (kind, data, spec) => {
          maskObject(object(kind, { data, stringData: spec, binaryData: spec, spec, metadata: data }), options);
        },
      ),
    );
  });

  it('shows no generated secret, neither as it is nor as base64', () => {
    fc.assert(
      fc.property(generatedSecret, (secret) => {
        const objects = [
          object('Secret', {
            data: { a: base64(secret) },
            stringData: { b: secret },
            metadata: { name: 'x', annotations: { c: `x ${secret}` } },
          }),
          object('ConfigMap', {
            data: {
              'db-password': secret,
              url: `postgres://user:${secret}@db/shop`,
              'app.properties': `a=1\npassword=${secret}\n`,
            },
          }),
          object('Pod', {
            spec: { env: [{ name: 'TOKEN', value: secret }], args: [`--api-key=${secret}`, '--secret', secret] },
          }),
        ];
        const text = JSON.stringify(objects.map((one) => maskObject(one, options)));
        assert.ok(!text.includes(secret) && !text.includes(base64(secret)), text);
      }),
    );
  });
});

describe('Masking text', () => {
  const shows = (text: string) => maskText(text, options).replace(new RegExp(digest, 'g'), '***');

  it('hides passwords in URLs', () => {
    assert.equal(
      shows('at postgres://ada:hunter22@db:5432/shop and https://example.com:443/a'),
      'at postgres://ada:***@db:5432/shop and https://example.com:443/a',
    );
  });

  it('hides what follows the name of a secret', () => {
    assert.equal(shows('Server=db;Password=hunter22;Timeout=5'), 'Server=db;Password=***;Timeout=5');
    assert.equal(shows('{"apiKey": "hunter22", "size": 3}'), '{"apiKey": ***, "size": 3}');
    assert.equal(shows('token: hunter22'), 'token: ***');
    assert.equal(shows('password=hun,ter;22&'), 'password=***&');
    assert.equal(shows('?password=hunter22&x=1'), '?password=***&x=1');
    assert.equal(shows('Authorization: Bearer abc.def'), 'Authorization: Bearer ***');
    assert.equal(shows('AccountKey=hunter22==;x=y'), 'AccountKey=***;x=y');
  });

  it('hides private keys', () => {
    const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----';
    assert.equal(shows(`a\n${pem}\nb`), 'a\n***\nb');
    assert.equal(shows('-----BEGIN PRIVATE KEY-----\nMIIE cut off'), '***');
  });

  it('leaves other text alone', () => {
    for (const text of [
      'nginx:1.27',
      'a=b',
      'registry/token-service:1.2',
      'keyboard=us',
      'exit code: 1',
      'no token here',
      'TOKEN_FILE=/run/token',
    ]) {
      assert.equal(maskText(text, options), text);
    }
  });

  it('takes no longer than the text is long', () => {
    const started = performance.now();
    for (const text of [
      'a'.repeat(1_000_000),
      'a.'.repeat(500_000),
      'password = '.repeat(50_000),
      'a://'.repeat(100_000),
      `${' '.repeat(500_000)}=`,
      '-----BEGIN PRIVATE KEY-----'.repeat(20_000),
      '"'.repeat(300_000),
      `password=${';a'.repeat(300_000)}`,
      `password=;${'a'.repeat(300_000)}`,
    ]) {
      maskText(text, options);
    }
    assert.ok(performance.now() - started < 5000);
  });
});

describe('The name of a secret', () => {
  it('is known in any spelling', () => {
    for (const name of [
      'password',
      'DB_PASSWORD',
      'dbPassword',
      'ConnectionStrings__Default',
      'ConnectionString',
      'AZURE_CLIENT_SECRET',
      'API_KEY',
      'apikey',
      'x-api-key',
      'SAS',
      'GITHUB_PAT',
      'tls.key',
      'accessToken',
      'credentials',
    ]) {
      assert.ok(isSecretName(name), name);
    }
  });

  it('is not one that only has to do with a secret', () => {
    for (const name of [
      'LOG_LEVEL',
      'keyboard',
      'TLS_KEY_FILE',
      'tokenPath',
      'secretName',
      'MONKEY',
      'PATH',
      'patch',
      'TOKEN_TTL_SECONDS',
      'compass',
    ]) {
      assert.ok(!isSecretName(name), name);
    }
  });
});

/** Long enough not to be a part of any other text by chance. */
const generatedSecret = fc
  .string({ unit: fc.constantFrom(...'abcdefghkmnpqrstuvwxyzABCDEFGH23456789_-.!~'), minLength: 8, maxLength: 40 })
  .filter((text) => !/^-/.test(text));

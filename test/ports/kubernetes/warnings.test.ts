import assert from 'node:assert/strict';
import fc from 'fast-check';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';
import { warningTexts } from '../../../lib/ports/kubernetes/warnings.ts';
import { accessTo, cleanUp, configMaps, direct, stubServer } from './stub-server.ts';

/** As `NewWarningHeader` of k8s.io/apimachinery writes one. */
const header = (text: string, code = 299, agent = '-') =>
  `${code} ${agent} "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
/** As Node hands over the bytes of a header. */
const received = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

describe('warnings of an API server', () => {
  const opened = cleanUp();

  it('are read from one header, several headers and several in one', () => {
    assert.deepEqual(warningTexts(undefined), []);
    assert.deepEqual(warningTexts(header('a')), ['a']);
    assert.deepEqual(warningTexts([header('a'), header('b')]), ['a', 'b']);
    assert.deepEqual(warningTexts(`${header('a, b')}, ${header('say "x"')},${header('back\\slash')}`), [
      'a, b',
      'say "x"',
      'back\\slash',
    ]);
  });

  it('may carry a date, an agent, and other codes, which are not for users', () => {
    assert.deepEqual(warningTexts(`${header('a', 299, 'agent:80')} "Sat, 25 Aug 2012 23:34:45 GMT", ${header('b')}`), [
      'a',
      'b',
    ]);
    assert.deepEqual(warningTexts(`${header('stale: 299 - "x"', 110)}, ${header('b')}`), ['b']);
  });

  it('are not made up from what is no warning', () => {
    for (const text of ['', '299', '299 -', '299 - "open', 'x 299 - "a"', '"299 - "a""', `${header('')}`]) {
      assert.deepEqual(warningTexts(text), []);
    }
  });

  it('are whatever text the server wrote', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => !/\p{Cc}/u.test(value));
    fc.assert(
      fc.property(fc.array(text), fc.boolean(), (list, joined) => {
        const headers = list.map((value) => received(header(value)));
        assert.deepEqual(warningTexts(joined && headers.length > 0 ? headers.join(', ') : headers), list);
      }),
      { numRuns: 400 },
    );
  });

  it('do not take long to read, however odd', () => {
    const started = Date.now();
    warningTexts(`299 - "${'\\'.repeat(100_000)}`);
    warningTexts('299 - "a", '.repeat(20_000));
    assert.ok(Date.now() - started < 1000);
  });

  it('come with what was applied', async () => {
    const server = await opened(
      stubServer((_request, response) => {
        response.setHeader('warning', [header('v1beta1 is deprecated'), received(header('ünïcode "quoted"'))]);
        // A string would go out together with the headers, in its own encoding.
        response.end(Buffer.from('{}'));
      }),
    );
    const client = await opened(connect(accessTo(server), { network: direct }));
    const { warnings } = await client.apply(configMaps, 'shop', 'a', {}, { fieldManager: 'm', force: false });
    assert.deepEqual(warnings, ['v1beta1 is deprecated', 'ünïcode "quoted"']);
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  checkPath,
  decodeParameters,
  isRpcPath,
  isUnder,
  lastSegment,
  normalizePath,
  parseRoute,
  pathOf,
} from './url.reader.js';

const serves = (name: string) => name === 'my' || name === 'Conf.Spec_ial~1$';
const isRpc = (path: string, prefix = '/') => isRpcPath(path, prefix, serves);

describe('a request path', () => {
  it.each([
    '/my-1.0.0-op',
    '/a/b/my-1.0.0-op',
    '/my-1.0.0-op/',
    '//x//my-1.0.0-op//',
    '/my-9-op',
    '/Conf.Spec_ial~1$-1.0.0-ping',
    '/t/v/mode/1/context/T/imodel/M/changeset/C/unknown-1.0.0-op',
    '/t/v/mode/1/context//imodel//changeset/0/x-y',
    '/mode/1/context/T/imodel/M/nohyphens',
    '/anything/Zm9v-CONTROL-describeEndpoints',
    '/b-CONTROL-x',
  ])('%s belongs to RPC', (path) => expect(isRpc(path)).toBe(true));

  it.each([
    '/',
    '',
    '/cats/my-cool-route',
    '/cats/my-route',
    '/my',
    '/my-',
    '/my--op',
    '/other-1.0.0-op',
    '/my-1.0.0-op/details',
    '/imodel/mode/x',
    '/mode/1/x-y',
    '/imodel/M/mode/1/x-y',
    '/%6dy-1.0.0-op',
    '/MY-1.0.0-op',
    '/constructor-1.0.0-op',
    '/__proto__-1.0.0-op',
    '/CONTROL',
  ])('%s belongs to the application', (path) => expect(isRpc(path)).toBe(false));

  it('outside of the prefix belongs to the application', () => {
    expect(isRpc('/api/my-1.0.0-op', '/api')).toBe(true);
    for (const path of [
      '/my-1.0.0-op',
      '/apis/my-1.0.0-op',
      '//api/my-1.0.0-op',
      '/API/my-1.0.0-op',
      '/x/../api/my-1.0.0-op',
    ])
      expect([path, isRpc(path, '/api')]).toEqual([path, false]);
    expect([isUnder('/api', '/api'), isUnder('/api/', '/api'), isUnder('/apis', '/api')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('a request target', () => {
  it('is split at its first question mark', () => {
    expect(pathOf('/a?b?c')).toBe('/a');
    expect(pathOf('/a')).toBe('/a');
    expect(parseRoute('/I-1.0.0-op?x=/J-2.0.0-other')).toMatchObject({ interfaceName: 'I', operation: 'op' });
  });

  it('has its operation in the last segment that is not empty', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('/', 'a', '-', '.', '%', ':') }), (path) => {
        expect(lastSegment(path)).toBe(path.split('/').findLast((segment) => segment !== '') ?? '');
      }),
    );
  });

  it('has interface, version and operation, where the version can have hyphens', () => {
    const name = fc.stringMatching(/^[\w.$~:]+$/);
    fc.assert(
      fc.property(name, fc.stringMatching(/^[\w.-]+$/), name, (interfaceName, version, operation) => {
        expect(parseRoute(`/p/${interfaceName}-${version}-${operation}`)).toEqual({
          interfaceName,
          version,
          operation,
          parameters: '',
        });
      }),
    );
  });

  it.each(['/', '', '//', '?x=1'])('"%s" is refused because it names no operation', (target) => {
    expect(() => parseRoute(target)).toThrow('The path names no operation.');
  });
});

describe('the URL parameters of a GET call', () => {
  it('are read as the base64 of btoa', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
        (text) => {
          const target = `/I-1-op?parameters=${encodeURIComponent(btoa(text))}`;
          expect(decodeParameters(parseRoute(target).parameters)).toBe(text);
        },
      ),
    );
  });

  it.each(['%25', 'a-b', 'a_b', '%20', 'W10+', '%', '%ff', 'é', 'W1 0', "'", '%00'])(
    'are refused if they are "%s"',
    (text) => {
      expect(() => parseRoute(`/I-1-op?parameters=${text}`)).toThrow('Malformed URL parameters detected.');
    },
  );

  it.each(['$', 'W', 'W10=W', '====', 'W=10'])('are refused at decoding if they are "%s"', (text) => {
    expect(() => decodeParameters(parseRoute(`/I-1-op?parameters=${text}`).parameters)).toThrow('Malformed');
  });

  it.each(['', '?', '?parameters=', '?x=W10=', '?Parameters=W10='])('are absent in "%s"', (query) => {
    expect(parseRoute(`/I-1-op${query}`).parameters).toBe('');
  });
});

describe('a prefix', () => {
  it.each([
    ['', ''],
    ['/', ''],
    ['//', ''],
    ['api', '/api'],
    ['/api/', '/api'],
    ['//a/b//', '/a/b'],
  ])('"%s" becomes "%s"', (path, prefix) => expect(normalizePath(path)).toBe(prefix));

  it('that is empty has every path under it', () => {
    expect([isUnder('/x', ''), isUnder('/x', '/'), isUnder('', '/')]).toEqual([true, true, true]);
  });
});

describe('a path that can be read in more than one way', () => {
  it.each(['/a/./b', '/a/../b', '/a/..;/b', '/a\\b', '/%61', '/a%2eb', '/a%00b', '/é', '/a b', '/a%'])(
    '"%s" is refused',
    (path) => expect(() => checkPath(path, true)).toThrow('the path can be read in more than one way.'),
  );

  it('may have an encoded slash if the caller allows it', () => {
    expect(() => checkPath('/a%2Fb', true)).not.toThrow();
    expect(() => checkPath('/a%2Fb', false)).toThrow('more than one way');
    expect(() => checkPath('/a%2F..%2Fb', true)).toThrow('more than one way');
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cacheControl, chooseEncoding } from './cache.policy.js';

describe('the content encoding of a reply', () => {
  it.each([
    ['', undefined],
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['gzip, deflate', 'gzip'],
    ['gzip,deflate,br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=1.0, gzip;q=0.5', 'br'],
    ['br;q=0, gzip', 'gzip'],
    ['br; q=0.000 , gzip;q=0', undefined],
    ['br;q=0.001', 'br'],
    ['BR', 'br'],
    ['GZip;Q=0', undefined],
    ['deflate', undefined],
    ['identity', undefined],
    ['*', undefined],
    ['brotli, xgzip', undefined],
  ])('for Accept-Encoding "%s" is %s', (accepted, encoding) =>
    expect(chooseEncoding(accepted)).toBe(encoding),
  );

  it('is one of those that are offered', () => {
    expect(chooseEncoding('gzip, br', ['gzip'])).toBe('gzip');
    expect(chooseEncoding('br', ['gzip'])).toBeUndefined();
  });

  it('is chosen for any text of Accept-Encoding', () => {
    fc.assert(
      fc.property(fc.string(), (text) => [undefined, 'br', 'gzip'].includes(chooseEncoding(text))),
      {
        numRuns: 1000,
      },
    );
    expect(chooseEncoding('gzip, br')).toBe('br');
  });
});

describe('the Cache-Control of a reply', () => {
  it.each([
    ['anything', 's-maxage=86400, max-age=172800, immutable', 'private, max-age=172800, immutable'],
    ['getConnectionProps', 's-maxage=86400, max-age=1, immutable', 'private, max-age=1, immutable'],
    [
      'getTileCacheContainerUrl',
      's-maxage=82800, max-age=82800, immutable',
      'private, max-age=82800, immutable',
    ],
    ['generateTileContent', 'no-store', 'no-store'],
  ])('depends on operation, authorization and size: %s', (operation, open, authorized) => {
    expect(cacheControl(operation, 10, false)).toBe(open);
    expect(cacheControl(operation, 10, true)).toBe(authorized);
    expect(cacheControl(operation, 500_000_001, false)).toBe('no-store');
  });
});

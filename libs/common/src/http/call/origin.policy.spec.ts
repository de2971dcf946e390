import { describe, expect, it } from '@jest/globals';
import type { HttpRequestHead } from '../protocol/message.js';
import { OriginPolicy } from './origin.policy.js';
import type { OriginOptions } from './origin.policy.js';

const head = (headers: Record<string, string | undefined>, loopback: boolean): HttpRequestHead => ({
  method: 'POST',
  target: '/',
  headers,
  isLoopback: () => loopback,
});
const origin = (
  value: string | undefined,
  loopback: boolean,
  options: OriginOptions = {},
  host = 'api.example.com',
) => new OriginPolicy(options).checkOrigin(head({ origin: value, host }, loopback));
const policy = (options: OriginOptions) => {
  const all = new OriginPolicy(options);
  return { checkOrigin: (request: HttpRequestHead) => all.checkOrigin(request) };
};
const refused = expect.objectContaining({ status: 403 });

describe('a page', () => {
  it('of this computer may call a server over loopback', () => {
    for (const page of [
      'http://localhost:3000',
      'http://127.0.0.1:8080',
      'https://[::1]',
      'http://app.localhost',
      'http://127.1.2.3',
    ])
      for (const host of ['localhost:3001', '127.0.0.1', '[::1]:3001', 'App.localhost'])
        expect(origin(page, true, {}, host)).toBe(page);
  });

  it('of this computer may not call a server over loopback by another host name', () => {
    for (const host of ['api.example.com', '10.0.0.1', 'localhost.example.com', 'localhost:x', undefined]) {
      const { checkOrigin } = policy({ hosts: ['api.example.com'] });
      const request = head({ origin: 'http://localhost:3000', host }, true);
      expect(() => checkOrigin(request)).toThrow(refused);
      const listed = policy({ hosts: ['api.example.com'], origins: ['http://localhost:3000'] });
      expect(listed.checkOrigin(request)).toBe('http://localhost:3000');
    }
  });

  it('of the server itself may call, also by the header :authority of HTTP/2', () => {
    const page = 'https://api.example.com';
    for (const name of ['host', ':authority'])
      expect(new OriginPolicy().checkOrigin(head({ origin: page, [name]: 'api.example.com' }, false))).toBe(
        page,
      );
  });

  it('of this computer may not call a server that is not reached over loopback', () => {
    for (const page of ['http://localhost:3000', 'http://127.0.0.1:8080', 'https://[::1]'])
      expect(() => origin(page, false)).toThrow(refused);
  });

  it('whose host only looks like this computer may not call', () => {
    for (const page of [
      'http://localhost.evil.com',
      'http://127.0.0.1.evil.com',
      'http://evillocalhost',
      'http://localhost@evil.com',
      'http://127.0.0.1:80@evil.com',
      'http://128.0.0.1',
      'http://evil.com#localhost',
    ])
      expect(() => origin(page, true)).toThrow(refused);
  });

  it('of another origin may not call', () => {
    expect(() => origin('https://evil.com', true)).toThrow(
      'Origin "https://evil.com" may not call this server.',
    );
    expect(() => origin('https://evil.com', false)).toThrow(refused);
  });

  it('that the same host and port served may call', () => {
    expect(origin('https://api.example.com', false)).toBe('https://api.example.com');
    expect(origin('https://api.example.com:8443', false, {}, 'api.example.com:8443')).toBe(
      'https://api.example.com:8443',
    );
    expect(() => origin('https://api.example.com:1', false)).toThrow(refused);
  });

  it.each([
    ['https://api.example.com', 'api.example.com:443'],
    ['http://api.example.com', 'api.example.com:80'],
    ['https://api.example.com', 'api.example.com:80'],
    ['https://api.example.com', 'API.Example.com'],
    ['HTTPS://API.example.com', 'api.example.com:443'],
    ['https://api.example.com:443', 'api.example.com'],
    ['https://api.example.com:8443', 'Api.example.com:8443'],
    ['http://[::ffff]:80', '[::FFFF]'],
  ])('of %s may call the host "%s"', (page, host) => {
    expect(origin(page, false, {}, host)).toBe(page);
  });

  it.each([
    ['https://api.example.com', 'api.example.com:8443'],
    ['https://api.example.com:8443', 'api.example.com:443'],
    ['http://api.example.com:443', 'api.example.com'],
    ['https://api.example.com:80', 'api.example.com'],
    ['https://api.example.com', 'api.example.com:443:443'],
    ['https://evil.com', 'api.example.com:443'],
    ['https://api.example.com.', 'api.example.com'],
  ])('of %s may not call the host "%s"', (page, host) => {
    expect(() => origin(page, false, {}, host)).toThrow(refused);
  });

  it('with the origin "null" may not call', () => {
    expect(() => origin('null', true)).toThrow(refused);
    expect(() => origin('null', false, { origins: ['null'] })).toThrow(refused);
    expect(() => origin('null', false, { origins: () => true })).toThrow(refused);
    expect(() => origin('', true)).toThrow(refused);
  });

  it('may call if its whole origin is listed', () => {
    const origins = ['https://app.example.com'];
    expect(origin('https://app.example.com', false, { origins })).toBe('https://app.example.com');
    for (const page of [
      'http://app.example.com',
      'https://app.example.com:1',
      'https://app.example.com.evil.com',
      'https://x.app.example.com',
    ])
      expect(() => origin(page, false, { origins })).toThrow(refused);
  });

  it('of a mobile app with its own scheme may call if its origin is listed', () => {
    const page = 'capacitor://localhost';
    expect(origin(page, false, { origins: [page] })).toBe(page);
    expect(origin(page, false, { origins: (name) => name === page })).toBe(page);
    expect(() => origin(page, true)).toThrow(refused);
    expect(() => origin('app://api.example.com', false)).toThrow(refused);
    for (const other of [
      'ionic://localhost',
      'capacitor:localhost',
      'capacitor://localhost/x',
      '://localhost',
    ])
      expect(() => origin(other, true, { origins: [page] })).toThrow(refused);
  });

  it.each<[string, unknown]>([
    ['a promise', Promise.resolve(false)],
    ['a text', 'no'],
    ['nothing', undefined],
  ])('may not call if the function origins returns %s', (_what, verdict) => {
    expect(() => origin('https://app.example.com', false, { origins: () => verdict as boolean })).toThrow(
      refused,
    );
  });

  it('may call if the function origins returns true for the origin and the request', () => {
    const origins = (page: string, { headers }: HttpRequestHead) =>
      page.endsWith('.example.com') && headers['host'] === 'api.example.com';
    expect(origin('https://any.example.com', false, { origins })).toBe('https://any.example.com');
    expect(() => origin('https://any.example.org', false, { origins })).toThrow(refused);
  });

  it('of any origin may call if origins is "*"', () => {
    for (const page of ['https://evil.com', 'null', undefined])
      expect(origin(page, false, { origins: '*' })).toBe('*');
  });
});

it('a client without an origin may call', () => {
  expect(origin(undefined, false)).toBeUndefined();
  expect(origin(undefined, true)).toBeUndefined();
});

describe('the host header of a request over loopback', () => {
  const host = (value: string | undefined, loopback: boolean, hosts?: string[]) =>
    new OriginPolicy(hosts ? { hosts } : {}).checkHost(head({ host: value }, loopback));

  it.each([
    'localhost',
    'localhost:3001',
    'LOCALHOST',
    '127.0.0.1:80',
    '[::1]',
    '[::1]:80',
    'app.localhost:1',
    undefined,
  ])('can be %s', (name) => expect(() => host(name, true)).not.toThrow());

  it.each([
    'evil.com',
    'evil.com:3001',
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    '10.0.0.1',
    '[fe80::1]',
    '',
  ])('cannot be "%s"', (name) => expect(() => host(name, true)).toThrow(refused));

  it('can be a listed host, with or without its port', () => {
    expect(() => host('proxy.example.com', true, ['Proxy.example.com'])).not.toThrow();
    expect(() => host('proxy.example.com:8443', true, ['proxy.example.com'])).not.toThrow();
    expect(() => host('proxy.example.com:8443', true, ['proxy.example.com:8443'])).not.toThrow();
    expect(() => host('proxy.example.com', true, ['proxy.example.com:443'])).not.toThrow();
    expect(() => host('proxy.example.com:1', true, ['proxy.example.com:8443'])).toThrow(refused);
    expect(() => host('other.example.com', true, ['proxy.example.com'])).toThrow(refused);
  });

  it('is not checked if the server is not reached over loopback', () => {
    expect(() => host('anything.example.com', false)).not.toThrow();
  });
});

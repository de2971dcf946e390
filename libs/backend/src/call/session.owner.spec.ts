import { describe, expect, it } from '@jest/globals';
import { ownerOf, userName } from './session.owner.js';

describe('the owner of a share of the limits', () => {
  it.each<[string, unknown, unknown]>([
    ['equal users', { id: 1, roles: ['a'] }, { id: 1, roles: ['a'] }],
    [
      'one user with two tokens',
      { sub: 'ann', iat: 1, exp: 2, jti: 'x' },
      { sub: 'ann', iat: 3, exp: 4, jti: 'y' },
    ],
    ['equal names', 'ann', 'ann'],
  ])('is the same for %s', (_who, a, b) => {
    expect(ownerOf(a, '10.0.0.1')).toBe(ownerOf(b, '10.0.0.2'));
  });

  it.each<[string, unknown, unknown]>([
    ['two users', { id: 1 }, { id: 2 }],
    ['users of two tenants', { tenant: 'a', id: 1 }, { tenant: 'b', id: 1 }],
    ['a number and its text', 1, '1'],
    ['two long names with one beginning', 'x'.repeat(1000), `${'x'.repeat(999)}y`],
  ])('differs for %s', (_who, a, b) => {
    expect(ownerOf(a, '10.0.0.1')).not.toBe(ownerOf(b, '10.0.0.1'));
  });

  it('is the address if the user is not known, and the network of an IPv6 address', () => {
    const owner = (address?: string) => ownerOf(undefined, address);
    expect(owner('10.0.0.1')).toBe(owner('::ffff:10.0.0.1'));
    expect(owner('10.0.0.1')).not.toBe(owner('10.0.0.2'));
    expect(owner('2001:db8::1')).toBe(owner('2001:db8:0:0:ffff::2'));
    expect(owner('2001:db8::1')).toBe(owner('2001:0db8:0000::3'));
    expect(owner('2001:db8::1')).not.toBe(owner('2001:db8:0:1::1'));
    expect(owner('::1')).toBe(owner('::1'));
    expect(owner(undefined)).toBe(owner(undefined));
  });

  it.each<[string, unknown]>([
    ['has a member that JSON does not carry', { id: 1n }],
    ['has only private members', new (class User {})()],
    ['differs from others only by its token', { jti: 'x', exp: 1 }],
    ['is a function', () => undefined],
  ])('is the address if a user %s, so that it is taken for no other user', (_why, user) => {
    expect(ownerOf(user, '10.0.0.1')).toBe(ownerOf(undefined, '10.0.0.1'));
    expect(userName(user)).toBeUndefined();
    expect(userName(user, () => 'ann')).toBe('user ann');
  });

  it('is the key that the application returns for a user', () => {
    const nameOf = (user: unknown) => (user as { id: string }).id;
    const first = ownerOf({ id: 'ann', seen: 1 }, undefined, nameOf);
    expect(first).toBe(ownerOf({ id: 'ann', seen: 2 }, undefined, nameOf));
    expect(first).not.toBe(ownerOf('ann', undefined));
  });

  it('is not the address of another peer if a user has that address as its name', () => {
    expect(ownerOf('address 10.0.0.1', undefined)).not.toBe(ownerOf(undefined, '10.0.0.1'));
  });
});

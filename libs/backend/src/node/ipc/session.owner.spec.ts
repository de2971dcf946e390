import { describe, expect, it } from '@jest/globals';
import { ownerOf } from './session.owner.js';

describe('what users share is shared by', () => {
  it.each<[string, unknown, unknown]>([
    ['equal users', { id: 1, roles: ['a'] }, { id: 1, roles: ['a'] }],
    [
      'one user with two tokens',
      { sub: 'ann', iat: 1, exp: 2, jti: 'x' },
      { sub: 'ann', iat: 3, exp: 4, jti: 'y' },
    ],
    ['equal names', 'ann', 'ann'],
    ['users that cannot be written', { id: 1n }, { id: 1n }],
  ])('%s', (_who, a, b) => {
    expect(ownerOf(a, '10.0.0.1')).toBe(ownerOf(b, '10.0.0.2'));
  });

  it.each<[string, unknown, unknown]>([
    ['others', { id: 1 }, { id: 2 }],
    ['users of two tenants', { tenant: 'a', id: 1 }, { tenant: 'b', id: 1 }],
    ['a number and its text', 1, '1'],
    ['a long name and another', 'x'.repeat(1000), `${'x'.repeat(999)}y`],
  ])('not by %s', (_who, a, b) => {
    expect(ownerOf(a, '10.0.0.1')).not.toBe(ownerOf(b, '10.0.0.1'));
  });

  it('who has one address, where nobody knows who it is; of IPv6 one network', () => {
    const owner = (address?: string) => ownerOf(undefined, address);
    expect(owner('10.0.0.1')).toBe(owner('::ffff:10.0.0.1'));
    expect(owner('10.0.0.1')).not.toBe(owner('10.0.0.2'));
    expect(owner('2001:db8::1')).toBe(owner('2001:db8:0:0:ffff::2'));
    expect(owner('2001:db8::1')).toBe(owner('2001:0db8:0000::3'));
    expect(owner('2001:db8::1')).not.toBe(owner('2001:db8:0:1::1'));
    expect(owner('::1')).toBe(owner('::1'));
    expect(owner(undefined)).toBe(owner(undefined));
  });

  it('whom the application names the same', () => {
    const nameOf = (user: unknown) => (user as { id: string }).id;
    const first = ownerOf({ id: 'ann', seen: 1 }, undefined, nameOf);
    expect(first).toBe(ownerOf({ id: 'ann', seen: 2 }, undefined, nameOf));
    expect(first).not.toBe(ownerOf('ann', undefined));
  });

  it('nobody who calls himself an address', () => {
    expect(ownerOf('address 10.0.0.1', undefined)).not.toBe(ownerOf(undefined, '10.0.0.1'));
  });
});

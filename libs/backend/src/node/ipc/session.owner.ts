import { createHash } from 'node:crypto';

/** Claims that differ in every token of one user (RFC 7519, OpenID Connect). */
const volatileClaims = new Set(['iat', 'exp', 'nbf', 'jti', 'auth_time', 'at_hash', 'nonce', 'sid']);
/** Longer ones are kept as their hash. */
const MAX_NAME_LENGTH = 64;

/**
 * Names who shares the memory and the places of a server with others: equal for all connections of one user, or of one
 * address where nobody knows who it is.
 *
 * @param user as it was found out; `undefined` where nobody asked
 * @param address behind proxies that are trusted
 * @param nameOf names a user, where the application has a better name than all that it knows
 */
export function ownerOf(
  user: unknown,
  address: string | undefined,
  nameOf: (user: unknown) => string = textOf,
): string {
  if (user === undefined || user === null) return `address ${networkOf(address ?? '')}`;
  const name = nameOf(user);
  if (name.length <= MAX_NAME_LENGTH) return `user ${name}`;
  return `user ${createHash('sha256').update(name).digest('base64url')}`;
}

function textOf(user: unknown): string {
  try {
    return (
      JSON.stringify(user, (key, value: unknown) => (volatileClaims.has(key) ? undefined : value)) ??
      typeof user
    );
  } catch {
    // It has a cycle, or a number that JSON does not have. Applications with such users have `userKey`.
    return 'of no name';
  }
}

/** As much of an address as one peer does not choose: of IPv6 the network, in which it has as many as it likes. */
function networkOf(address: string): string {
  const [, version4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (version4 !== undefined || !address.includes(':')) return version4 ?? address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - behind.length) }, () => '0');
  return [...groups, ...zeros, ...behind]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}

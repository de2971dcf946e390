import { createHash } from 'node:crypto';
import { volatileClaims } from '@linnet/common/internal';

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
  nameOf?: (user: unknown) => string,
): string {
  const name = user === undefined || user === null ? undefined : userName(user, nameOf);
  return name ?? `address ${networkOf(address ?? '')}`;
}

/**
 * Names a user for other users and nodes.
 *
 * @param nameOf names a user, where the application has a better name than all that it knows
 * @returns `undefined` for a user that has nothing to tell it from others: it is equal to nobody
 */
export function userName(
  user: unknown,
  nameOf: (user: unknown) => string | undefined = textOf,
): string | undefined {
  const name = nameOf(user);
  if (name === undefined || name.length <= MAX_NAME_LENGTH)
    return name === undefined ? undefined : `user ${name}`;
  return `user ${createHash('sha256').update(name).digest('base64url')}`;
}

/** A user as JSON; `undefined` if JSON has nothing of it. Applications with such users have `userKey`. */
function textOf(user: unknown): string | undefined {
  try {
    const text = JSON.stringify(user, (key, value: unknown) => (volatileClaims.has(key) ? undefined : value));
    // For instance an object whose members are private, or differ from token to token.
    return text === '{}' || text === '[]' ? undefined : text;
  } catch {
    // It has a cycle, or a number that JSON does not have.
    return undefined;
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

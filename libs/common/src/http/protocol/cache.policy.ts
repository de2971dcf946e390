/** How long a response may be cached, by operation name. Tiles have their own lifetime (docs/wire.md#25-response). */
const lifetimes = new Map([
  ['generateTileContent', { shared: 0, own: 0 }],
  ['getConnectionProps', { shared: 86400, own: 1 }],
  ['getTileCacheContainerUrl', { shared: 82800, own: 82800 }],
]);
const otherwise = { shared: 86400, own: 172800 };
/** Longer text is not kept. */
const MAX_CACHED_LENGTH = 500_000_000;

/**
 * The `Cache-Control` of an answer that may be kept.
 *
 * @param authorized whether the request had credentials, so that no shared cache may give the answer to others
 */
export function cacheControl(operation: string, bodyLength: number, authorized: boolean): string {
  const { shared, own } = lifetimes.get(operation) ?? otherwise;
  if (own === 0 || bodyLength > MAX_CACHED_LENGTH) return 'no-store';
  return authorized ? `private, max-age=${own}, immutable` : `s-maxage=${shared}, max-age=${own}, immutable`;
}

/** Encodings by `Accept-Encoding`. Clients send few different values. The map is emptied if a client sends many. */
const acceptedBy = new Map<string, readonly string[]>();

type Encoding = 'br' | 'gzip';
const encodings: readonly Encoding[] = ['br', 'gzip'];

/** The first of the offered encodings that the client accepts. */
export function chooseEncoding(acceptEncoding: string, offered = encodings): Encoding | undefined {
  if (acceptEncoding === '') return undefined;
  let accepted = acceptedBy.get(acceptEncoding);
  if (!accepted) {
    if (acceptedBy.size >= 100) acceptedBy.clear();
    accepted = acceptEncoding
      .toLowerCase()
      .split(',')
      .filter((item) => !/;\s*q=0(\.0*)?\s*$/.test(item))
      .map((item) => item.split(';', 1)[0]!.trim());
    acceptedBy.set(acceptEncoding, accepted);
  }
  return offered.find((encoding) => accepted.includes(encoding));
}

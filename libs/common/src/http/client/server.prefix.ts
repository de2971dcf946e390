/** @throws Error if the prefix does not name a server, or looks like a host without its scheme */
export function checkPrefix(prefix: string, origin: string | undefined): void {
  // A page may use a path of its own origin. A colon in the first segment would make it a scheme.
  const isHost = /^(?!https?:\/\/)[^/]*:/i.test(prefix);
  try {
    if (!isHost && new URL(prefix, origin)) return;
  } catch {
    // The prefix is not a URL.
  }
  const lacking = isHost ? 'a scheme, http:// or https://' : 'its origin outside of a page';
  throw new Error(`A uriPrefix needs ${lacking}: "${prefix}".`);
}

/** The origin of the page that this code runs in; `undefined` outside of one. */
export function pageOrigin(): string | undefined {
  const { location } = globalThis as { location?: { origin?: string } };
  return location?.origin === 'null' ? undefined : location?.origin;
}

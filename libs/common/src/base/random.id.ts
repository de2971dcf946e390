/** The members of `crypto` that a platform may have. */
interface PlatformCrypto {
  randomUUID?(): string;
  getRandomValues?(bytes: Uint8Array): void;
}

/**
 * Creates a random UUID. Unlike `crypto.randomUUID` it works in pages on plain `http:` and on platforms without `crypto`,
 * where it must not serve as a secret.
 */
export function newId(): string {
  const { crypto } = globalThis as unknown as { crypto?: PlatformCrypto };
  if (crypto?.randomUUID) return crypto.randomUUID();
  const bytes = new Uint8Array(16);
  if (crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else for (let i = 0; i < 16; i++) bytes[i] = Math.random() * 256;
  // Version 4 and its variant (RFC 9562).
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

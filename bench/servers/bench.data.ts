export interface Robot {
  id: string;
  name: string;
  model: string;
  position: { x: number; y: number; z: number };
  battery: number;
  online: boolean;
}

/** 200 objects, about 25 KB of JSON. */
export const robots: Robot[] = Array.from({ length: 200 }, (_, i) => ({
  id: `0x${(0x20000000000 + i).toString(16)}`,
  name: `Robot ${i}`,
  model: i % 2 ? 'walker' : 'flyer',
  position: { x: i * 1.25, y: 1000 - i * 0.5, z: i % 7 },
  battery: (i % 100) / 100,
  online: i % 3 !== 0,
}));

/** 32 MiB whose last byte is not its first. */
export const payload = new Uint8Array(32 * 1024 * 1024).fill(1);
payload[payload.length - 1] = 42;

/** The result of a computation over the received bytes. */
export function describe(bytes: Uint8Array): { length: number; last: number | undefined } {
  return { length: bytes.length, last: bytes[bytes.length - 1] };
}

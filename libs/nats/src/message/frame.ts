/** The kinds of frames, which follow the first message of a call in either direction. */
export const NatsFrameKind = {
  /** A piece of a body. Its number is the number of bytes before it. */
  Chunk: 1,
  /** The end of a body. Its number is the length of the body. */
  End: 2,
  /** The reader of a body has taken bytes. Its number is the sum of them. */
  Taken: 3,
  /** The server is still at work. */
  Alive: 4,
  /** The client does not wait for an answer any more. */
  Cancel: 5,
} as const;

/** A frame: its kind, its number, and its content. */
export interface Frame {
  readonly kind: number;
  readonly position: number;
  readonly content: Uint8Array;
}

/** Bytes before the content: one for the kind, and a number of eight bytes, big-endian. */
export const NATS_FRAME_HEAD = 9;

/**
 * Bytes of a body that may be on their way, or wait for their reader. 512 KiB keep a line of 100 Mbit/s with a round trip of
 * 40 ms busy, as for other streams.
 */
export const WINDOW = 512 * 1024;

/** The longest content of a frame, so that small messages of other calls get through between two of them. */
export const CHUNK_BYTES = 64 * 1024;

/** The bytes of a message in memory of their own. A message is a part of what its connection has read, as a `Buffer`. */
export function ownBytes(data: Uint8Array): Uint8Array {
  return new Uint8Array(data);
}

/** Writes a frame. */
export function writeFrame(kind: number, position = 0, content?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(NATS_FRAME_HEAD + (content?.byteLength ?? 0));
  bytes[0] = kind;
  new DataView(bytes.buffer).setFloat64(1, position);
  if (content) bytes.set(content, NATS_FRAME_HEAD);
  return bytes;
}

/** Reads a frame. The content is memory of the message. @returns `undefined` if the bytes are not a frame */
export function readFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.byteLength < NATS_FRAME_HEAD) return undefined;
  const position = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(1);
  if (!Number.isSafeInteger(position) || position < 0) return undefined;
  return { kind: bytes[0]!, position, content: bytes.subarray(NATS_FRAME_HEAD) };
}

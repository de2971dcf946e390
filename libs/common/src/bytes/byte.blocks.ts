import type { BytePool } from './byte.pool.js';

/** Blocks begin at multiples of this number, so that a typed array of any kind can view their bytes. */
const ALIGNMENT = 8;
const WORD = 4;

const aligned = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/**
 * Packs byte strings into one. First come their count and their lengths, as little-endian 32-bit numbers, then the
 * blocks, each at a multiple of eight bytes.
 *
 * @param pool has memory for it, with any content
 */
export function encodeBlocks(blocks: readonly Uint8Array[], pool?: Pick<BytePool, 'take'>): Uint8Array {
  let end = (blocks.length + 1) * WORD;
  for (const { byteLength } of blocks) end = aligned(end) + byteLength;
  const bytes = pool ? pool.take(end) : new Uint8Array(end);
  const words = new DataView(bytes.buffer, bytes.byteOffset);
  words.setUint32(0, blocks.length, true);
  end = (blocks.length + 1) * WORD;
  for (let index = 0; index < blocks.length; index++) {
    const block = blocks[index]!;
    words.setUint32((index + 1) * WORD, block.byteLength, true);
    const start = aligned(end);
    bytes.fill(0, end, start);
    bytes.set(block, start);
    end = start + block.byteLength;
  }
  return bytes;
}

/**
 * Unpacks byte strings, as views.
 *
 * @param most the accepted number of blocks
 * @returns `undefined` if {@link encodeBlocks} did not write these bytes
 */
export function decodeBlocks(bytes: Uint8Array, most: number): Uint8Array[] | undefined {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < WORD) return undefined;
  const count = words.getUint32(0, true);
  let end = (count + 1) * WORD;
  if (count > most || end > bytes.byteLength) return undefined;
  const blocks: Uint8Array[] = [];
  for (let index = 1; index <= count; index++) {
    const length = words.getUint32(index * WORD, true);
    const start = aligned(end);
    end = start + length;
    if (end > bytes.byteLength) return undefined;
    blocks.push(bytes.subarray(start, end));
  }
  return end === bytes.byteLength ? blocks : undefined;
}

/** A small item: a place in a stream and a position. */
export type SmallItem = [number, number, number];

/** An item of 1 KiB of JSON. */
export interface LargeItem {
  n: number;
  text: string;
}

const TEXT = `item-${'0123456789abcdef'.repeat(62)}`;

/** Small items, from 0. */
export async function* smallItems(count: number): AsyncGenerator<SmallItem> {
  for (let i = 0; i < count; i++) yield [i, 1.5, 2.5];
}

/** Items of 1 KiB, from 0. */
export async function* largeItems(count: number): AsyncGenerator<LargeItem> {
  for (let n = 0; n < count; n++) yield { n, text: TEXT };
}

/** A piece of a stream of bytes. */
const PIECE = new Uint8Array(64 * 1024).fill(1);

/** Pieces of 64 KiB. */
export async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield PIECE;
}

/** Counts the bytes of a stream. */
export async function countBytes(content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of content) bytes += piece.byteLength;
  return bytes;
}

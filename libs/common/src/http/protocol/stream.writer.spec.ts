import { describe, expect, it } from '@jest/globals';
import { FrameWriter } from './stream.writer.js';

describe('a writer of frames', () => {
  it.each([100, 10_000, 100_000])('keeps %i bytes of a producer that uses its buffer again', (size) => {
    const writer = new FrameWriter();
    const buffer = Buffer.alloc(size);
    for (const content of [1, 2]) writer.item(buffer.fill(content));
    const written: Uint8Array[] = [];
    while (writer.size > 0) written.push(writer.take());
    const all = Buffer.concat(written);
    expect([all[5], all[size + 4], all[size + 10], all.at(-1)]).toEqual([1, 1, 2, 2]);
  });
});

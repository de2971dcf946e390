import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { settled } from '../../../../test/harness/waiting.js';
import { TopicReader } from './topic.reader.js';
import type { NumberedFrame } from './topic.reader.js';

/** Frames of one topic in a stream with others, as the stream numbers them. */
function framesOf(seqs: readonly number[]): NumberedFrame[] {
  return seqs.map((seq, i) => ({ seq, before: seqs[i - 1] ?? 0, isOwn: false, data: Uint8Array.of(seq) }));
}

function readerOf(frames: readonly NumberedFrame[], firstKept = 0) {
  const delivered: number[] = [];
  let misses = 0;
  const reader = new TopicReader(
    {
      next: async (seq) => frames.find((each) => each.seq >= Math.max(seq, firstKept)),
      hasDropped: async (seq) => firstKept > seq,
    },
    { deliver: ([seq]) => void delivered.push(seq!), missed: () => misses++ },
  );
  return { reader, delivered, misses: () => misses };
}

describe('TopicReader', () => {
  it('delivers every frame once and in order, whichever frames NATS brings, and how often', async () => {
    const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(seqs, fc.array(fc.nat(19), { maxLength: 30 }), async (unsorted, brought) => {
        const frames = framesOf(unsorted.toSorted((a, b) => a - b));
        const { reader, delivered, misses } = readerOf(frames);
        reader.begin(0);
        for (const i of brought) reader.receive(frames[i % frames.length]!);
        await new Promise(setImmediate);
        await reader.catchUp(frames.at(-1)!.seq);
        expect(delivered).toEqual(frames.map(({ seq }) => seq));
        expect(misses()).toBe(0);
      }),
    );
  });

  it('keeps frames until it knows where the topic begins, and leaves out the earlier ones', async () => {
    const frames = framesOf([3, 5, 8]);
    const { reader, delivered } = readerOf(frames);
    for (const frame of frames) reader.receive(frame);
    expect(delivered).toEqual([]);
    reader.begin(5);
    await settled();
    expect(delivered).toEqual([8]);
  });

  it('reports frames that the stream has dropped', async () => {
    const { reader, delivered, misses } = readerOf(framesOf([3, 5, 8]), 5);
    reader.begin(2);
    await reader.catchUp(8);
    expect([delivered, misses()]).toEqual([[5, 8], 1]);
  });

  it('leaves out the frames of its own node', async () => {
    const [one, two] = framesOf([1, 2]);
    const { reader, delivered } = readerOf([]);
    reader.begin(0);
    reader.receive({ ...one!, isOwn: true });
    reader.receive(two!);
    await settled();
    expect(delivered).toEqual([2]);
  });
});

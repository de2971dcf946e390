import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { settled, until } from '../../../../test/harness/waiting.js';
import { LogReader } from './log.reader.js';
import type { NumberedFrame } from './log.reader.js';

/** Frames 1, 2, 3, … of a stream, by their topics. */
function framesOf(topics: readonly string[]): NumberedFrame[] {
  return topics.map((topic, i) => ({
    topic,
    seq: i + 1,
    before: topics.slice(0, i).lastIndexOf(topic) + 1,
    isOwn: false,
    data: new TextEncoder().encode(`${topic}${i + 1}`),
  }));
}

function readerOf(frames: readonly NumberedFrame[], firstKept = 0) {
  const delivered: string[] = [];
  const kept = {
    next: jest.fn(async (topic: string, seq: number) =>
      frames.find((each) => each.topic === topic && each.seq >= Math.max(seq, firstKept)),
    ),
    hasDropped: async (seq: number) => firstKept > seq,
  };
  const missed = jest.fn();
  const reader = new LogReader(kept, {
    deliver: (_topic, data) => void delivered.push(new TextDecoder().decode(data)),
    missed,
  });
  const begin = (...topics: readonly string[]) => {
    for (const topic of topics) reader.add(topic);
    for (const topic of topics) reader.begin(topic, 0);
  };
  return { reader, delivered, missed, kept, begin };
}

const namesOf = (frames: readonly NumberedFrame[]) => frames.map(({ topic, seq }) => `${topic}${seq}`);

describe('LogReader', () => {
  it('delivers the frames of all topics once and in one order, whichever of them did not arrive before an outage ended', async () => {
    const topics = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(topics, fc.nat(20), fc.nat(20), async (all, from, length) => {
        const frames = framesOf(all);
        const { reader, delivered, missed, begin } = readerOf(frames);
        begin('a', 'b', 'c');
        for (const frame of frames.slice(0, from)) reader.receive(frame);
        reader.pause();
        // A frame may arrive before it is known how many did not.
        for (const frame of frames.slice(from + length)) reader.receive(frame);
        reader.catchUp(frames.length);
        await new Promise(setImmediate);
        expect(delivered).toEqual(namesOf(frames));
        expect(missed).not.toHaveBeenCalled();
      }),
    );
  });

  it('reads what did not arrive of any topic as soon as one of them shows a gap', async () => {
    const frames = framesOf(['a', 'b', 'a', 'b', 'a']);
    const { reader, delivered, begin } = readerOf(frames);
    begin('a', 'b');
    reader.receive(frames[0]!);
    reader.receive(frames[4]!);
    await settled();
    expect(delivered).toEqual(namesOf(frames));
  });

  it('reads to the last frame that found no place, although nothing follows it', async () => {
    const frames = framesOf(Array.from({ length: 2500 }, (_, i) => (i % 3 ? 'a' : 'b')));
    const { reader, delivered, begin } = readerOf(frames);
    begin('a', 'b');
    for (const frame of frames.slice(2)) reader.receive(frame);
    await until(() => delivered.length >= frames.length);
    await settled();
    expect(delivered).toEqual(namesOf(frames));
  });

  it('tries again to read what it could not read, before it delivers what follows', async () => {
    jest.useFakeTimers();
    try {
      const frames = framesOf(['a', 'a', 'a']);
      const { reader, delivered, missed, kept, begin } = readerOf(frames);
      begin('a');
      kept.next.mockRejectedValueOnce(new Error('timeout'));
      reader.receive(frames[2]!);
      await jest.advanceTimersByTimeAsync(1000);
      expect([delivered, missed.mock.calls]).toEqual([namesOf(frames), []]);
      kept.next.mockRejectedValue(new Error('timeout'));
      reader.receive({ ...frames[2]!, seq: 9, before: 8 });
      await jest.advanceTimersByTimeAsync(60_000);
      expect([delivered.length, missed.mock.calls.length]).toEqual([4, 1]);
    } finally {
      jest.useRealTimers();
    }
  });

  it('reports frames that the stream has dropped, although a later one has arrived before', async () => {
    const frames = framesOf(['a', 'a', 'a', 'a']);
    const { reader, delivered, missed, begin } = readerOf(frames, 4);
    begin('a');
    reader.receive(frames[0]!);
    reader.pause();
    reader.receive(frames[3]!);
    reader.catchUp(4);
    await settled();
    expect([delivered, missed.mock.calls.length]).toEqual([['a1', 'a4'], 1]);
  });

  it('delivers all frames of another stream, whose numbers begin again', async () => {
    const frames = framesOf(['a', 'b']);
    const { reader, delivered } = readerOf(frames);
    reader.add('a');
    reader.begin('a', 70);
    reader.pause();
    reader.restart();
    reader.catchUp(2);
    await settled();
    expect(delivered).toEqual(['a1']);
  });

  it('ignores a frame whose number is not above the one before it', async () => {
    const { reader, delivered, begin } = readerOf([]);
    begin('a');
    for (const before of [1, 2, 1e15]) reader.receive({ ...framesOf(['a'])[0]!, before });
    await settled();
    expect(delivered).toEqual([]);
  });

  it('leaves out what was published before a topic began, and the frames of its own node', async () => {
    const frames = framesOf(['a', 'a', 'a', 'a']);
    const { reader, delivered } = readerOf(frames);
    reader.add('a');
    reader.begin('a', 2);
    reader.receive(frames[1]!);
    reader.receive({ ...frames[2]!, isOwn: true });
    reader.receive(frames[3]!);
    expect(delivered).toEqual(['a4']);
  });
});

import { describe, expect, it } from '@jest/globals';
import { DataFlag } from './relay.head.js';
import { RelayPipe } from './relay.pipe.js';
import type { RelayPart } from './relay.pipe.js';

const MOST = 3_000_000;

interface Sent {
  readonly part: RelayPart;
  readonly bytes: Uint8Array | undefined;
}

function start(fails = false) {
  const sent: Sent[] = [];
  const frames: unknown[] = [];
  const ends: unknown[] = [];
  const pipe = new RelayPipe(
    {
      async send(part, _value, bytes) {
        sent.push({ part, bytes });
        if (fails) throw new Error('away');
      },
      frame: (frame) => frames.push(frame),
      closed: (...end) => ends.push(end),
    },
    MOST,
  );
  const data = (index: number, bytes: Uint8Array, count = 0) =>
    pipe.receive({ type: 'data', index, text: '', count }, bytes);
  return { pipe, sent, frames, ends, data };
}

describe('a pipe between two nodes', () => {
  it('carries text and bytes of any length in pieces', () => {
    const one = start();
    const two = start();
    const long = '☃'.repeat(200_000);
    const bytes = Uint8Array.from({ length: 600_000 }, (_, i) => i);
    for (const frame of ['', 'text', long, bytes, new Uint8Array(0)]) one.pipe.write(frame);
    const pass = () => {
      for (const { part, bytes: piece } of one.sent.splice(0)) two.pipe.receive(part, piece?.slice());
    };
    pass();
    two.pipe.took(1_000_000);
    for (const { part } of two.sent) one.pipe.receive(part, undefined);
    pass();
    expect(two.frames.map((frame) => typeof frame)).toEqual([
      'string',
      'string',
      'string',
      'object',
      'object',
    ]);
    expect(two.frames[2] === long && Buffer.compare(two.frames[3] as Uint8Array, bytes) === 0).toBe(true);
  });

  it('sends no more than its window, and reports what it holds back', async () => {
    const { pipe, sent } = start();
    for (let i = 0; i < 50; i++) pipe.write(new Uint8Array(100_000));
    expect(sent.length).toBeLessThan(12);
    expect(pipe.bufferedBytes).toBe(5_000_000);
    let isDrained = false;
    const drained = pipe.drained().then(() => (isDrained = true));
    for (let i = 0; i < 5; i++)
      pipe.receive({ type: 'taken', index: i, text: '', count: 990_000 }, undefined);
    expect([sent.length, isDrained]).toEqual([50, false]);
    pipe.receive({ type: 'taken', index: 5, text: '', count: 50_000 }, undefined);
    await drained;
  });

  it.each([
    ['a missing frame', 1, 10, 0],
    ['a frame above the limit', 0, MOST + 1, 0],
    ['a piece above the limit', 0, MOST + 1, DataFlag.more],
  ])('ends at %s', (_name, index, length, flags) => {
    const { data, frames, ends, pipe } = start();
    data(index, new Uint8Array(length), flags);
    expect([frames, ends.length, pipe.isOver]).toEqual([[], 1, true]);
    data(index + 1, new Uint8Array(1));
    expect(frames).toEqual([]);
  });

  it('ends when the other end ignores the window', () => {
    const { data, ends } = start();
    for (let i = 0; i < 100; i++) data(i, new Uint8Array(100_000));
    expect(ends).toEqual([[4000, 'Too much was sent.']]);
  });

  it('ends once when the other node cannot be reached', async () => {
    const { pipe, ends } = start(true);
    pipe.write('one');
    pipe.write('two');
    await Promise.resolve();
    await Promise.resolve();
    expect(ends).toEqual([[4000, 'The other node cannot be reached.']]);
    await pipe.drained();
  });

  it('carries a frame above its window, and tells the other end when it breaks', () => {
    const [one, two] = [start(), start()];
    const frame = new Uint8Array(2_500_000).fill(3);
    one.pipe.write(frame);
    for (let round = 0; round < 20; round++) {
      for (const { part, bytes } of one.sent.splice(0)) two.pipe.receive(part, bytes?.slice());
      for (const { part } of two.sent.splice(0)) one.pipe.receive(part, undefined);
    }
    expect((two.frames[0] as Uint8Array).length).toBe(2_500_000);
    one.pipe.broke('why');
    expect(one.sent.map(({ part }) => [part.type, part.count, part.text])).toEqual([['close', 4000, 'why']]);
    for (const { part } of one.sent) two.pipe.receive(part, undefined);
    expect(two.ends).toEqual([[4000, 'why']]);
  });

  it('passes on only codes that a connection can close with', () => {
    for (const [code, expected] of [
      [1000, 1000],
      [1006, 1006],
      [1005, 4000],
      [99_999, 4000],
    ]) {
      const { pipe, ends } = start();
      pipe.receive({ type: 'close', index: 0, text: 'why', count: code! }, undefined);
      expect(ends).toEqual([[expected, 'why']]);
    }
  });
});

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Activity } from '../../call/activity.js';
import { EventWriter, FrameWriter } from '../protocol/stream.writer.js';
import type { StreamWriter } from '../protocol/stream.writer.js';
import type { StreamItems } from '../../stream/stream.js';
import { StreamAnswer } from './stream.answer.js';
import type { StreamBeginning } from './streamed.call.js';
import type { UnsentBytes } from './unsent.answers.js';

const utf8 = new TextDecoder();
const { setImmediate } = globalThis;
/** The end of the turn of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An answer whose items are given by hand, or made by a producer. */
function answer(writer: StreamWriter = new EventWriter(undefined), producer?: AsyncGenerator) {
  const waiting: ((result: IteratorResult<unknown>) => void)[] = [];
  const state = { returned: 0 };
  const activity = new Activity();
  const begun: StreamBeginning[] = [];
  const items = {
    next: () => new Promise<IteratorResult<unknown>>((resolve) => waiting.push(resolve)),
    return: async () => {
      state.returned++;
      return { done: true as const, value: undefined };
    },
  };
  const counts: number[] = [];
  const countUnsent = (): UnsentBytes =>
    ({ count: (bytes: number) => void counts.push(bytes) }) as UnsentBytes;
  const call = { activity, failed: () => '{}', over: () => undefined, countUnsent };
  const stream = new StreamAnswer((producer as StreamItems) ?? items, writer, call, (each) =>
    begun.push(each),
  );
  const give = async (result: IteratorResult<unknown>) => {
    waiting.shift()!(result);
    await jest.advanceTimersByTimeAsync(1);
  };
  const read = async () => utf8.decode((await stream.next()).value);
  const whole = () => Buffer.concat([stream.whole()!].flat()).toString('latin1');
  return { stream, activity, begun, give, read, whole, state, counts };
}

describe('the answer of a stream', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('begins with its first item', async () => {
    const { begun, give, read } = answer();
    await turn();
    await jest.advanceTimersByTimeAsync(14_999);
    expect(begun).toEqual([]);
    await give({ done: false, value: 1 });
    await turn();
    expect(begun).toEqual([{ kind: 'open', isBytes: false }]);
    expect(await read()).toBe('data: 1\n\n');
  });

  it('begins after 15 s without an item, and shows every 15 s that it is there', async () => {
    const { begun, give, read } = answer();
    await turn();
    await jest.advanceTimersByTimeAsync(15_000);
    expect(begun).toHaveLength(1);
    expect(await read()).toBe(':\n\n');
    const next = read();
    await jest.advanceTimersByTimeAsync(30_000);
    expect(await next).toBe(':\n\n');
    const item = read();
    await give({ done: false, value: 2 });
    expect(await item).toBe('data: 2\n\n');
  });

  it('has no timer behind its end', async () => {
    const { give, read, stream } = answer();
    await turn();
    expect(jest.getTimerCount()).toBe(1);
    await give({ done: true, value: undefined });
    expect(jest.getTimerCount()).toBe(0);
    expect(await read()).toBe('event: end\ndata:\n\n');
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('is whole if it ends in its first turn, and never has a timer', async () => {
    const producer = (async function* () {
      yield 7;
    })();
    const { begun, whole, counts } = answer(new FrameWriter(), producer);
    await turn();
    expect([begun, jest.getTimerCount()]).toEqual([[{ kind: 'open', isBytes: false }], 0]);
    expect(whole()).toBe('\x01\x01\0\0\x007\x04\0\0\0\0');
    expect(counts.at(-1)).toBe(0);
  });

  it('keeps the items of a producer that fails in the same turn', async () => {
    const producer = (async function* () {
      yield 7;
      throw new Error('broken');
    })();
    const { begun, whole } = answer(new FrameWriter(), producer);
    await turn();
    expect(begun).toEqual([{ kind: 'open', isBytes: false }]);
    expect(whole()).toBe('\x01\x01\0\0\x007\x05\x02\0\0\0{}');
  });

  it('copies no large byte string for a platform that asks when it has sent, and has its producer wait', async () => {
    const piece = new Uint8Array(100_000);
    let made = 0;
    const producer = (async function* () {
      for (; made < 3; made++) yield piece;
    })();
    const { stream } = answer(new FrameWriter(), producer);
    stream.asksWhenSent = true;
    const chunks: Uint8Array[] = [];
    const states: number[] = [];
    for (let chunk = await stream.next(); !chunk.done; chunk = await stream.next()) {
      chunks.push(chunk.value);
      await turn();
      states.push(made);
    }
    const [, first, , second] = chunks;
    expect([first!.buffer === piece.buffer, second!.buffer === piece.buffer]).toEqual([true, true]);
    // Head and bytes in turn: the next piece is made when both are sent.
    expect(states).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });

  it('aborts its activity and stops its producer if the client leaves', async () => {
    const { stream, activity, state, give } = answer();
    await give({ done: false, value: 1 });
    const { signal } = activity;
    await stream.return();
    expect([signal.aborted, state.returned, jest.getTimerCount()]).toEqual([true, 1, 0]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('refuses a report that cannot be sent, also while the connection is full', () => {
    const { stream } = answer(new FrameWriter());
    stream.report('x'.repeat(70_000));
    expect(() => stream.report(Uint8Array.of(1))).toThrow('progress carries no bytes');
  });

  it('sends the last report, however full the connection is', async () => {
    const { stream, give, read } = answer(new FrameWriter());
    await give({ done: false, value: new Uint8Array(200_000) });
    stream.report('replaced');
    stream.report('last');
    const head = await read();
    const bytes = await read();
    expect([head.length, bytes.length]).toEqual([5, 200_000]);
    expect((await read()).slice(5)).toBe('"last"');
  });

  it('sends the last report before the end', async () => {
    const { stream, give, read } = answer(new FrameWriter());
    stream.report('x'.repeat(70_000));
    stream.report('last');
    await give({ done: true, value: undefined });
    let text = '';
    for (let more = await read(); more !== ''; more = await read()) text += more;
    expect(text.slice(-11)).toBe('"last"\x04\0\0\0\0');
  });

  it('counts its bytes until the platform asks for what follows them', async () => {
    const { stream, give, read, counts } = answer(new FrameWriter());
    await give({ done: false, value: new Uint8Array(200_000) });
    expect(counts.at(-1)).toBe(200_005);
    await read();
    expect(counts.at(-1)).toBe(200_005);
    await read();
    expect(counts.at(-1)).toBe(200_000);
    void stream.next();
    expect(counts.at(-1)).toBe(0);
  });

  it('counts nothing any more if the client leaves, also behind its end', async () => {
    const { stream, give, counts } = answer(new FrameWriter());
    await give({ done: false, value: new Uint8Array(200_000) });
    await stream.next();
    await stream.next();
    await give({ done: true, value: undefined });
    expect(counts.at(-1)).toBe(200_000);
    await stream.return();
    expect(counts.at(-1)).toBe(0);
  });

  it('is broken if it is cut', async () => {
    const { stream, activity, give, counts } = answer(new FrameWriter());
    const { signal } = activity;
    let cuts = 0;
    stream.client = { disconnect: () => cuts++ };
    await give({ done: false, value: new Uint8Array(200_000) });
    stream.cut();
    await expect(stream.next()).rejects.toThrow('does not read');
    expect([signal.aborted, cuts, counts.at(-1)]).toEqual([true, 1, 0]);
  });

  it('cannot be aborted behind its end', async () => {
    const { stream, activity, state, give } = answer();
    const { signal } = activity;
    await give({ done: true, value: undefined });
    await stream.return();
    expect([signal.aborted, state.returned]).toEqual([false, 0]);
  });
});

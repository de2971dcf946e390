import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BytePool } from '../../../bytes/byte.pool.js';
import type { IpcFrame } from '../../message/message.js';
import { prepareItem, preparePush, prepareSend, prepareStreamEnd } from '../../message/outgoing.message.js';
import type { IpcTransport } from '../../message/transport.js';
import { DurableOutbox } from './outbox.js';
import { structuredCloneEncoding } from './structured.encoding.js';
import { textEncoding } from './text.encoding.js';
import type { FrameEncoding } from './text.encoding.js';

const MIB = 1024 * 1024;
const PIECE = 32 * 1024;
let written: IpcFrame[];
let work: (() => void)[];
let kept: number;

class FakeTransport implements IpcTransport {
  readonly bufferedBytes = 0;
  write(frame: IpcFrame): void {
    written.push(frame);
  }
  defer(deferred: () => void): void {
    work.push(deferred);
  }
  async drained(): Promise<void> {
    // Everything is taken at once.
  }
  close(): void {
    // Nothing is open.
  }
}

/** Ends a turn. @returns the frames that were written in it */
function turn(): unknown[] {
  for (const each of work.splice(0)) each();
  return written
    .splice(0)
    .map((frame) => (typeof frame === 'string' ? (JSON.parse(frame) as unknown) : frame));
}

function open(encoding: FrameEncoding): DurableOutbox {
  const total = { add: (by: number) => (kept += by) };
  const outbox = new DurableOutbox(
    encoding,
    total,
    { messageBytes: MIB, textLength: MIB },
    new BytePool(MIB, total),
  );
  outbox.attach(new FakeTransport());
  return outbox;
}

const item = (value: unknown, request = 1, slot = 0) => prepareItem(request, slot, value, 'a.b');

beforeEach(() => {
  written = [];
  work = [];
  kept = 0;
});

describe.each([
  ['text', textEncoding],
  ['structured clone', structuredCloneEncoding],
])('items in the %s encoding', (_name, encoding) => {
  it('of one stream and one turn are one message', () => {
    const outbox = open(encoding);
    for (const value of [1, 'a', [null]]) outbox.send(item(value));
    expect(turn()).toEqual([[0, [5, 1, 0, 1, 'a', [null]]]]);
    outbox.send(item(2));
    expect(turn()).toEqual([[1, [5, 1, 0, 2]]]);
  });

  it('keep their order with items of other streams and other messages', () => {
    const outbox = open(encoding);
    for (const each of [item(1), item(2, 1, 3), item(3, 2), item(4, 2), item(5)]) outbox.send(each);
    outbox.send(preparePush('c', [6]));
    outbox.send(item(7));
    outbox.send(prepareStreamEnd(1, 0));
    expect(turn()).toEqual([
      [0, [5, 1, 0, 1], [5, 1, 3, 2], [5, 2, 0, 3, 4], [5, 1, 0, 5], [1, 'c', [6]], [5, 1, 0, 7], [6, 1, 0]],
    ]);
  });

  it('that are absent have a message of their own', () => {
    const outbox = open(encoding);
    for (const value of [1, undefined, 2]) outbox.send(item(value));
    expect(turn()).toEqual([[0, [5, 1, 0, 1], [5, 1, 0], [5, 1, 0, 2]]]);
  });

  it('are sent again in the same messages', () => {
    const outbox = open(encoding);
    for (const value of [1, 2]) outbox.send(item(value));
    outbox.detach();
    outbox.send(item(3));
    outbox.attach(new FakeTransport());
    outbox.send(item(4));
    expect(turn()).toEqual([[0, [5, 1, 0, 1, 2], [5, 1, 0, 3], [5, 1, 0, 4]]]);
  });

  it('are not joined to a message of more than 16 KiB', () => {
    const outbox = open(encoding);
    for (let i = 0; i < 4; i++) outbox.send(item('x'.repeat(7 * 1024)));
    outbox.send(item('y'.repeat(20 * 1024)));
    const [[, ...messages]] = turn() as [[number, ...unknown[][]]];
    expect(messages.map((message) => message.length - 3)).toEqual([2, 2, 1]);
  });

  it('count until they are acknowledged, also by a peer that has not received them', () => {
    const outbox = open(encoding);
    outbox.send(item(1));
    expect(kept).toBeGreaterThan(0);
    outbox.release(1);
    outbox.send(item(2));
    expect(turn()).toEqual([[0, [5, 1, 0, 1], [5, 1, 0, 2]]]);
    outbox.release(2);
    expect(kept).toBe(0);
    expect(outbox.isWaiting).toBe(false);
  });
});

describe('an item', () => {
  it('whose value sends another one while it is read is behind that one', () => {
    const outbox = open(textEncoding);
    let isSent = false;
    const value = {
      get a() {
        if (!isSent) outbox.send(item(2));
        isSent = true;
        return 3;
      },
    };
    outbox.send(item(1));
    outbox.send(item(value));
    expect(turn()).toEqual([[0, [5, 1, 0, 1, 2, { a: 3 }]]]);
  });

  it('above the limit of a message is refused by platforms that clone values, with the name of its method', () => {
    const outbox = open(structuredCloneEncoding);
    expect(() => outbox.send(item('x'.repeat(2 * MIB)))).toThrow(/a\.b.*bytes/s);
    expect(kept).toBe(0);
  });
});

describe('the memory of messages with bytes', () => {
  const memoryOf = ([frame]: unknown[]) => (frame as Uint8Array).buffer;

  it('is used again when they are acknowledged, and no other memory is', () => {
    const outbox = open(textEncoding);
    const send = (byte: number) => {
      outbox.send(item(new Uint8Array(PIECE).fill(byte)));
      return memoryOf(turn());
    };
    const [first, second] = [send(1), send(2)];
    expect(second).not.toBe(first);
    outbox.release(1);
    const third = send(3);
    expect(third).toBe(first);
    expect(new Uint8Array(second).subarray(PIECE / 2, PIECE)).toEqual(new Uint8Array(PIECE / 2).fill(2));
  });

  it('is counted while it is used, and until the session is over', () => {
    jest.useFakeTimers();
    const outbox = open(textEncoding);
    const send = () => outbox.send(item(new Uint8Array(PIECE)));
    for (let i = 0; i < 3; i++) send();
    outbox.release(2);
    expect(outbox.keptBytes).toBeLessThan(2 * PIECE);
    expect(kept).toBeGreaterThan(3 * PIECE);
    send();
    expect(kept).toBeGreaterThan(3 * PIECE);
    outbox.release(4);
    expect(outbox.keptBytes).toBe(0);
    jest.advanceTimersByTime(2_000);
    expect(kept).toBe(0);
    jest.useRealTimers();
    for (let i = 0; i < 3; i++) send();
    outbox.release(6);
    outbox.clear();
    expect(kept).toBe(0);
  });

  it('is used again by a stream whose reader acknowledges everything at once', () => {
    const outbox = open(textEncoding);
    const send = () => {
      outbox.send(item(new Uint8Array(PIECE)));
      return memoryOf(turn());
    };
    const first = send();
    outbox.release(1);
    expect(send()).toBe(first);
  });
});

it('a text for which the peer would end the session is not sent, and takes no number', () => {
  const outbox = open(textEncoding);
  const send = (length: number) => outbox.send(prepareSend('itwin.a', ['x'.repeat(length)]));
  expect(() => send(2 * MIB)).toThrow(`a: The value cannot be sent: it has more than ${2 * MIB} bytes.`);
  send(2 * MIB - 100);
  send(1);
  const messages = turn().flatMap((frame) => (frame as unknown[]).slice(1)) as [number, string, string[]][];
  expect(messages.map(([, , [text]]) => text!.length)).toEqual([2 * MIB - 100, 1]);
});

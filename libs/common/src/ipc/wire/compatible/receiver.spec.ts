import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { defaultIpcLimits } from '../../../base/limits.js';
import type { IpcMessage, IpcProtocolError, NoticeMessage } from '../../message/message.js';
import { CompatibleReceiver } from './receiver.js';

const limits = { ...defaultIpcLimits, messageBytes: 10_000, waitingMessages: 5, arrivalMs: 1000 };

let delivered: [sequence: number, ...data: unknown[]][];
let failed: IpcProtocolError[];
let receiver: CompatibleReceiver;

beforeEach(() => {
  jest.useFakeTimers();
  delivered = [];
  failed = [];
  receiver = new CompatibleReceiver(
    limits,
    (message) => delivered.push([sequenceOf(message), ...(message as NoticeMessage).data]),
    (error) => failed.push(error),
  );
});
afterEach(() => {
  jest.useRealTimers();
});

/** Messages have their number as their channel. */
const sequenceOf = (message: IpcMessage) => Number((message as NoticeMessage).channel);
const text = (sequence: number, parts = 0, data: unknown[] = []) =>
  JSON.stringify([JSON.stringify({ type: 0, channel: `${sequence}`, data, sequence }), parts]);
const marker = { ipc: 'binary', type: 0, index: 0 };
const never = () => {
  throw new Error('it should not fail');
};
const thrown = (work: () => void) => {
  try {
    work();
  } catch (error) {
    const { code, message } = error as IpcProtocolError;
    return `${code} ${message}`;
  }
  return '(nothing)';
};

describe('the order of messages in CompatibleReceiver', () => {
  it('is the order of their numbers for every order of arrival, with each message once', () => {
    const arrivals = fc.integer({ min: 1, max: 5 }).chain((count) =>
      fc.tuple(
        fc.shuffledSubarray(
          Array.from({ length: count }, (_, i) => i),
          { minLength: count },
        ),
        fc.array(fc.nat(count - 1)),
      ),
    );
    fc.assert(
      fc.property(arrivals, ([order, again]) => {
        const seen: number[] = [];
        const each = new CompatibleReceiver(limits, (message) => seen.push(sequenceOf(message)), never);
        for (const sequence of [...order, ...again]) {
          each.take(text(sequence, 1, [marker]));
          each.take(Uint8Array.of(sequence));
        }
        each.close();
        expect(seen).toEqual(order.toSorted((a, b) => a - b));
      }),
    );
  });

  it('is kept behind a message whose parts have not arrived', () => {
    receiver.take(text(0, 1, [marker]));
    expect(delivered).toEqual([]);
    receiver.take(Uint8Array.of(7));
    receiver.take(text(1));
    expect(delivered).toEqual([[0, Uint8Array.of(7)], [1]]);
  });

  it('ends at a message that ends the connection', () => {
    const each: CompatibleReceiver = new CompatibleReceiver(
      limits,
      (message) => {
        const sequence = sequenceOf(message);
        delivered.push([sequence]);
        if (sequence === 1) each.close();
      },
      never,
    );
    for (const sequence of [3, 2, 1, 0]) each.take(text(sequence));
    expect(delivered).toEqual([[0], [1]]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a missing message in CompatibleReceiver', () => {
  it('fails after arrivalMs if one of its parts is missing', () => {
    receiver.take(text(0, 2));
    receiver.take(Uint8Array.of(1));
    jest.advanceTimersByTime(999);
    expect(failed).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(failed).toEqual([
      expect.objectContaining({ code: 1002, message: expect.stringContaining('binary frame') }),
    ]);
    receiver.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fails after arrivalMs, counted for each gap', () => {
    receiver.take(text(1));
    receiver.take(text(3));
    jest.advanceTimersByTime(900);
    receiver.take(text(0));
    expect(delivered).toEqual([[0], [1]]);
    jest.advanceTimersByTime(900);
    expect(failed).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(failed).toEqual([expect.objectContaining({ message: 'Message 2 did not arrive in time.' })]);
  });

  it('fails the link if the first gap is not filled in time', () => {
    receiver.take(text(1));
    jest.advanceTimersByTime(600);
    receiver.take(text(2));
    jest.advanceTimersByTime(399);
    expect(failed).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(failed).toEqual([
      expect.objectContaining({ code: 1002, message: 'Message 0 did not arrive in time.' }),
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves no timer after it has arrived', () => {
    receiver.take(text(1, 1));
    receiver.take(new Uint8Array());
    receiver.take(text(0));
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a limit of CompatibleReceiver', () => {
  it('holds for waiting messages, duplicates not counted', () => {
    for (let i = 1; i <= 5; i++) receiver.take(text(i));
    for (let i = 1; i <= 5; i++) receiver.take(text(i));
    expect(thrown(() => receiver.take(text(6)))).toBe('1002 Message 0 is missing.');
  });

  it('holds for bytes of waiting messages, which are released', () => {
    const large = ['x'.repeat(4000)];
    for (let round = 0; round < 3; round++) {
      receiver.take(text(3 * round + 1, 0, large));
      receiver.take(text(3 * round + 2, 0, large));
      receiver.take(text(3 * round));
    }
    expect(delivered).toHaveLength(9);
    receiver.take(text(10, 0, large));
    receiver.take(text(11, 1));
    expect(thrown(() => receiver.take(new Uint8Array(6000)))).toMatch(/^1009/);
  });

  it('holds for the parts of one message', () => {
    receiver.take(text(0, 3));
    receiver.take(new Uint8Array(5000));
    expect(thrown(() => receiver.take(new Uint8Array(5000)))).toMatch(/^1009/);
  });

  it('holds for the length of a text', () => {
    const each = new CompatibleReceiver({ ...limits, textLength: 100 }, () => undefined, never);
    each.take(text(0));
    expect(thrown(() => each.take(text(1, 0, ['x'.repeat(100)])))).toMatch(/^1009 A text frame/);
  });
});

it.each([
  ['a binary frame that was not announced', () => receiver.take(Uint8Array.of(1)), /^1002/],
  [
    'a text frame where a binary frame was announced',
    () => {
      receiver.take(text(0, 1));
      receiver.take(text(1));
    },
    /^1002/,
  ],
])('CompatibleReceiver refuses %s', (_, work, expected) => {
  expect(thrown(work)).toMatch(expected);
});

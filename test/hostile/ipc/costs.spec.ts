import { describe, expect, it } from '@jest/globals';
import { defaultIpcLimits, defaultWireLimits } from '@linnet/common';
import { encodeIpcError } from '../../../libs/common/src/ipc/dispatcher/error.codec.js';
import { structuredCloneEncoding } from '../../../libs/common/src/ipc/wire/durable/structured.encoding.js';
import { textEncoding } from '../../../libs/common/src/ipc/wire/durable/text.encoding.js';
import { DurableOutbox } from '../../../libs/common/src/ipc/wire/durable/outbox.js';
import { prepareInvoke, prepareSend } from '../../../libs/common/src/ipc/message/outgoing.message.js';
import { SendQueue } from '../../../libs/common/src/ipc/client/send.queue.js';
import { ByteSearch } from '../../../libs/common/src/bytes/byte.search.js';
import { encodeError } from '../../../libs/common/src/error/error.codec.js';
import { decodeMultipart } from '../../../libs/common/src/value/multipart.codec.js';
import { MultipartReader } from '../../../libs/common/src/value/multipart.reader.js';
import { decodeValue } from '../../../libs/common/src/value/value.codec.js';
import { describeUnsendable } from '../../../libs/common/src/value/value.inspector.js';
import { nested } from './attack.harness.js';

/** Processor time of some work, in microseconds: other processes of the machine do not count. The least of three times. */
function costOf(prepare: () => () => unknown): number {
  const costs: number[] = [];
  for (let i = 0; i < 3; i++) {
    const work = prepare();
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    costs.push(user + system);
  }
  return Math.min(...costs);
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** Many small lists, so many levels deep. */
function deep(levels: number, items: number): unknown {
  let value: unknown = Array.from({ length: items }, () => []);
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

/** By name: what is done to so much input. The size of the input is proportional to the number. */
const works: Record<string, [small: number, prepare: (n: number) => () => unknown]> = {
  'acknowledgements of one message each': [
    10_000,
    (n) => {
      const outbox = new DurableOutbox(textEncoding, undefined, defaultIpcLimits);
      for (let i = 0; i < n; i++) outbox.send(prepareSend('c', []));
      return () => {
        for (let i = 1; i <= n; i++) outbox.release(i);
      };
    },
  ],
  'calls that wait for a session and are cancelled': [
    5_000,
    (n) => {
      const waiting = new SendQueue({ ...defaultIpcLimits, bufferedBytes: Infinity }, () => undefined);
      const context = { activityId: '', timeoutMs: 0 };
      for (let i = 1; i <= n; i++) waiting.send(prepareInvoke('c', 'm', i, [], context));
      return () => {
        for (let i = n; i > 0; i--) waiting.remove(i);
      };
    },
  ],
  'headers of parts that arrive byte by byte': [
    500,
    (n) => {
      const limits = { ...defaultWireLimits, partHeaderBytes: Infinity };
      const reader = new MultipartReader('b', limits);
      reader.push(bytes('--b\r\nContent-Disposition: form-data; name="a"\r\nX: '));
      const byte = bytes('\r');
      return () => {
        for (let i = 0; i < 20 * n; i++) reader.push(byte);
      };
    },
  ],
  'a body of nothing but line breaks': [
    100_000,
    (n) => {
      const search = new ByteSearch(bytes(`\r\n--${'\n'.repeat(60)}`));
      const body = bytes('\r\n'.repeat(n));
      return () => search.find(body);
    },
  ],
  'an answer of many small parts': [
    5_000,
    (n) => {
      const part = '--b\r\nContent-Disposition: form-data; name=""\r\n\r\n\r\n';
      const body = bytes(`${part.repeat(n)}--b--`);
      return () => decodeMultipart(body, 'b');
    },
  ],
  'a text that is searched for markers': [
    10_000,
    (n) => {
      const text = `[${'{"a":[]},'.repeat(n)}"\\u0061"]`;
      return () => decodeValue(text, [], 512);
    },
  ],
  'values that are posted over a port': [
    10_000,
    (n) => {
      const frame = [0, ...Array.from({ length: n }, (_, i) => [2, i, 'a', 'b', [{ a: i }]])];
      return () => structuredCloneEncoding.parse(frame, defaultIpcLimits);
    },
  ],
};

describe('the cost of input grows no faster than its size', () => {
  it.each(Object.entries(works))('for %s', (_name, [small, prepare]) => {
    costOf(() => prepare(small));
    const one = costOf(() => prepare(small));
    const eight = costOf(() => prepare(8 * small));
    // Work that grows with the square costs 64 times as much. A clock or a garbage collection may add a
    // millisecond.
    expect(eight).toBeLessThan(24 * (one + 1000));
  });
});

describe('the cost of a value does not grow with its depth', () => {
  const works: Record<string, (value: unknown) => unknown> = {
    'when it is searched for values that cannot be sent': (value) =>
      describeUnsendable(value, (view) => view),
    'when it is a member of an error': (value) => {
      const error = Object.assign(new Error('x'), { value });
      return encodeIpcError(error, encodeError(error, ''));
    },
  };
  it.each(Object.entries(works))('%s', (_name, work) => {
    const items = 20_000;
    const [flat, far] = [deep(5, items), deep(500, items)];
    costOf(() => () => work(flat));
    const near = costOf(() => () => work(flat));
    expect(costOf(() => () => work(far))).toBeLessThan(5 * (near + 1000));
  });
});

describe('a value that claims to be larger', () => {
  const refusalOf = (value: unknown): string => {
    try {
      structuredCloneEncoding.parse([0, [0, 'c', value as unknown[]]], defaultIpcLimits);
      return 'none';
    } catch (error) {
      return (error as Error).message;
    }
  };
  /** Some 50,000 values. */
  const honest = Array.from({ length: 10_000 }, (_, i) => [i, [i]]);
  const honestCost = () => costOf(() => () => refusalOf(honest)) + 1000;

  it.each([
    ['more items than a message may have', 4e9, 'larger than'],
    ['as many items as a message may have', 7e6, 'too many holes'],
  ])('is refused if it is an empty list with %s by its length', (_name, length, refusal) => {
    const list: unknown[] = [];
    list.length = length;
    expect(refusalOf(list)).toContain(refusal);
    expect(costOf(() => () => refusalOf(list))).toBeLessThan(honestCost());
  });

  it('is refused if one object stands in many places, at the cost of the objects that were sent', () => {
    let twice = nested(3);
    for (let i = 0; i < 60; i++) twice = [twice, twice];
    const often = Array.from({ length: 1000 }, () => honest);
    for (const value of [twice, often]) {
      expect(refusalOf(value)).toContain('many places');
      expect(costOf(() => () => refusalOf(value))).toBeLessThan(20 * honestCost());
    }
  });

  it('is accepted if a few objects stand twice, or if lists have a few holes', () => {
    const shared = { a: [1, 2, 3] };
    // eslint-disable-next-line no-sparse-arrays -- that is what is posted
    const frame = [0, [0, 'c', [shared, shared, [1, , 3]]]];
    const { list } = structuredCloneEncoding.parse(frame, defaultIpcLimits);
    expect(list).toEqual([0, [0, 'c', [shared, shared, [1, null, 3]]]]);
  });
});
